"""`python train.py evaluate`: whether a model in use still does what its card promised."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import train
from leadscore.scorer import Scorer
from leadscore.training.evaluation.figures import roc_auc
from leadscore.training.outcomes.comparison import Limits, compared, warnings
from leadscore.training.outcomes.leads import Outcomes, read
from tests.conftest import CASES, MODEL, TWIN

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """A thousand of the shipped leads."""
    return list(csv.DictReader(io.StringIO(TWIN.read_text(encoding="utf-8"))))[::9][:1000]


@pytest.fixture
def file(tmp_path: Path, rows: Rows) -> Callable[..., Path]:
    """Write leads, each changed by a function, to a file."""

    def write(change: Callable[[dict[str, str]], dict[str, str]] = lambda row: row) -> Path:
        path = tmp_path / "outcomes.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, change(rows[0]).keys())
            writer.writeheader()
            writer.writerows(change(row) for row in rows)
        return path

    return write


def _evaluate(path: Path, *options: object, model: Path = MODEL) -> int:
    arguments = ("evaluate", "--model", model, "--data", path, *options)
    return train.main([str(argument) for argument in arguments])


def test_model_that_holds_is_said_to_hold(
    file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, and live figures beside the promised ones, as text, JSON and one page."""
    code = _evaluate(file(), "--json", tmp_path / "e.json", "--html", tmp_path / "e.html")
    assert code == 0
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["holds"] is True
    assert (found["leads"], found["training_data"]) == (1000, False)
    card = Scorer(MODEL).card
    assert found["figures"]["roc_auc"]["promised"] == card.metrics["newest"]["roc_auc"]
    assert [row["grade"] for row in found["proof"]["grades"]] == [g.grade for g in card.grades]
    assert found["drift"].keys() == {*card.drift["features"], "score"}
    said = capsys.readouterr().out
    assert "The model holds." in said
    page = (tmp_path / "e.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_figures_are_those_of_the_scorer(file: Callable[..., Path], rows: Rows) -> None:
    """What is compared is what the model gives these very leads."""
    scorer = Scorer(MODEL)
    leads = read(file(), scorer)
    expected = np.array([int(row["Converted"]) for row in rows], np.int8)
    assert leads.converted.tolist() == expected.tolist()
    found = compared(scorer.card, leads, Limits())
    assert found["figures"]["roc_auc"]["now"] == round(roc_auc(expected, leads.probability), 4)


def test_model_that_no_longer_ranks_is_refused(
    file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 4 when outcomes have nothing to do with the score, and the figure that says so."""
    rng = np.random.default_rng(0)
    path = file(lambda row: {**row, "Converted": str(int(rng.random() < 0.385))})
    assert _evaluate(path) == 4
    said = capsys.readouterr().out
    assert "Objection: ROC-AUC 0." in said
    assert "The model no longer holds." in said
    assert _evaluate(path, "--max-auc-drop", 0.5, "--max-calibration-error", 1) == 0


def test_probabilities_that_are_off_are_an_objection(file: Callable[..., Path]) -> None:
    """Each probability is too high when conversions fall by half, which the message counts."""
    rng = np.random.default_rng(0)
    path = file(
        lambda row: {**row, "Converted": str(int(row["Converted"] == "1" and rng.random() < 0.4))}
    )
    found = compared(Scorer(MODEL).card, read(path, Scorer(MODEL)), Limits())
    assert found["objections"][-1].startswith("Calibration error")


def test_open_leads_are_left_out_and_counted(file: Callable[..., Path], rows: Rows) -> None:
    """A lead without an outcome is no lead that did not convert."""
    numbers = iter(range(len(rows) + 1))
    path = file(lambda row: {**row, "Converted": "" if next(numbers) % 2 else row["Converted"]})
    leads = read(path, Scorer(MODEL))
    assert (len(leads.converted), leads.still_open) == (500, 500)


def test_leads_that_trained_the_model_are_known_again(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures on them flatter, and there is no verdict, whatever they are."""
    assert _evaluate(TWIN, "--max-calibration-error", -1) == 0
    assert "The model was trained on these leads" in capsys.readouterr().out


def test_few_leads_get_no_verdict(capsys: pytest.CaptureFixture[str], file: Callable[..., Path]) -> None:
    """A nightly job is not alarmed by a handful of leads."""
    assert _evaluate(file(), "--min-leads", 5000) == 0
    assert "Too few leads to say" in capsys.readouterr().out


def test_leads_of_one_outcome_have_no_verdict(file: Callable[..., Path]) -> None:
    """Nothing is divided by zero, and nothing is claimed."""
    found = compared(
        Scorer(MODEL).card,
        read(file(lambda row: {**row, "Converted": "0"}), Scorer(MODEL)),
        Limits(),
    )
    assert found["holds"] is None
    assert found["figures"]["roc_auc"]["now"] is None


def test_other_leads_than_in_training_are_noted(file: Callable[..., Path]) -> None:
    """Drift warns by column, and is no verdict."""
    path = file(lambda row: {**row, "Lead Source": "Fair"})
    found = compared(Scorer(MODEL).card, read(path, Scorer(MODEL)), Limits())
    assert next(iter(found["drift"])) == "lead_source"
    assert any("lead_source" in text for text in warnings(found))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"City,Converted\nMumbai,1\n", "Total Time Spent on Website"),
        (b"Lead,Owner\n1,2\n", "names no column the model reads"),
    ],
)
def test_what_cannot_be_evaluated_is_said(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit code 1, no trace."""
    (tmp_path / "leads.csv").write_bytes(content)
    assert _evaluate(tmp_path / "leads.csv") == 1
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: {k: v for k, v in row.items() if k != "Converted"}, "no column 'Converted'"),
        (lambda row: {**row, "Converted": ""}, "no lead has an outcome, expected '1' or '0'"),
    ],
)
def test_leads_without_an_outcome_are_no_evidence(
    change: Callable[[dict[str, str]], dict[str, str]],
    said: str,
    file: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The column that tells it is named, and the labels that it should have."""
    assert _evaluate(file(change)) == 1
    assert said in " ".join(capsys.readouterr().err.split())


def test_wrong_paths_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither an absent file nor an absent model is a crash."""
    assert _evaluate(tmp_path / "absent.csv") == 1
    assert _evaluate(CASES / "base.csv", model=tmp_path / "absent.onnx") == 1
    err = capsys.readouterr().err
    assert "absent.csv" in err
    assert "absent.onnx" in err


def test_card_without_figures_promises_nothing(file: Callable[..., Path]) -> None:
    """A model exported by itself has no test: only its calibration is judged."""
    scorer = Scorer(MODEL)
    found = compared(replace(scorer.card, metrics={}), read(file(), scorer), Limits())
    assert found["figures"]["roc_auc"]["promised"] is None
    assert found["holds"] is True


def test_blocks_of_leads_are_put_together(tmp_path: Path, rows: Rows) -> None:
    """More leads than are scored at once, and rows that cannot be scored: each keeps its outcome."""
    many = [{**row, "TotalVisits": "many"} if n % 100 == 3 else row for n, row in enumerate(rows * 3)]
    path = tmp_path / "many.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(many)
    leads: Outcomes = read(path, Scorer(MODEL))
    expected = [int(row["Converted"]) for row in many if row["TotalVisits"] != "many"]
    assert leads.converted.tolist() == expected
    assert leads.refused == 30


def test_column_that_is_absent_is_named(file: Callable[..., Path], tmp_path: Path) -> None:
    """A file may lack what hardly matters; the figures say so, in JSON as well."""
    path = file(lambda row: {k: v for k, v in row.items() if k != "City"})
    assert _evaluate(path, "--json", tmp_path / "e.json") == 0
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["absent"] == ["City"]
    assert any("City" in text for text in warnings(found))


def test_feature_called_score_keeps_its_own_drift(file: Callable[..., Path]) -> None:
    """The model's score beside it has another name, as it has in service."""
    scorer = Scorer(MODEL)
    leads = read(file(), scorer)
    levels = np.full((len(leads.converted), 1), "hot", object)
    described = {"levels": ["hot"], "shares": [1.0, 0.0, 0.0]}
    card = replace(scorer.card, drift={**scorer.card.drift, "features": {"score": described}})
    found = compared(card, replace(leads, inputs={**leads.inputs, "score": levels}), Limits())
    assert found["drift"]["score"] == 0
    assert found["drift"]["score_2"] > 0
