"""The shipped twin: close to the original, none of its leads, the same bytes every time."""

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from data import synthesize
from leadscore.dictionary import Dictionary
from leadscore.training.dataset import load
from tests.conftest import ROOT, TWIN

FIGURES = json.loads((ROOT / "data" / "twin.json").read_text())


def _draw(original: Path, output: Path, *options: object) -> None:
    arguments = [original, "--output", output, *options]
    assert synthesize.main([str(argument) for argument in arguments]) == 0


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_shipped_twin_is_the_measured_one() -> None:
    """The published figures are of this file."""
    assert hashlib.sha256(TWIN.read_bytes()).hexdigest() == FIGURES["sha256"]["twin"]


def test_twin_is_as_close_as_promised() -> None:
    """Trained on the twin, tested on the original: AUC within .006, log loss within .01."""
    original, twin = FIGURES["trained_on"]["original"], FIGURES["trained_on"]["twin"]
    assert abs(original["roc_auc"] - twin["roc_auc"]) <= 0.006
    assert abs(original["log_loss"] - twin["log_loss"]) <= 0.01
    repeated = FIGURES["repeated_rows"]
    assert repeated["twin_in_original"] <= repeated["within_original"]
    for kind, tolerance in (("blank", 60), ("marked", 100)):
        for columns, count in FIGURES[kind]["original"].items():
            assert FIGURES[kind]["twin"][columns] == pytest.approx(count, abs=tolerance), columns
    for column, quantiles in FIGURES["quantiles"]["original"].items():
        assert FIGURES["quantiles"]["twin"][column] == pytest.approx(quantiles, rel=0.05), column
    drift = FIGURES["converted_by_fifth_of_time"]
    assert drift["twin"] == pytest.approx(drift["original"], abs=0.02)


@pytest.mark.slow  # leads are drawn
def test_drawing_again_gives_the_same_bytes(original_csv: Path, tmp_path: Path) -> None:
    """The shipped file can be made again, byte by byte."""
    done = subprocess.run(
        [sys.executable, "data/synthesize.py", original_csv, "--output", tmp_path / "twin.csv"],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0
    assert (tmp_path / "twin.csv").read_bytes() == TWIN.read_bytes()


@pytest.mark.slow  # leads are drawn
def test_another_seed_gives_other_leads(original_csv: Path, tmp_path: Path) -> None:
    """The seed decides, and any number of rows can be drawn."""
    for seed in (1, 2):
        _draw(original_csv, tmp_path / f"{seed}.csv", "--seed", seed, "--rows", 500)
    one, other = (_rows(tmp_path / f"{seed}.csv") for seed in (1, 2))
    assert len(one) == len(other) == 500
    assert one != other


def test_figures_are_those_of_the_original(original_csv: Path) -> None:
    """data/twin.json was measured against this original."""
    assert hashlib.sha256(original_csv.read_bytes()).hexdigest() == FIGURES["sha256"]["original"]


def test_twin_has_no_id_of_the_original(original_csv: Path) -> None:
    """No lead can be looked up by an id."""
    for column in ("Prospect ID", "Lead Number"):
        assert not {r[column] for r in _rows(TWIN)} & {r[column] for r in _rows(original_csv)}


@pytest.mark.slow  # leads are drawn
def test_twin_has_the_original_s_vocabulary(original_csv: Path, dictionary: Dictionary) -> None:
    """Every level of the twin is one of the original's, and every common one is there."""
    for column in dictionary.columns:
        if column.kind == "category" and column.role != "id":
            original = Counter(r[column.source] for r in _rows(original_csv))
            twin = {r[column.source] for r in _rows(TWIN)}
            assert twin <= set(original), column.name
            assert {level for level, n in original.items() if n >= 20} <= twin, column.name


def test_broken_original_draws_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The original is validated like any training data."""
    (tmp_path / "broken.csv").write_text("a,b\n1,2\n")
    arguments = [str(tmp_path / "broken.csv"), "--output", str(tmp_path / "twin.csv")]
    assert synthesize.main(arguments) == 1
    assert "names no column the model reads" in capsys.readouterr().err
    assert not (tmp_path / "twin.csv").exists()


@pytest.mark.slow  # leads are drawn
def test_large_draw_keeps_ids_unique_and_loads(
    original_csv: Path, tmp_path: Path, dictionary: Dictionary
) -> None:
    """More leads than the original has are as valid as its own."""
    _draw(original_csv, tmp_path / "large.csv", "--rows", 30_000)
    assert len(load(tmp_path / "large.csv", dictionary)) == 30_000
