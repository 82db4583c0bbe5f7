"""Training from the command line: what is shipped is what it makes, and nothing is lost on the way."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

import train
from leadscore.columns import Dictionary, clean
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training.dataset import load
from leadscore.training.decision import Rule
from leadscore.training.evaluation import probability
from leadscore.training.models import CANDIDATES, SERVED
from tests.conftest import MODEL, ROOT, TWIN, Serve

FIGURES = {
    "accuracy", "precision", "recall", "f1", "roc_auc", "average_precision", "log_loss", "brier", "ece",
    "lift_at_10%", "lift_at_20%", "lift_at_30%",
}  # fmt: skip

# Another CRM: other names, a text clock, other labels, its own missing marker, no minimum.
COLUMNS = """
missing = ["n/a"]
[[column]]
name = "seats"
source = "Seats wanted"
role = "feature"
kind = "number"
known = "capture"
why = "Asked on the form."
[[column]]
name = "branch"
source = "Branch"
role = "feature"
kind = "category"
known = "capture"
why = "Asked on the form."
[[column]]
name = "notes"
source = "Call notes"
role = "feature"
kind = "category"
known = "contacted"
why = "Written after the call."
[[column]]
name = "created"
source = "Created"
role = "id"
kind = "category"
known = "capture"
why = "When the lead came in."
clock = true
[[column]]
name = "deal"
source = "Deal"
role = "target"
kind = "category"
known = "contacted"
why = "What is predicted."
positive = "won"
negative = "lost"
"""


def _train(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "train.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the printed report of `python train.py` on the shipped data."""
    output = tmp_path_factory.mktemp("models")
    done = _train("--output", output)
    assert done.returncode == 0, done.stderr
    return output, done.stdout


@pytest.fixture
def metrics(retrained: tuple[Path, str]) -> dict[str, Any]:
    """Its metrics.json."""
    return json.loads((retrained[0] / "metrics.json").read_text())


def _shipped() -> dict[str, Any]:
    return json.loads((ROOT / "models" / "metrics.json").read_text())


def _numbers(document: Any, path: str = "") -> dict[str, float]:
    if isinstance(document, dict):
        return {
            k: v for key, item in document.items() for k, v in _numbers(item, f"{path}/{key}").items()
        }
    if isinstance(document, list):
        return _numbers(dict(enumerate(document)), path)
    return {path: document} if isinstance(document, int | float) else {}


def test_shipped_metrics_are_what_training_gives(metrics: dict[str, Any]) -> None:
    """Every figure that is published can be made again (other library versions differ a little)."""
    shipped, found = _numbers(_shipped()), _numbers(metrics)
    same_versions = metrics["versions"] == _shipped()["versions"]
    assert found == pytest.approx(shipped, abs=1e-9 if same_versions else 0.02)


def test_shipped_model_is_what_training_gives(
    retrained: tuple[Path, str], metrics: dict[str, Any]
) -> None:
    """The same data, versions and machine give the same bytes."""
    versions = _shipped()["versions"]
    if metrics["versions"] != versions:
        pytest.skip(f"the shipped model was made with {versions}, here is {metrics['versions']}")
    assert (retrained[0] / MODEL.name).read_bytes() == MODEL.read_bytes()


def test_shipped_card_is_what_training_writes(
    retrained: tuple[Path, str], metrics: dict[str, Any]
) -> None:
    """CARD.md belongs to the model beside it, and its pictures are there."""
    card = (retrained[0] / "CARD.md").read_text()
    if metrics["versions"] == _shipped()["versions"]:
        assert card == (ROOT / "models" / "CARD.md").read_text()
    assert metrics["model_version"] in card
    pictures = [line.partition("](figures/")[2].partition(")")[0] for line in card.split("![")[1:]]
    assert len(pictures) == len(list((retrained[0] / "figures").iterdir()))
    for name in pictures:
        assert (retrained[0] / "figures" / name).read_bytes().startswith(b"\x89PNG")


def test_every_model_has_every_figure(metrics: dict[str, Any]) -> None:
    """Dummy, linear, tree, forest and boosting are measured alike, so is every ablation."""
    assert list(metrics["models"]) == list(CANDIDATES)
    for model in metrics["models"].values():
        for split in ("cross_validated", "newest", "at_random"):
            assert set(model[split]) == FIGURES
    assert list(metrics["ablation"]) == ["capture", "engaged", "contacted", "everything"]
    for level in metrics["ablation"].values():
        assert set(level["by_time"]) == set(level["at_random"]) == FIGURES
    assert set(metrics["intervals"]) == FIGURES - {"ece"}
    assert metrics["ablation"]["capture"]["by_time"] == metrics["models"][SERVED]["newest"]
    assert metrics["ablation"]["capture"]["at_random"] == metrics["models"][SERVED]["at_random"]
    assert list(metrics["slices"])[:2] == [
        "without Lead Origin = Lead Add Form",
        "without leads seen in training",
    ]
    assert {"Lead Origin = API", "Lead Source = Google"} <= set(metrics["slices"])
    assert metrics["gains"][-1] == {"leads": 1.0, "conversions": 1.0}
    assert sum(row["leads"] for row in metrics["reliability"]) == metrics["data"]["tested_on"]


def test_metrics_are_documented(metrics: dict[str, Any]) -> None:
    """models/README.md explains every key of metrics.json."""
    text = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    keys = {*metrics, *metrics["data"], *FIGURES, *metrics["models"][SERVED], *metrics["parity"]}
    keys |= {*metrics["threshold"], *metrics["threshold"]["expected"], *metrics["grades"][0]}
    keys |= {*metrics["calibration"], *metrics["calibration"]["before"], *metrics["gains"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_leaky_columns_would_have_claimed_more(metrics: dict[str, Any]) -> None:
    """The ablation shows what refusing later columns costs in appearance."""
    auc = [level["by_time"]["roc_auc"] for level in metrics["ablation"].values()]
    assert auc == sorted(auc)
    assert auc[-1] > 0.97


def test_report_says_what_to_run_next(retrained: tuple[Path, str]) -> None:
    """The last line is a command that works."""
    output, report = retrained
    assert report.rstrip().endswith(f"python predict.py --model {output / MODEL.name}")
    assert "xgboost" in report


def test_report_explains_why_the_splits_differ(
    retrained: tuple[Path, str], metrics: dict[str, Any]
) -> None:
    """The same figures by time and at random, and the sentence that makes sense of the difference."""
    _, report = retrained
    served = metrics["models"][SERVED]
    for split in ("newest", "at_random"):
        assert f"{served[split]['roc_auc']:.3f}" in report
    assert "newest leads are easier to tell apart" in report
    assert "flatters columns whose values change with time: “engaged”" in report


def test_saved_pipeline_takes_the_frame_and_gives_the_model_s_scores(
    retrained: tuple[Path, str], capture: Dictionary
) -> None:
    """pipeline.joblib and the ONNX file beside it agree on every lead."""
    output, _ = retrained
    leads = load(TWIN, capture)
    expected = probability(joblib.load(output / "pipeline.joblib"), leads.features)
    found, _ = Scorer(output / MODEL.name).run(
        {name: leads.features[[name]].to_numpy() for name in leads.features}
    )
    assert np.abs(found - expected).max() <= TOLERANCE


def test_shipped_figures_of_the_original_are_what_training_gives(
    original_csv: Path, capture: Dictionary
) -> None:
    """models/metrics_original.json can be made again where the original is present."""
    shipped = json.loads((ROOT / "models" / "metrics_original.json").read_text())
    found = train.fit(load(original_csv, capture), SERVED, shipped["seed"]).to_dict()
    assert _numbers(found) == pytest.approx(_numbers(shipped["models"][SERVED]), abs=0.01)


@pytest.fixture(scope="module")
def other_crm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A CSV and a data dictionary of a CRM that shares no column with the Kaggle data."""
    folder = tmp_path_factory.mktemp("crm")
    rng = np.random.default_rng(0)
    lines = ["Created,Branch,Seats wanted,Call notes,Deal"]
    for day in range(1200):
        seats, branch = rng.normal(0, 10), rng.choice(["Retail", "Bänk", "n/a", ""])
        won = rng.random() < 1 / (1 + np.exp(-0.2 * seats - 1.5 * (branch == "Bänk")))
        date = np.datetime64("2023-01-01") + day
        cell = "" if rng.random() < 0.1 else f"{seats:.2f}"
        lines.append(f"{date},{branch},{cell},{'call back' if won else ''},{'won' if won else 'lost'}")
    (folder / "crm.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "crm.toml").write_text(COLUMNS, encoding="utf-8")
    return folder / "crm.csv", folder / "crm.toml"


def test_another_crm_trains_and_serves_without_touching_code(
    other_crm: tuple[Path, Path], tmp_path: Path, serve: Serve
) -> None:
    """Another data dictionary is all it takes, from the CSV to an answer over HTTP."""
    csv, columns = other_crm
    done = _train("--data", csv, "--columns", columns, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    scorer = Scorer(tmp_path / MODEL.name)
    assert [column.name for column in scorer.card.dictionary.features] == ["seats", "branch"]
    assert scorer.card.metrics["newest"]["roc_auc"] > 0.75
    leads = [
        {"Seats wanted": 20, "branch": "Bänk", "created": "2026-01-01"},
        {"seats": -20, "branch": "n/a"},
    ]
    with serve("predict.py", "--port", "0", "--model", str(tmp_path / MODEL.name)) as client:
        answers = client.post("/predict/batch", json={"leads": leads}).json()["predictions"]
        refused = client.post("/predict", json={"notes": "call back"})
        assert "seats" in client.get("/openapi.json").text
    expected = scorer.probability([clean(lead, scorer.card.dictionary) for lead in leads])
    assert [answer["probability"] for answer in answers] == pytest.approx(expected.tolist())
    assert answers[0]["probability"] > 0.8
    assert answers[1]["probability"] < 0.2
    assert answers[0]["ids"] == {"created": "2026-01-01"}
    assert refused.status_code == 422
    assert "Written after the call." in refused.text


def test_threshold_rule_reaches_the_card(other_crm: tuple[Path, Path], tmp_path: Path) -> None:
    """`--threshold capacity` is stored with its parameter and its expected result, and shown."""
    csv, columns = other_crm
    options = ["--threshold", "capacity", "--calls-per-100", 20]
    done = _train("--data", csv, "--columns", columns, "--output", tmp_path, *options)
    assert done.returncode == 0, done.stderr
    threshold = Scorer(tmp_path / MODEL.name).card.threshold
    assert threshold.parameters == {"calls_per_100": 20}
    leads = load(csv, Dictionary.load(columns).known_at("capture"))
    rule = Rule("capacity", calls_per_100=20)
    scores = train.fit(leads, SERVED, 0, rule).out_of_fold
    assert np.mean(scores >= threshold.value) <= 0.2 < np.mean(scores >= threshold.value - 0.001)
    assert threshold.expected["calls"] == round(100 * np.mean(scores >= threshold.value), 4)
    assert "as many calls as 20 per 100 leads allow" in (tmp_path / "CARD.md").read_text()


def test_a_worse_model_does_not_replace_a_better_one(
    other_crm: tuple[Path, Path], tmp_path: Path
) -> None:
    """Exit code 3 with the reasons, and the folder as it was; --force replaces it all the same."""
    csv, columns = other_crm
    arguments = ["--data", csv, "--columns", columns, "--output", tmp_path]
    assert _train(*arguments).returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    # The same newest leads, but nothing left to learn from: the older outcomes are shuffled.
    header, *rows = csv.read_text(encoding="utf-8").splitlines()
    oldest = rows[: int(0.8 * len(rows))]
    outcomes = np.random.default_rng(0).permutation([row.rpartition(",")[2] for row in oldest])
    spoiled = [f"{row.rpartition(',')[0]},{won}" for row, won in zip(oldest, outcomes, strict=True)]
    worse = tmp_path.parent / f"{tmp_path.name}.csv"
    worse.write_text("\n".join([header, *spoiled, *rows[len(oldest) :]]), encoding="utf-8")
    arguments[1] = worse
    refused = _train(*arguments)
    assert refused.returncode == 3
    assert "Not published" in refused.stderr
    assert "ROC-AUC -0." in refused.stderr
    assert "log loss +0." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    forced = _train(*arguments, "--force")
    assert forced.returncode == 0, forced.stderr
    assert (tmp_path / MODEL.name).read_bytes() != before[tmp_path / MODEL.name]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data", "no_such.csv"],
        ["--columns", "no_such.toml"],
        ["--threshold", "cost"],
        ["--calls-per-100", "20"],
    ],
)
def test_wrong_input_leaves_the_previous_model(tmp_path: Path, arguments: list[str]) -> None:
    """An error is one line with exit code 1, and the output folder is as it was."""
    (tmp_path / MODEL.name).write_bytes(b"previous")
    done = _train(*arguments, "--output", tmp_path)
    assert done.returncode == 1
    assert "Not trained." in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [MODEL.name]
    assert (tmp_path / MODEL.name).read_bytes() == b"previous"


def test_unwritable_output_is_an_error_not_a_crash(other_crm: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder that cannot be made is named, in one line."""
    csv, columns = other_crm
    (tmp_path / "file").write_text("not a folder")
    done = _train("--data", csv, "--columns", columns, "--output", tmp_path / "file" / "models")
    assert done.returncode == 1
    assert "Not trained." in done.stderr
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("moment", ["comparing models: logistic", "bootstrap intervals"])
def test_interruption_leaves_the_previous_model(tmp_path: Path, moment: str) -> None:
    """Ctrl-C while it works: exit code 130, the old file untouched, no half of a new one."""
    (tmp_path / MODEL.name).write_bytes(b"previous")
    # A terminal of its own, on which the progress shows what is being done.
    screen, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "train.py", "--output", str(tmp_path)], cwd=ROOT, stderr=terminal
    )
    os.close(terminal)
    shown = ""
    while moment not in shown:
        shown += os.read(screen, 4096).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # the terminal ends with the process
        while text := os.read(screen, 4096):
            shown += text.decode(errors="replace")
    os.close(screen)
    assert process.wait(timeout=60) == 130
    assert "Interrupted" in shown
    assert "Traceback" not in shown
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {MODEL.name: b"previous"}


def test_later_columns_are_used_on_request(other_crm: tuple[Path, Path], tmp_path: Path) -> None:
    """`--known contacted` adds the columns written by then (the default adds none, see above)."""
    csv, columns = other_crm
    done = _train("--data", csv, "--columns", columns, "--output", tmp_path, "--known", "contacted")
    assert done.returncode == 0, done.stderr
    card = Scorer(tmp_path / MODEL.name).card
    assert card.known == "contacted"
    assert [column.name for column in card.dictionary.features] == ["seats", "branch", "notes"]
