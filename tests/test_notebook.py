"""The notebook: every cell runs, and shows what is committed."""

import json
import os
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

import train
from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebook.ipynb"


def _shown(cell: dict[str, Any]) -> list[str]:
    """What a cell prints and displays, as text."""
    outputs = cell.get("outputs", ())
    return [o["text"] if "text" in o else o["data"].get("text/plain", "") for o in outputs]


@pytest.fixture(scope="module")
def committed() -> Any:
    """The notebook as it is in the repository."""
    return nbformat.read(NOTEBOOK, as_version=4)


def test_committed_outputs_are_those_of_its_code(committed: Any, tmp_path: Path) -> None:
    """Run from top to bottom, it shows what the reader sees (with the libraries it was made with)."""
    again = nbformat.read(NOTEBOOK, as_version=4)
    # The pictures' file size may differ; what is compared is text.
    os.environ.setdefault("MPLCONFIGDIR", str(tmp_path))
    nbclient.NotebookClient(again, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    made_with = json.loads((ROOT / "models" / "metrics.json").read_text())["versions"]
    if train._versions() != made_with:
        pytest.skip(f"it runs; its outputs were made with {made_with}")
    for number, (old, new) in enumerate(zip(committed.cells, again.cells, strict=True)):
        assert _shown(new) == _shown(old), f"cell {number}"


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
