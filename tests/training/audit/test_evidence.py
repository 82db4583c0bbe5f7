"""What a column tells by itself: each figure on made-up leads of which it is known."""

import numpy as np
import pandas as pd
import pytest

from leadscore.training.audit.evidence import evidence, together

LEADS = 2000
RNG = np.random.default_rng(5)
TARGET = (RNG.random(LEADS) < 0.3).astype(np.int8)


def _texts(values: object) -> pd.Series:
    return pd.Series(values, dtype=object)


def test_column_that_copies_the_outcome_reaches_one() -> None:
    """A leak is seen in a category and in a number alike."""
    labels = np.where(TARGET == 1, "won", "lost")
    assert evidence(_texts(labels), TARGET, LEADS).alone == 1
    assert evidence(pd.Series(TARGET * 900.0 + RNG.random(LEADS)), TARGET, LEADS).alone > 0.99


def test_column_that_never_repeats_tells_nothing() -> None:
    """An id has as many levels as leads, and is not taken for a leak by learning them by heart."""
    found = evidence(_texts([f"id{i}" for i in range(LEADS)]), TARGET, LEADS)
    assert found.alone == pytest.approx(0.5, abs=0.03)
    assert not found.certain


def test_constant_column_tells_nothing_at_all() -> None:
    """Rounding ranks no lead before another."""
    assert evidence(_texts(["No"] * LEADS), TARGET, LEADS).alone == 0.5


def test_noise_stays_within_chance() -> None:
    """A column without any information is near 0.5, by the standard error that is given."""
    found = evidence(_texts(RNG.choice(list("abcdef"), LEADS)), TARGET, LEADS)
    assert abs(found.alone - 0.5) < 4 * found.chance


def test_blankness_tells_in_either_direction() -> None:
    """Filled in for buyers, or blank for buyers: both are seen, with their rates."""
    for buyers in (0, 1):
        values = _texts(np.where(buyers == TARGET, "", "text"))
        found = evidence(values, TARGET, LEADS)
        assert found.blank_alone == 1
        assert (found.blank_rate, found.filled_rate) == (buyers, 1 - buyers)


def test_level_that_rules_conversion_out_is_seen() -> None:
    """`Unread` of leads that nobody has opened: no outcome of the lead, but of the work on it."""
    unread = (TARGET == 0) & (RNG.random(LEADS) < 0.5)
    found = evidence(_texts(np.where(unread, "1", "0")), TARGET, LEADS)
    assert [(level.text, level.leads) for level in found.never] == [("1", unread.sum())]


def test_outcomes_of_the_newest_leads_are_not_looked_at() -> None:
    """Only the oldest have a known outcome; their values alone may change with time."""
    known = LEADS // 2
    values = _texts(["old"] * (LEADS - LEADS // 10) + ["new"] * (LEADS // 10))
    found = evidence(values, TARGET[:known], known)
    assert (found.leads, found.moved, found.blank) == (known, 1, 0)
    assert found.mover in {("old", 1, 0), ("new", 0, 1)}


def test_blank_for_some_time_is_seen() -> None:
    """A vendor's score that came and went has tenths of time with none, and with all of it."""
    values = pd.Series(np.where(np.arange(LEADS) < LEADS // 2, np.nan, 1.0))
    assert evidence(values, TARGET, LEADS).blank_by_time == (0, 1)


def test_column_blank_for_all_leads_has_figures() -> None:
    """No division by zero: nothing is known, and nothing tells."""
    for values in (_texts([""] * LEADS), pd.Series([np.nan] * LEADS)):
        found = evidence(values, TARGET, LEADS)
        assert (found.alone, found.blank, found.blank_alone) == (0.5, 1, 0.5)


def test_columns_blank_in_the_same_rows_are_found() -> None:
    """What is filled in together was filled in by one hand."""
    mask = RNG.random(LEADS) < 0.4
    other = RNG.random(LEADS) < 0.4
    found = together({"a": mask, "b": mask.copy(), "c": other, "d": np.zeros(LEADS, bool)})
    assert found == {"a": ["b"], "b": ["a"], "c": []}
