"""The scale benchmark measures what it says, and what was measured is what is shown."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import LEADS, ROOT, documents, scale

DOCUMENT = json.loads((ROOT / "benchmarks" / "scale.json").read_text())
PIECE = 100_000_000  # bytes
CHILD = f"import time; held = bytearray({PIECE}); held[::4096] = held[::4096]; time.sleep(0.5)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


@pytest.mark.slow
def test_every_way_gives_the_same_answers(tmp_path: Path) -> None:
    """One worker, two workers and pandas score the same rows, all of them, to the same probabilities."""
    scale.repeated(300, tmp_path / "leads.csv")
    answers = {}
    for way, command in scale.commands(300, tmp_path).items():
        scale.measure(command)
        with (tmp_path / f"{way}.csv").open(newline="") as stream:
            answers[way] = [float(row["probability"]) for row in csv.DictReader(stream)]
    assert [len(found) for found in answers.values()] == [300] * 3
    assert np.ptp(list(answers.values()), axis=0).max() < 1e-5


def test_rows_are_repeated_as_often_as_needed(tmp_path: Path) -> None:
    """More rows than there are leads start over, below one header."""
    header, *leads = LEADS.read_bytes().splitlines()
    found = scale.repeated(len(leads) + 2, tmp_path / "leads.csv").read_bytes().splitlines()
    assert found == [header, *leads, *leads[:2]]


def test_memory_of_started_processes_counts() -> None:
    """What a child holds is memory of the command, and its time is, too."""
    seconds, memory = scale.measure([sys.executable, "-c", PARENT])
    assert seconds > 0.5
    assert PIECE < memory < 2 * PIECE


def test_failure_is_no_figure() -> None:
    """A command that fails ends the benchmark, with what it said."""
    with pytest.raises(SystemExit, match="no such lead"):
        scale.measure([sys.executable, "-c", "raise SystemExit('no such lead')"])


@pytest.mark.parametrize("power", [0, 1, 2])
def test_exponent_is_the_power(power: int) -> None:
    """Time that grows with a power of the rows is said to."""
    runs = [scale.Run("any", rows, 3.0 * rows**power, 1) for rows in (10, 100, 1000)]
    assert scale.exponent(runs) == pytest.approx(power, abs=1e-9)


def test_documents_say_what_was_measured() -> None:
    """SCALE.md and the short table are benchmarks/scale.json, which has every way."""
    report = (ROOT / "benchmarks" / "SCALE.md").read_text(encoding="utf-8")
    assert report.splitlines() == scale.report(DOCUMENT)
    assert documents.shown(scale.MARK) == scale.summary(DOCUMENT)
    assert list(scale.runs_of(DOCUMENT)) == list(scale.STYLES)
