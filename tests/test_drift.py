"""Drift: quiet about leads like those of training, loud about others."""

import os
from pathlib import Path

import numpy as np
import pytest

from leadscore.columns import clean, tensors
from leadscore.scorer import Scorer
from leadscore.serving.drift import BLOCK, ENOUGH, SCORE, Numbers, Window, index
from leadscore.training.dataset import Dataset, inputs

NOTHING, ANOTHER = 0.1, 0.25  # the conventional limits


def _window(scorer: Scorer, values: dict[str, np.ndarray], length: int = 100_000) -> Window:
    window = Window(scorer.card, length)
    window.add(values, scorer.run(values)[0])
    return window


def test_index_is_the_published_one() -> None:
    """The sum of (a - e) ln(a / e), by hand for two bins; zero for equal shares."""
    expected = 0.1 * np.log(0.6 / 0.5) - 0.1 * np.log(0.4 / 0.5)
    assert index(np.array([0.5, 0.5]), np.array([0.6, 0.4])) == pytest.approx(expected)
    assert index(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0


def test_leads_of_training_are_not_drift(leads: Dataset, scorer: Scorer) -> None:
    """Every column of the leads the model learned from is far below 0.1, ties and blanks included."""
    found = _window(scorer, inputs(leads.oldest()[0], leads.dictionary)).psi()
    assert set(found) == {c.name for c in scorer.card.dictionary.features} | {SCORE}
    assert max(value for name, value in found.items() if name != SCORE) < NOTHING / 2


def test_other_leads_are_drift(leads: Dataset, scorer: Scorer) -> None:
    """Another city, twice the time on the website, visits unknown: each column is named, no other."""
    values = inputs(leads.oldest()[0], leads.dictionary)
    values["city"] = np.full_like(values["city"], "Atlantis")
    values["total_time_spent_on_website"] = 2 * values["total_time_spent_on_website"] + 100
    values["total_visits"] = np.full_like(values["total_visits"], np.nan)
    found = _window(scorer, values).psi()
    changed = {"city", "total_time_spent_on_website", "total_visits"}
    assert {name for name, value in found.items() if value >= ANOTHER and name != SCORE} == changed


def test_few_leads_say_nothing(scorer: Scorer) -> None:
    """Below ENOUGH leads there is no index: it would be chance."""
    values = tensors([clean({}, scorer.card.dictionary)] * ENOUGH, scorer.card.dictionary.features)
    assert _window(scorer, {k: v[:-1] for k, v in values.items()}).psi() == {}
    assert _window(scorer, values).psi() != {}


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


def test_unseen_values_are_counted_by_column(scorer: Scorer) -> None:
    """What a caller gets a warning for is counted: new levels, numbers out of range."""
    raw = [{"city": "Atlantis", "total_visits": 1e6}, {"city": "Mumbai", "total_visits": 3}, {}]
    found: dict[str, int] = {}
    window = Window(scorer.card, 10, unseen=lambda name, number: found.update({name: number}))
    values = tensors(
        [clean(lead, scorer.card.dictionary) for lead in raw], scorer.card.dictionary.features
    )
    window.add(values, scorer.run(values)[0])
    assert window.leads() == 3
    assert found == {"city": 1, "total_visits": 1}


def test_workers_count_together_and_the_dead_do_not(scorer: Scorer, tmp_path: Path) -> None:
    """Another worker's window adds to ours while it lives."""
    values = tensors([clean({}, scorer.card.dictionary)] * BLOCK, scorer.card.dictionary.features)
    window = Window(scorer.card, 1_000, tmp_path)
    window.add(values, scorer.run(values)[0])
    (own,) = tmp_path.iterdir()
    own.with_suffix(f".{os.getppid()}").write_bytes(own.read_bytes())
    gone = own.with_suffix(".4194305")  # larger than any process id
    gone.write_bytes(own.read_bytes())
    assert window.leads() == 2 * BLOCK
    assert not gone.exists()
    window.close()
    assert not own.exists()


def test_model_loaded_again_keeps_its_counts(scorer: Scorer, tmp_path: Path) -> None:
    """Of the two windows that a reload makes the first takes away its own counts alone."""
    values = tensors([clean({}, scorer.card.dictionary)] * BLOCK, scorer.card.dictionary.features)
    first, second = (Window(scorer.card, 1_000, tmp_path) for _ in range(2))
    second.add(values, scorer.run(values)[0])
    first.close()
    (kept,) = tmp_path.iterdir()
    kept.rename(kept.with_suffix(f".{os.getppid()}"))  # as another worker sees it
    assert Window(scorer.card, 1_000, tmp_path).leads() == BLOCK


def test_few_leads_that_move_are_little_drift(scorer: Scorer) -> None:
    """Where several deciles are one number, a hundredth of the leads more or less on it is no alarm."""
    reference = {"missing": 0.0, "quantiles": [0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8]}
    bins = Numbers(reference)
    values = np.repeat(
        np.array([0, 1, 2, 3, 4, 5, 6, 7, 8], np.float32), [50, 100, 400, 80, 90, 90, 90, 50, 50]
    )
    found = []
    for moved in (0, 10):
        shifted = np.sort(values)
        shifted[-moved or len(shifted) :] = 0
        found.append(bins.psi(np.bincount(bins.codes(shifted), minlength=bins.size)))
    assert abs(found[1] - found[0]) < NOTHING / 2
