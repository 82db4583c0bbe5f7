"""The notebook: every cell runs, and shows what is committed."""

import json
import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from leadscore.training.record import versions
from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebook.ipynb"
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?")
P_VALUE = re.compile(r"p = [\d.]+")  # turns on digits that are not shown


def _shown(cell: dict[str, Any]) -> str:
    """What a cell prints and displays, as text."""
    outputs = cell.get("outputs", ())
    texts = [o["text"] if "text" in o else o["data"].get("text/plain", "") for o in outputs]
    return P_VALUE.sub("p", " ".join("\n".join(texts).split()))  # a digit more moves a whole table


def _read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]  # nbformat types few


@pytest.fixture(scope="module")
def committed() -> Any:
    """The notebook as it is in the repository."""
    return _read()


@pytest.mark.slow
def test_committed_outputs_are_those_of_its_code(
    committed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run from top to bottom, it shows what the reader sees (with the libraries it was made with)."""
    again = _read()
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    nbclient.NotebookClient(again, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    made_with = json.loads((ROOT / "models" / "metrics.json").read_text())["versions"]
    if versions() != made_with:
        pytest.skip(f"it runs; its outputs were made with {made_with}")
    for number, (old, new) in enumerate(zip(committed.cells, again.cells, strict=True)):
        assert NUMBER.sub("#", _shown(new)) == NUMBER.sub("#", _shown(old)), f"cell {number}"
        # Another CPU moves the third digit of logistic regression and of a single tree.
        assert _numbers(new) == pytest.approx(_numbers(old), abs=0.005, rel=0.02), f"cell {number}"


def _numbers(cell: dict[str, Any]) -> list[float]:
    return [float(found.replace(",", "")) for found in NUMBER.findall(_shown(cell))]


def test_every_code_cell_was_run_in_order(committed: Any) -> None:
    """No cell is left over from another state of the notebook."""
    counts = [cell.execution_count for cell in committed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_nothing_failed_and_nothing_warned(committed: Any) -> None:
    """A reader sees results, not red boxes."""
    for cell in committed.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            assert output.get("name") != "stderr"


def test_helper_code_is_folded(committed: Any) -> None:
    """Functions and classes stand in one cell near the start, which a reader sees folded."""
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    defining = [cell for cell in code if re.search(r"^(def|class) ", cell.source, re.MULTILINE)]
    assert defining == code[:1]
    assert code[0].metadata["jupyter"]["source_hidden"]
    assert "hide-input" in code[0].metadata["tags"]


def test_contents_name_every_section(committed: Any) -> None:
    """The first cell has the findings, and a link for each section that leads to its heading."""
    first, *others = [cell.source for cell in committed.cells if cell.cell_type == "markdown"]
    headings = re.findall(r"^## (.*)$", "\n".join(others), re.MULTILINE)
    assert "What comes out" in first
    assert re.findall(r"^- \[(.*)\]\(#(.*)\)$", first, re.MULTILINE) == [
        (heading, heading.replace(" ", "-")) for heading in headings
    ]
