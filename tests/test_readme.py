"""What the documents say is what the code does and the metrics hold."""

import json
import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx2
import pytest

from leadscore.settings import Settings, variable
from tests.conftest import PYTHON, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
MODEL, API, OPERATIONS, REASONS = (DOCS[name] for name in ("model", "api", "operations", "reasons"))
TWIN = json.loads((ROOT / "models" / "metrics.json").read_text())
ORIGINAL = json.loads((ROOT / "models" / "metrics_original.json").read_text())
LABELS = {
    "ROC-AUC": "roc_auc",
    "average precision": "average_precision",
    "log loss": "log_loss",
    "Brier score": "brier",
    "calibration error": "ece",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "F1": "f1",
    "lift at 10 %": "lift_at_10%",
}
FIRST = ("ROC-AUC", "log loss", "calibration error", "lift at 10 %")
"""Of the figures, those of the README."""
EXACT = ("effect", "points")  # numbers of a reason, of which the README shows some digits


def _served(metrics: dict[str, Any], key: str) -> str:
    figure = f"{metrics['models'][metrics['served']]['newest'][key]:.3f}"
    interval = " to ".join(f"{bound:.3f}" for bound in metrics["intervals"].get(key, ()))
    return f"{figure} ({interval})" if interval else figure


@pytest.mark.parametrize("label", LABELS)
def test_figures_of_the_served_model_are_those_measured(label: str) -> None:
    """The first table of README and docs/model.md, twin and original side by side, is metrics*.json."""
    row = f"| {label} | {_served(TWIN, LABELS[label])} | {_served(ORIGINAL, LABELS[label])} |"
    assert row in MODEL
    assert (row in README) == (label in FIRST)


@pytest.mark.parametrize("name", TWIN["models"])
def test_figures_of_the_compared_models_are_those_measured(name: str) -> None:
    """The model comparison of docs/model.md is models/metrics*.json."""
    cells = [
        f"{metrics['models'][name]['newest'][key]:.3f}"
        for metrics in (TWIN, ORIGINAL)
        for key in ("roc_auc", "log_loss", "f1")
    ]
    assert f"| {name.replace('_', ' ')} | {' | '.join(cells)} |" in MODEL


@pytest.mark.parametrize("name", TWIN["ablation"])
def test_figures_of_the_ablation_are_those_measured(name: str) -> None:
    """The table of ever later columns in docs/model.md is models/metrics_original.json."""
    level = ORIGINAL["ablation"][name]
    cells = [
        f"{level[split][key]:.3f}"
        for split in ("by_time", "at_random")
        for key in ("roc_auc", "log_loss")
    ]
    assert f"| {name} | {level['features']} | {' | '.join(cells)} |" in MODEL


@pytest.mark.parametrize("name", [name for name in ORIGINAL["slices"] if name.startswith("without")])
def test_figures_of_the_slices_are_those_measured(name: str) -> None:
    """docs/model.md names what the model scores without its easiest leads."""
    part = ORIGINAL["slices"][name]
    assert f"| {name} | {part['leads']:,} | {part['roc_auc']:.3f} | {part['log_loss']:.3f} |" in MODEL


QUALITY = json.loads((ROOT / "benchmarks" / "quality.json").read_text())["models"]


@pytest.mark.parametrize("name", [name for name in QUALITY if not name.endswith("pipeline")])
def test_figures_of_other_libraries_are_those_measured(name: str) -> None:
    """The comparison with other libraries in docs/model.md is benchmarks/quality.json."""
    found = QUALITY[name]
    cells = [f"{found[key]:.4f}" for key in ("roc_auc", "log_loss")]
    for key in ("roc_auc", "log_loss"):
        difference = "{:+.4f} ({:+.4f} to {:+.4f})".format(*found["difference"][key])
        cells.append("" if name.startswith("ours") else difference)
    assert f"| {name} | {' | '.join(cells)} |" in MODEL


def test_figures_in_prose_are_those_measured() -> None:
    """Two sentences hold figures, too."""
    assert f"claim a ROC-AUC of {ORIGINAL['ablation']['everything']['by_time']['roc_auc']:.3f}" in README
    lift = ORIGINAL["models"][ORIGINAL["served"]]["newest"]["lift_at_10%"]
    assert f"the best tenth of new leads converts {lift:.1f} times" in README


def test_parity_is_the_measured_one() -> None:
    """The parity sentence of docs/model.md is models/metrics.json."""
    parity = TWIN["parity"]
    assert f"at most {parity['largest_difference']:.1e}" in MODEL
    assert f"{parity['leads'] + parity['adversarial_leads']:,} leads" in MODEL
    assert parity["flipped_decisions"] == 0


def test_curl_command_gives_the_answer_shown(client: httpx2.Client) -> None:
    """The README's first request, run as it stands, gets the answer printed under it."""
    command = re.search(r"^curl -s localhost:8000/predict .*(?:\n  .*)*", README, re.MULTILINE)
    assert command
    words = shlex.split(command[0].replace("\\\n", " "))
    words[words.index("localhost:8000/predict")] = f"{client.base_url}/predict".replace(
        "//predict", "/predict"
    )
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    shown = json.loads(README[command.end() :].split("```json\n", 1)[1].split("```", 1)[0])
    for answered in (answer, shown):
        answered["numbers"] = [answered.pop("probability")]
        answered["numbers"] += [reason.pop(key) for reason in answered["reasons"] for key in EXACT]
    assert answer.pop("numbers") == pytest.approx(shown.pop("numbers"), abs=1e-3)
    assert answer == shown


def test_explanation_is_the_one_shown() -> None:
    """`predict.py explain` of the first request's lead prints what docs/reasons.md shows."""
    lead = re.search(r"-d '(\{.*\})'", README)
    assert lead
    done = subprocess.run(
        [PYTHON, "predict.py", "explain", "-"],
        cwd=ROOT,
        input=lead[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.rstrip() in REASONS


@pytest.mark.parametrize(
    "route",
    [
        *("/", "/predict", "/predict/batch", "/predict/csv", "/health", "/ready", "/model"),
        *("/model/reload", "/docs"),
    ],
)
def test_every_route_is_documented(route: str) -> None:
    """The table of routes in docs/api.md is complete."""
    assert f"{route}`" in API


def test_documented_routes_exist(client: httpx2.Client) -> None:
    """OpenAPI names no route that docs/api.md leaves out."""
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"{path}`" in API


def test_every_setting_is_documented() -> None:
    """A setting that is not documented does not exist for the one who deploys."""
    for entry in fields(Settings):
        assert f"`{variable(entry.name)}`" in OPERATIONS


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "data/README.md",
        "models/README.md",
        "models/CARD.md",
        "benchmarks/SCALE.md",
        "docs/api.md",
    ],
)
def test_links_lead_somewhere(document: str) -> None:
    """No link points to a file that is not there."""
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_twin_figures_are_those_measured() -> None:
    """data/README.md holds the figures of data/twin.json."""
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    figures = json.loads((ROOT / "data" / "twin.json").read_text())
    for key, label in (("roc_auc", "ROC-AUC"), ("log_loss", "log loss")):
        one, other = (figures["trained_on"][name][key] for name in ("original", "twin"))
        assert f"| {label} | {one:.4f} | {other:.4f} |" in text
    for columns, count in figures["blank"]["original"].items():
        assert f"| {columns} | {count:,} | {figures['blank']['twin'][columns]:,} |" in text
    repeated = figures["repeated_rows"]
    assert f"{repeated['twin_in_original']:.1%}".replace("%", " %") in text
    assert f"{repeated['within_original']:.1%}".replace("%", " %") in text


def _text_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_no_path_of_a_machine_is_in_the_project() -> None:
    """Nothing in the repository depends on where it was made."""
    here = (str(ROOT.parent) + "/", str(Path.home()) + "/")
    for path in _text_files():
        content = path.read_bytes()
        assert not any(place.encode() in content for place in here if len(place) > 2), path
