"""Proof: figures on leads whose outcome is known, against other libraries' and against the card."""

from dataclasses import replace

import numpy as np
import pytest

from leadscore.card import Grade
from leadscore.proof import Proof, roc_auc, wilson
from leadscore.scorer import Scorer


@pytest.fixture
def proof(scorer: Scorer) -> Proof:
    """With grades A from .5 on and B."""
    grades = (Grade("A", 0.5, 0.5, 0.8), Grade("B", 0.0, 0.5, 0.1))
    return Proof(replace(scorer.card, grades=grades))


def test_interval_of_a_rate_is_wilson_s() -> None:
    """Against published values; no leads, no interval; never outside of 0 and 1."""
    assert wilson(15, 20) == pytest.approx((0.5313, 0.8881), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(0, 0) is None


def test_area_is_that_of_scikit_learn() -> None:
    """With ties; and none where all or none converted."""
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    probability = random.integers(0, 20, 500) / 20
    converted = (random.random(500) < probability).astype(np.int64)
    found = roc_auc(probability, converted)
    assert found is not None
    area, (low, high) = found
    assert area == pytest.approx(metrics.roc_auc_score(converted, probability))
    assert low < area < high
    assert roc_auc(probability, np.ones(500, np.int64)) is None


def test_figures_are_counted(proof: Proof) -> None:
    """Grades beside what the card promises, calibration, lift, gains and channels, in two blocks."""
    for _ in range(2):
        levels = {name: ["web"] * 20 for name in proof.channels}
        proof.add([0.9] * 10 + [0.2] * 10, [True] * 8 + [False] * 2 + [True] + [False] * 9, levels)
    found = proof.to_dict()
    assert found is not None
    assert (found["leads"], found["conversions"]) == (40, 18)
    assert found["expected"] == pytest.approx(22)
    a, b = found["grades"]
    assert (a["leads"], a["conversion_rate"], a["promised"]) == (20, 0.8, 0.8)
    assert (b["leads"], b["conversion_rate"], b["promised"]) == (20, 0.1, 0.1)
    assert found["lift"][0]["lift"] == pytest.approx(1 / 0.45)
    assert found["gains"][9] == {"leads": 0.5, "conversions": pytest.approx(16 / 18)}
    assert sum(part["leads"] for part in found["calibration"]) == 40
    assert found["channels"][0]["level"] == "web"


@pytest.mark.parametrize("converted", [True, False])
def test_one_lead_is_enough(proof: Proof, converted: bool) -> None:
    """Nothing that cannot be said is said: no area, no lift without conversions."""
    proof.add([0.9], [converted], {name: ["web"] for name in proof.channels})
    found = proof.to_dict()
    assert found is not None
    assert found["roc_auc"] is None
    assert (found["lift"][0]["lift"] is None) == (not converted)
    assert found["channels"] == []


def test_no_outcome_no_proof(proof: Proof) -> None:
    """A file of open leads has none."""
    assert proof.to_dict() is None
