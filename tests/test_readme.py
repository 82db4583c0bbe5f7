"""What the documents say is what the code does and the metrics hold."""

import json
import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path

import httpx2
import pytest

from benchmarks import documents
from docs import figures
from leadscore.settings import Settings, variable
from tests.conftest import PYTHON, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
MODEL, API, OPERATIONS, REASONS = (DOCS[name] for name in ("model", "api", "operations", "reasons"))
TWIN, ORIGINAL = figures.TWIN, figures.ORIGINAL
EXACT = ("effect", "points")  # numbers of a reason


@pytest.mark.parametrize("name", figures.TABLES)
def test_tables_of_figures_are_those_measured(name: str) -> None:
    """README.md and docs/model.md hold what `make figures` writes there."""
    assert documents.shown(figures.mark(name)) == figures.TABLES[name]()


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
    # A model trained by another version of Python has another version, and the same answers.
    assert answer.pop("model_version") == client.get("/ready").json()["model_version"]
    assert re.fullmatch("[0-9a-f]{12}", shown.pop("model_version"))
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
        *("/", "/predict", "/predict/batch", "/predict/csv", "/changes", "/health", "/ready", "/model"),
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


def test_refusal_is_the_one_shown(client: httpx2.Client) -> None:
    """The wrong lead of docs/api.md gets the problem document printed under it."""
    shown = re.search(r"`(\{[^`]*\})` gets\n\n```json\n(.*?)```", API, re.DOTALL)
    assert shown
    answer = client.post("/predict", json=json.loads(shown[1]))
    assert answer.status_code == 422
    assert answer.json() == json.loads(shown[2])


def test_every_field_of_an_answer_is_documented(client: httpx2.Client) -> None:
    """docs/api.md names what a lead, a reason, a warning, a batch and its summary are answered by."""
    known = client.get("/openapi.json").json()["components"]["schemas"]
    for schema in ("Prediction", "Reason", "Caution", "BatchPrediction", "Summary", "Capacity"):
        for name in known[schema]["properties"]:
            assert f"`{name}`" in API, f"{schema}.{name}"


def test_every_metric_is_documented(client: httpx2.Client) -> None:
    """Whoever writes an alert finds each metric, and its labels, in docs/operations.md."""
    shown = client.get("/metrics").text
    for name in re.findall(r"^# TYPE (leadscore_\w+)", shown, re.MULTILINE):
        assert f"`{name}`" in OPERATIONS
    for label in set(re.findall(r"[{,](\w+)=", shown)) - {"le", "implementation"}:
        assert f"`{label}`" in OPERATIONS


def test_every_setting_is_documented() -> None:
    """A setting that is not documented does not exist for the one who deploys."""
    for entry in fields(Settings):
        assert f"`{variable(entry.name)}`" in OPERATIONS


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
