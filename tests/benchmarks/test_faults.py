"""Faults as benchmarks/faults.py causes them on a real service, the cheap ones in small numbers."""

import json
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from benchmarks import ROOT, documents, faults

OUTCOMES = [
    faults.Outcome(**one) for one in json.loads((ROOT / "benchmarks" / "faults.json").read_text())
]


@pytest.mark.parametrize(
    "fault",
    [
        partial(faults.malformed, 300),
        pytest.param(partial(faults.deleted_model, 100), marks=pytest.mark.slow),
        partial(faults.truncated_model, 5),
        partial(faults.tampered_model, 20),
    ],
    ids=["malformed requests", "deleted model", "truncated model", "tampered model"],
)
def test_fault_is_withstood(fault: Callable[[], faults.Outcome]) -> None:
    """What is malformed or damaged is refused, and everything else is answered."""
    outcome = fault()
    assert outcome.held, outcome


def test_malformed_requests_are_of_many_kinds() -> None:
    """A few hundred requests are of every kind, and two of a kind differ where they can."""
    one, other = (faults.kinds(Random(seed)) for seed in (0, 1))  # noqa: S311  (nothing secret)
    assert 20 <= len(one) <= 300 // 2
    assert len([name for name in one if one[name] != other[name]]) > len(one) // 2


def test_document_says_what_was_counted() -> None:
    """The table of faults is benchmarks/faults.json, which has every fault."""
    assert documents.shown(faults.MARK) == faults.table(OUTCOMES)
    assert len(OUTCOMES) == len(faults.FAULTS)
