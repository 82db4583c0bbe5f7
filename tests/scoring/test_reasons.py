"""Points: the effects of the columns on the score itself."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from leadscore.scoring.engine import Engine
from leadscore.scoring.meaning import Meaning
from leadscore.scoring.reasons import Reason, ranked


def _reasons(
    effects: Sequence[float], base: float = -0.4, count: int = 3, times: int = 1
) -> list[list[Reason]]:
    contributions = np.array([effects] * times)
    probability = 1 / (1 + np.exp(-(base + contributions.sum(axis=1))))
    leads = [[Meaning(0.0, f"column {place}", None, None)] * times for place in range(len(effects))]
    return ranked(leads, probability, contributions, base, count, both_sides=True)


def test_points_add_up_to_the_score(engine: Engine) -> None:
    """For every golden lead: the score of the base and the points of all columns are its score."""
    golden = engine.card.golden
    columns = {name: [entry.lead.get(name) for entry in golden] for name in engine.vocabularies}
    scored = engine.score(engine.read(columns, len(golden)), len(engine.features))
    start = 100 / (1 + math.exp(-engine.card.base))
    for probability, reasons in zip(scored.probability, scored.reasons, strict=True):
        assert start + sum(reason.points for reason in reasons) == pytest.approx(100 * probability)
        rates = [reason.points / reason.effect for reason in reasons if abs(reason.effect) > 1e-3]
        assert rates == pytest.approx([rates[0]] * len(rates))


@pytest.mark.parametrize("left", [0.0, 1e-9, -1e-9, 9e-4, 1.1e-3])
def test_effects_that_cancel_out_still_have_points(left: float) -> None:
    """A lead back at the base: +2 and -2 are points, whatever rounding leaves of their sum."""
    (up, down), *_ = [sorted(found, key=lambda one: -one.points) for found in _reasons([2, left - 2])]
    slope = 100 * (p := 1 / (1 + math.exp(0.4))) * (1 - p)
    assert up.points == pytest.approx(2 * slope, rel=1e-3)
    assert down.points == pytest.approx(-2 * slope, rel=1e-3)


@pytest.mark.parametrize("times", [1, 50])
@pytest.mark.parametrize(
    ("effects", "count", "chosen"),
    [
        ([2.0, 1.0, 0.9, 0.8, -0.3], 3, [0, 1, 4]),  # the strongest that speaks against
        ([-2.0, -1.0, 0.3, -0.9, -0.8], 3, [0, 1, 2]),  # or for it
        ([2.0, -1.0, 0.9, -0.3], 3, [0, 1, 2]),  # there already
        ([2.0, 1.0, 0.9, -0.001], 3, [0, 1, 2]),  # not worth a point
        ([2.0, 1.0, -0.3], 1, [0]),  # no place for it
        ([2.0, 1.0, 0.5], 3, [0, 1, 2]),  # nothing speaks against
    ],
)
def test_reasons_show_both_sides(
    effects: list[float], count: int, chosen: list[int], times: int
) -> None:
    """Among three reasons is one that speaks against, where there is one; alone and in a batch."""
    for found in _reasons(effects, count=count, times=times):
        assert [reason.feature for reason in found] == chosen
