"""Training from the command line: what is shipped is what it makes, and nothing is lost on the way."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pytest

import train
from leadscore.dictionary import Dictionary
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training import gate, recipe
from leadscore.training.dataset import inputs, load
from leadscore.training.decision import Rule
from leadscore.training.evaluation import folds
from leadscore.training.models import CANDIDATES, SERVED, probability
from leadscore.training.onnx import parity
from leadscore.training.recipe import compare, evaluate
from tests.conftest import MODEL, ROOT, TWIN, Serve

# By how much a figure may be off. On another CPU logistic regression and the tree differ in the third
# digit, and with them the leads that reach a threshold and, one by one, those of a lift.
MAY_DIFFER = {
    **dict.fromkeys(("roc_auc", "average_precision", "log_loss", "brier", "ece"), 0.002),
    **dict.fromkeys(("accuracy", "precision", "recall", "f1", "threshold"), 0.005),
    **dict.fromkeys(("lift_at_10%", "lift_at_20%", "lift_at_30%"), 0.02),
}
FIGURES = MAY_DIFFER.keys() - {"threshold"}

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


class Trained(NamedTuple):
    """What a run of train.py gave: its folder, and what it printed."""

    folder: Path
    report: str

    @property
    def metrics(self) -> dict[str, Any]:
        """Its metrics.json."""
        return dict(json.loads((self.folder / "metrics.json").read_text()))


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def _train(*arguments: object) -> Said:
    """`python train.py ...`, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = train.main([str(argument) for argument in arguments])
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """`python train.py` on the shipped data: the one run as a user starts it."""
    folder = tmp_path_factory.mktemp("models")
    done = subprocess.run(
        [sys.executable, "train.py", "--output", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Trained(folder, done.stdout)


@pytest.fixture
def metrics(trained: Trained) -> dict[str, Any]:
    """Its metrics.json."""
    return trained.metrics


def _shipped() -> dict[str, Any]:
    return dict(json.loads((ROOT / "models" / "metrics.json").read_text()))


def _numbers(document: Any, path: str = "") -> dict[str, float]:
    if isinstance(document, dict):
        return {
            k: v for key, item in document.items() for k, v in _numbers(item, f"{path}/{key}").items()
        }
    if isinstance(document, list):
        return _numbers(dict(enumerate(document)), path)
    return {path: document} if isinstance(document, int | float) else {}


def _assert_alike(found: Any, expected: Any) -> None:
    numbers, wanted = _numbers(found), _numbers(expected)
    assert numbers.keys() == wanted.keys()
    for path, value in wanted.items():
        own = next((name for name in path.split("/")[::-1] if name in MAY_DIFFER), "")
        assert numbers[path] == pytest.approx(value, abs=MAY_DIFFER.get(own, 0.005)), path


def test_shipped_metrics_are_what_training_gives(metrics: dict[str, Any]) -> None:
    """Every figure that is published can be made again."""
    _assert_alike(metrics, _shipped())


def test_shipped_model_is_what_training_gives(trained: Trained) -> None:
    """The same data, versions and machine give the same bytes."""
    versions = _shipped()["versions"]
    if trained.metrics["versions"] != versions:
        pytest.skip(f"the shipped model was made with {versions}, here is {trained.metrics['versions']}")
    for name in (MODEL.name, gate.EVALUATED):
        assert (trained.folder / name).read_bytes() == (MODEL.parent / name).read_bytes()


def test_shipped_card_is_what_training_writes(trained: Trained) -> None:
    """CARD.md belongs to the model beside it, and its pictures are there."""
    card = (trained.folder / "CARD.md").read_text()
    if trained.metrics["versions"] == _shipped()["versions"]:
        figure = r"\d+\.\d+(e-\d+)?"  # compared above, in metrics.json
        shipped = (ROOT / "models" / "CARD.md").read_text()
        assert re.sub(figure, "#", card) == re.sub(figure, "#", shipped)
    assert trained.metrics["model_version"] in card
    pictures = [line.partition("](figures/")[2].partition(")")[0] for line in card.split("![")[1:]]
    assert len(pictures) == len(list((trained.folder / "figures").iterdir()))
    for name in pictures:
        assert (trained.folder / "figures" / name).read_bytes().startswith(b"\x89PNG")


def test_card_is_read_from_the_top(trained: Trained) -> None:
    """What it is and how to use it come first, the columns it refuses last."""
    title, *parts = (trained.folder / "CARD.md").read_text().split("\n## ")
    assert f"{trained.metrics['models']['xgboost']['newest']['lift_at_10%']:.1f} times" in title
    headings = [part.partition("\n")[0] for part in parts]
    assert (headings[0], headings[-1]) == ("How to use it", "Columns refused")


def test_every_model_has_every_figure(metrics: dict[str, Any]) -> None:
    """Dummy, linear, tree, forest and boosting are measured alike, so is every ablation."""
    assert list(metrics["models"]) == list(CANDIDATES)
    for model in metrics["models"].values():
        for split in ("cross_validated", "rolling", "mixed", "newest", "at_random"):
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


def test_report_says_what_to_run_next(trained: Trained) -> None:
    """The last line is a command that works."""
    command = f"python predict.py --model {trained.folder / MODEL.name}"
    assert trained.report.rstrip().endswith(command)
    assert "xgboost" in trained.report


def test_report_explains_why_the_splits_differ(trained: Trained) -> None:
    """The same figures by time and at random, and the sentence that makes sense of the difference."""
    served = trained.metrics["models"][SERVED]
    for split in ("newest", "at_random"):
        assert f"{served[split]['roc_auc']:.3f}" in trained.report
    assert "newest leads are easier to tell apart" in trained.report
    assert "flatters columns whose values change with time: “engaged”" in trained.report


def test_saved_pipeline_takes_the_frame_and_gives_the_model_s_scores(
    trained: Trained, capture: Dictionary
) -> None:
    """pipeline.joblib and the ONNX file beside it agree on every lead."""
    leads = load(TWIN, capture)
    expected = probability(joblib.load(trained.folder / "pipeline.joblib"), leads.features)
    found, _ = Scorer(trained.folder / MODEL.name).run(inputs(leads.features, capture))
    assert np.abs(found - expected).max() <= TOLERANCE


def test_same_model_may_be_published_again(trained: Trained, capture: Dictionary) -> None:
    """The gate lets the model through that is already there, whatever it is compared with."""
    version = Scorer(trained.folder / gate.EVALUATED).card.version
    gate.check(trained.folder, version, load(TWIN, capture), np.zeros(1848), 0)


@pytest.mark.slow
def test_shipped_figures_of_the_original_are_what_training_gives(
    original_csv: Path, capture: Dictionary
) -> None:
    """models/metrics_original.json can be made again where the original is present."""
    shipped = json.loads((ROOT / "models" / "metrics_original.json").read_text())
    found = compare(load(original_csv, capture), SERVED, shipped["seed"]).to_dict()
    _assert_alike(found, shipped["models"][SERVED])


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Options for a CSV and a data dictionary of a CRM that shares no column with the Kaggle data."""
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
    return ["--data", folder / "crm.csv", "--columns", folder / "crm.toml"]


@pytest.mark.slow
def test_another_crm_trains_and_serves_without_touching_code(
    crm: list[Any], tmp_path: Path, serve: Serve
) -> None:
    """Another data dictionary is all it takes, from the CSV to an answer over HTTP."""
    done = _train(*crm, "--output", tmp_path)
    assert done.code == 0, done.err
    scorer = Scorer(tmp_path / MODEL.name)
    assert [column.name for column in scorer.card.dictionary.features] == ["seats", "branch"]
    assert scorer.card.metrics["newest"]["roc_auc"] > 0.75
    leads = [{"seats": 20, "branch": "Bänk"}, {"seats": -20, "branch": "n/a"}]
    expected, _ = scorer.run(scorer.inputs(leads))
    assert expected[0] > 0.8
    assert expected[1] < 0.2
    with serve("predict.py", "--port", "0", "--model", str(tmp_path / MODEL.name)) as client:
        answers = client.post("/predict/batch", json={"leads": leads}).json()["predictions"]
        refused = client.post("/predict", json={"notes": "call back"})
        assert "seats" in client.get("/openapi.json").text
    assert [answer["probability"] for answer in answers] == pytest.approx(expected.tolist())
    assert refused.status_code == 422
    assert "Written after the call." in refused.text


@pytest.mark.slow
def test_threshold_rule_reaches_the_card(crm: list[Any], tmp_path: Path) -> None:
    """`--threshold capacity` is stored with its parameter and its expected result, and shown."""
    rule = ("--threshold", "capacity", "--calls-per-100", 20)
    done = _train(*crm, "--output", tmp_path, "--no-refit", *rule)
    assert done.code == 0, done.err
    threshold = Scorer(tmp_path / MODEL.name).card.threshold
    assert threshold.parameters == {"calls_per_100": 20}
    leads = load(crm[1], Dictionary.load(crm[3]).known_at("capture"))
    scores = evaluate(leads, SERVED, 0, Rule("capacity", calls_per_100=20)).out_of_fold.probability
    assert np.mean(scores >= threshold.value) <= 0.2 < np.mean(scores >= threshold.value - 0.001)
    assert threshold.expected["calls"] == round(100 * np.mean(scores >= threshold.value), 4)
    assert "as many calls as 20 per 100 leads allow" in (tmp_path / "CARD.md").read_text()


@pytest.mark.slow
def test_a_worse_model_does_not_replace_a_better_one(crm: list[Any], tmp_path: Path) -> None:
    """Exit code 3 with the reasons, and the folder as it was; --force replaces it all the same."""
    assert _train(*crm, "--output", tmp_path).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    # The same newest leads, but less to learn from: of the older ones most seats are shuffled.
    header, *rows = crm[1].read_text(encoding="utf-8").splitlines()
    oldest = rows[: int(0.8 * len(rows))]
    cells, rng = np.array([row.split(",") for row in oldest]), np.random.default_rng(0)
    some = rng.permutation(len(cells))[: int(0.8 * len(cells))]
    cells[some, 2] = cells[rng.permutation(some), 2]
    spoiled = [",".join(row) for row in cells]
    worse = tmp_path.parent / f"{tmp_path.name}.csv"
    worse.write_text("\n".join([header, *spoiled, *rows[len(oldest) :]]), encoding="utf-8")
    arguments = ["--data", worse, *crm[2:], "--output", tmp_path]
    refused = _train(*arguments)
    assert refused.code == 3
    assert "Not published" in refused.err
    assert "ROC-AUC -0." in refused.err
    assert "log loss +0." in refused.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    forced = _train(*arguments, "--force")
    assert forced.code == 0, forced.err
    assert (tmp_path / MODEL.name).read_bytes() != before[tmp_path / MODEL.name]


@pytest.mark.slow
def test_trees_too_large_for_reasons_are_refused_and_kept(
    crm: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is exported; the sentence holds the command that writes the plain graph instead."""
    # Two columns have few patterns of turns however large the trees are.
    monkeypatch.setattr("leadscore.training.onnx.shap_table.MOST_PATTERNS", 4)
    refused = _train(*crm, "--output", tmp_path)
    assert refused.code == 3
    assert "train trees of 8 leaves or fewer" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["too_large.joblib"]
    script, *arguments = re.findall(r"python (export_onnx.py .*--plain)", refused.err)[0].split()
    done = subprocess.run(
        [sys.executable, ROOT / script, *arguments, "--data", crm[1]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plain.onnx").exists()


@pytest.mark.slow
def test_published_model_has_learned_from_the_newest_leads(crm: list[Any], tmp_path: Path) -> None:
    """What is published is fitted on all leads, by the recipe whose figures stand beside it; with
    --no-refit it is the evaluated model itself.
    """
    refitted, kept = tmp_path / "refitted", tmp_path / "kept"
    assert _train(*crm, "--output", refitted).code == 0
    assert _train(*crm, "--output", kept, "--no-refit").code == 0
    one, other = (Scorer(folder / MODEL.name).card for folder in (refitted, kept))
    assert (one.data["fitted_on"], other.data["fitted_on"]) == (1200, 960)
    assert one.metrics["newest"] == other.metrics["newest"]
    assert (kept / MODEL.name).read_bytes() != (refitted / MODEL.name).read_bytes()
    graphs = [Scorer(folder / gate.EVALUATED) for folder in (refitted, kept)]
    leads = graphs[0].inputs([{"seats": 20, "branch": "Bänk"}, {"seats": -20}, {}])
    first, second = (graph.run(leads)[0] for graph in graphs)
    assert np.array_equal(first, second)
    assert "fitted on all 1,200" in (refitted / "CARD.md").read_text()
    assert "fitted on all" not in (kept / "CARD.md").read_text()
    (refitted / gate.EVALUATED).unlink()
    alone = _train(*crm, "--output", refitted, "--seed", "1")
    assert alone.code == 3
    assert "nothing to compare with" in alone.err


@pytest.mark.slow
def test_models_that_had_some_of_the_leads_are_told_from_those_of_all(
    crm: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many leads, rivals and columns are compared on some, beside the served model on the same: the
    card says on how many, in figures and in words; its own figures and its trees are those of all.
    """
    assert _train(*crm, "--output", tmp_path / "all").code == 0
    monkeypatch.setattr(recipe, "MOST_COMPARED", 600)
    monkeypatch.setattr(parity, "MOST_LEADS", 300)
    monkeypatch.setattr(folds, "ENOUGH", 1000)
    done = _train(*crm, "--output", tmp_path / "some")
    assert done.code == 0, done.err
    every, some = (json.loads((tmp_path / n / "metrics.json").read_text()) for n in ("all", "some"))
    assert some["data"] == {**every["data"], "compared_on": 600, "decided_on": 240}
    assert list(some["models"]) == [*CANDIDATES, f"{SERVED}_on_sample"]
    measured = ("threshold", "cross_validated", "newest")
    assert some["models"][SERVED] == {name: every["models"][SERVED][name] for name in measured}
    assert some["models"]["random_forest"] != every["models"]["random_forest"]
    assert some["ablation"]["capture"]["by_time"] == some["models"][f"{SERVED}_on_sample"]["newest"]
    cards = [Scorer(tmp_path / name / MODEL.name).card for name in ("all", "some")]
    assert [card.data.get("compared_on") for card in cards] == [None, 600]
    assert [card.parity["leads"] for card in cards] == [1200, 300]
    assert cards[0].golden == cards[1].golden
    for text in ((tmp_path / "some" / "CARD.md").read_text(), done.out):
        assert "are compared on 600 of the leads" in text
        assert "chosen on 240 leads out of fold" in text
    assert "are compared on" not in (tmp_path / "all" / "CARD.md").read_text()


@pytest.mark.slow
def test_later_columns_are_used_on_request(crm: list[Any], tmp_path: Path) -> None:
    """`--known contacted` adds the columns written by then (the default adds none, see above)."""
    arguments = [*crm, "--output", tmp_path, "--known", "contacted"]
    refused = _train(*arguments)
    assert refused.code == 3
    assert "Call notes: alone it reaches ROC-AUC 1.000" in refused.err
    assert not list(tmp_path.iterdir())
    done = _train(*arguments, "--force")
    assert done.code == 0, done.err
    assert "Call notes: alone it reaches" in (tmp_path / "CARD.md").read_text()
    card = Scorer(tmp_path / MODEL.name).card
    assert card.known == "contacted"
    assert [column.name for column in card.dictionary.features] == ["seats", "branch", "notes"]


@pytest.mark.slow
def test_unwritable_output_is_an_error_not_a_crash(crm: list[Any], tmp_path: Path) -> None:
    """A folder that cannot be made is named, in one line."""
    (tmp_path / "file").write_text("not a folder")
    done = _train(*crm, "--output", tmp_path / "file" / "models")
    assert done.code == 1
    assert "Not trained." in done.err
    assert str(tmp_path / "file") in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data", "no_such.csv"],
        ["--data", "README.md"],
        ["--columns", "no_such.toml"],
        ["--threshold", "cost"],
        ["--calls-per-100", "20"],
    ],
)
def test_wrong_input_leaves_the_previous_model(tmp_path: Path, arguments: list[str]) -> None:
    """An error is one line with exit code 1, and the output folder is as it was."""
    (tmp_path / MODEL.name).write_bytes(b"previous")
    done = _train(*arguments, "--output", tmp_path)
    assert done.code == 1
    assert "Not trained." in done.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {MODEL.name: b"previous"}


@pytest.mark.parametrize("arguments", [["--help"], ["--data", "no_such.csv"]])
@pytest.mark.parametrize("script", ["train", "export_onnx"])
def test_options_are_read_before_the_libraries(script: str, arguments: list[str]) -> None:
    """Help, and a wrong path, need none of what takes seconds to load."""
    heavy = ("sklearn", "xgboost", "pandas", "onnx", "matplotlib")
    code = f"""
import contextlib, sys, {script}
with contextlib.suppress(SystemExit):
    {script}.main(sys.argv[1:])
print(*(name for name in {heavy} if name in sys.modules))
"""
    needed = ["train.py", "out.onnx"] if script == "export_onnx" else []
    done = subprocess.run(
        [sys.executable, "-c", code, *needed, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""


def _ctrl_c_by_default() -> None:
    """Whoever started pytest may have it ignored, and a child inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    "moment",
    ["comparing models: logistic", pytest.param("bootstrap intervals", marks=pytest.mark.slow)],
)
def test_interruption_leaves_the_previous_model(crm: list[Any], tmp_path: Path, moment: str) -> None:
    """Ctrl-C while it works: exit code 130, the old file untouched, no half of a new one."""
    (tmp_path / MODEL.name).write_bytes(b"previous")
    # A terminal of its own, on which the progress shows what is being done.
    screen, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "train.py", *map(str, crm), "--output", tmp_path],
        cwd=ROOT,
        stderr=terminal,
        preexec_fn=_ctrl_c_by_default,  # noqa: PLW1509  (no thread of ours is at work)
    )
    os.close(terminal)
    shown = ""
    with contextlib.suppress(OSError):  # the terminal ends with the process
        while moment not in shown:
            shown += os.read(screen, 4096).decode(errors="replace")
        process.send_signal(signal.SIGINT)
        while text := os.read(screen, 4096):
            shown += text.decode(errors="replace")
    os.close(screen)
    assert process.wait(timeout=60) == 130, shown
    assert "Interrupted" in shown
    assert "Traceback" not in shown
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {MODEL.name: b"previous"}
