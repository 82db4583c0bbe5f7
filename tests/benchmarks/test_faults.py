"""Faults as benchmarks/faults causes them on a real service, the cheap ones in small numbers."""

import json
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from benchmarks import ROOT, documents
from benchmarks.faults import attacks, models, requests
from benchmarks.faults.__main__ import FAULTS
from benchmarks.faults.kinds import kinds
from benchmarks.faults.outcome import MARK, Outcome, table

OUTCOMES = [Outcome(**one) for one in json.loads((ROOT / "benchmarks" / "faults.json").read_text())]


@pytest.mark.parametrize(
    "fault",
    [
        partial(requests.malformed, 300),
        attacks.smuggling,
        pytest.param(attacks.silent_connections, marks=pytest.mark.slow),
        pytest.param(attacks.large_batches, marks=pytest.mark.slow),
        pytest.param(attacks.tiny_values, marks=pytest.mark.slow),
        pytest.param(partial(models.deleted_model, 100), marks=pytest.mark.slow),
        partial(models.truncated_model, 5),
        partial(models.tampered_model, 20),
    ],
    ids=lambda fault: getattr(fault, "func", fault).__name__,
)
def test_fault_is_withstood(fault: Callable[[], Outcome]) -> None:
    """What is malformed, damaged or too much is refused, and everything else is answered."""
    outcome = fault()
    if outcome.held is None:
        pytest.skip(outcome.outcome)
    assert outcome.held, outcome


def test_malformed_requests_are_of_many_kinds() -> None:
    """A few hundred requests are of every kind, and two of a kind differ where they can."""
    one, other = (kinds(Random(seed)) for seed in (0, 1))  # noqa: S311  (nothing secret)
    assert 20 <= len(one) <= 300 // 2
    assert len([name for name in one if one[name] != other[name]]) > len(one) // 2


def test_document_says_what_was_counted() -> None:
    """The table of faults is benchmarks/faults.json, which has every fault."""
    assert documents.shown(MARK) == table(OUTCOMES)
    assert len(OUTCOMES) == len(FAULTS)
