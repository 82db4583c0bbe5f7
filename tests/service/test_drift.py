"""Drift: quiet about leads like those of training, loud about others."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leadscore.bins import Bins, index
from leadscore.columns import Tensors
from leadscore.scorer import Scorer
from leadscore.service.drift import ENOUGH, TOGETHER, Window
from leadscore.training.dataset import Dataset, inputs

SCORE = "score"
NOTHING, ANOTHER = 0.1, 0.25  # the conventional limits


def _blank(scorer: Scorer, count: int) -> Tensors:
    return scorer.inputs([{}] * count)


def _window(scorer: Scorer, values: Tensors, length: int = 100_000) -> Window:
    window = Window(scorer.card, length)
    window.add(values, scorer.run(values)[0])
    return window


def test_index_is_the_published_one() -> None:
    """The sum of (a - e) ln(a / e), by hand for two bins; zero for equal shares."""
    expected = 0.1 * np.log(0.6 / 0.5) - 0.1 * np.log(0.4 / 0.5)
    assert index(np.array([0.5, 0.5]), np.array([0.6, 0.4])) == pytest.approx(expected)
    assert index(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0


def test_leads_of_training_are_not_drift(leads: Dataset, scorer: Scorer) -> None:
    """Every column of the leads the model learned from is far below 0.1, ties and blanks included; the
    shipped leads are those of the card, so there nothing at all has moved.
    """
    everyone, newest = (
        _window(scorer, inputs(features, leads.dictionary)).psi()
        for features in (leads.features, leads.newest()[0])
    )
    columns = {column.name for column in scorer.card.dictionary.features}
    assert everyone.keys() == newest.keys() == columns | {SCORE}
    most = 1e-4 if leads.sha256 == scorer.card.data["sha256"] else NOTHING / 2
    assert max(everyone.values()) < most
    assert newest[SCORE] < NOTHING


def test_other_leads_are_drift(leads: Dataset, scorer: Scorer) -> None:
    """Another city, twice the time on the website, visits unknown: each column is named, no other."""
    values = inputs(leads.oldest()[0], leads.dictionary)
    values["city"] = np.full_like(values["city"], "Atlantis")
    values["total_time_spent_on_website"] = 2 * values["total_time_spent_on_website"] + 100
    values["total_visits"] = np.full_like(values["total_visits"], np.nan)
    found = _window(scorer, values).psi()
    changed = {"city", "total_time_spent_on_website", "total_visits"}
    assert {name for name, value in found.items() if value >= ANOTHER and name != SCORE} == changed


def test_hot_leads_are_drift_of_the_score(leads: Dataset, scorer: Scorer) -> None:
    """Only the best of the leads: the score has moved."""
    values = inputs(leads.newest()[0], leads.dictionary)
    best = scorer.run(values)[0] > 0.5
    assert _window(scorer, {name: array[best] for name, array in values.items()}).psi()[SCORE] > ANOTHER


def test_few_leads_say_nothing(scorer: Scorer) -> None:
    """Below ENOUGH leads there is no index: it would be chance."""
    assert _window(scorer, _blank(scorer, ENOUGH - 1)).psi() == {}
    assert _window(scorer, _blank(scorer, ENOUGH)).psi() != {}


@pytest.mark.parametrize(
    ("described", "values", "bins"),
    [
        (
            {"edges": [0.1, 2.0], "shares": [0.1, 0.2, 0.3, 0.4]},
            [-1, 0.1, 1, 2, 9, np.nan],
            [0, 1, 1, 2, 2, 3],
        ),
        ({"edges": [], "shares": [0.5, 0.5]}, [7, np.nan], [0, 1]),
        ({"levels": ["a", "b"], "shares": [0.4, 0.3, 0.2, 0.1]}, ["b", "a", "x", ""], [1, 0, 2, 3]),
        ({"levels": [], "shares": [0.5, 0.5]}, ["x", ""], [0, 1]),
    ],
    ids=["numbers", "a number without edges", "levels", "no level of its own"],
)
def test_each_value_falls_into_the_bin_the_card_describes(
    described: dict[str, object], values: list[object], bins: list[int]
) -> None:
    """A number on an edge belongs above it, as float32; what is missing and what is rare has its own."""
    kind = object if isinstance(values[0], str) else np.float32
    assert Bins(described).codes(np.array(values, kind)).tolist() == bins


def test_column_called_score_hides_none(scorer: Scorer) -> None:
    """Another CRM may have a column of this name: the model's own score is told beside it."""
    drift = {
        "features": {SCORE: {"levels": ["hot"], "shares": [1.0, 0.0, 0.0]}},
        "score": {"edges": [0.5], "shares": [0.0, 1.0, 0.0]},
    }
    window = Window(replace(scorer.card, drift=drift), 1_000)
    window.add({SCORE: np.full((ENOUGH, 1), "cold", object)}, np.full(ENOUGH, 0.9))
    found = window.psi()
    assert len(found) == 2
    assert found[SCORE] > ANOTHER
    assert min(found.values()) == 0


def test_window_slides(scorer: Scorer, leads: Dataset) -> None:
    """Only the newest leads count, in whatever portions they came."""
    values = inputs(leads.oldest()[0], leads.dictionary)
    window = Window(scorer.card, 1_000)
    probability = scorer.run(values)[0]
    for start in range(0, 5_000, 700):
        part = slice(start, start + 700)
        window.add({k: v[part] for k, v in values.items()}, probability[part])
    for row in range(5_600, 5_700):
        part = slice(row, row + 1)
        window.add({k: v[part] for k, v in values.items()}, probability[part])
    assert window.leads() == 1_000
    newest = {k: v[4_700:5_700] for k, v in values.items()}
    assert window.psi() == pytest.approx(_window(scorer, newest, 1_000).psi())


def test_workers_count_together_and_the_dead_do_not(scorer: Scorer, tmp_path: Path) -> None:
    """Another worker's window adds to ours while it lives."""
    values = _blank(scorer, TOGETHER)
    window = Window(scorer.card, 1_000, tmp_path)
    window.add(values, scorer.run(values)[0])
    (own,) = tmp_path.iterdir()
    own.with_suffix(f".{os.getppid()}").write_bytes(own.read_bytes())
    gone = own.with_suffix(".4194305")  # larger than any process id
    gone.write_bytes(own.read_bytes())
    assert window.leads() == 2 * TOGETHER
    assert not gone.exists()
    window.close()
    assert not own.exists()


def test_model_loaded_again_keeps_its_counts(scorer: Scorer, tmp_path: Path) -> None:
    """Of the two windows that a reload makes the first takes away its own counts alone."""
    values = _blank(scorer, TOGETHER)
    first, second = (Window(scorer.card, 1_000, tmp_path) for _ in range(2))
    second.add(values, scorer.run(values)[0])
    first.close()
    (kept,) = tmp_path.iterdir()
    kept.rename(kept.with_suffix(f".{os.getppid()}"))  # as another worker sees it
    assert Window(scorer.card, 1_000, tmp_path).leads() == TOGETHER


def test_few_leads_that_move_are_little_drift() -> None:
    """Where many leads lie on one edge, a hundredth of the leads more or less on it is no alarm."""
    levels = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8], np.float32)
    shares = np.array([50, 100, 400, 80, 90, 90, 90, 50, 50]) / 1000
    bins = Bins({"edges": levels[1:], "shares": [*shares, 0.0]})
    values = np.repeat(levels, (1000 * shares).astype(int))
    found = []
    for moved in (0, 10):
        shifted = np.sort(values)
        shifted[len(shifted) - moved :] = 0
        found.append(bins.psi(np.bincount(bins.codes(shifted), minlength=len(bins.shares))))
    assert found[0] == pytest.approx(0)
    assert found[1] < NOTHING / 2
