"""The decision: the threshold by the rule that was asked for, and grades that cover everyone."""

from typing import Any

import numpy as np
import pytest

from leadscore.training import decision
from leadscore.training.decision import Rule, RuleError
from leadscore.training.evaluation.figures import measure

RNG = np.random.default_rng(0)
TARGET = RNG.integers(0, 2, 500).astype(np.int8)
PROBABILITY = np.clip(0.3 * TARGET + 0.7 * RNG.random(500), 0, 1)
EVERY_THRESHOLD = np.arange(1, 1001) / 1000


def _outcome(threshold: float) -> tuple[int, int]:
    called = threshold <= PROBABILITY
    return int(called.sum()), int((called & (TARGET == 1)).sum())


def test_default_threshold_is_half_of_the_highest_f1() -> None:
    """Of calibrated probabilities no other threshold has an F1 that is higher by more than chance."""
    scores = np.random.default_rng(0).beta(1, 2, 20_000)
    target = (np.random.default_rng(1).random(20_000) < scores).astype(np.int8)
    highest = max(measure(target, scores, t)["f1"] for t in EVERY_THRESHOLD)
    best = decision.choose(Rule(), target, scores)
    assert best.value == pytest.approx(highest / 2, abs=0.001)
    assert measure(target, scores, best.value)["f1"] > highest - 0.005


def test_what_a_threshold_leads_to_is_what_it_does() -> None:
    """Its expectations are the figures of the probabilities it was chosen on."""
    best = decision.choose(Rule(), TARGET, PROBABILITY)
    found = measure(TARGET, PROBABILITY, best.value)
    assert best.expected["precision"] == found["precision"]
    assert best.expected["recall"] == found["recall"]


@pytest.mark.parametrize(("cost", "value"), [(1, 100), (10, 20), (19, 20)])
def test_cost_threshold_has_the_highest_profit(cost: float, value: float) -> None:
    """No other threshold earns more, and dearer calls mean fewer of them."""

    def profit(threshold: float) -> float:
        calls, conversions = _outcome(threshold)
        return value * conversions - cost * calls

    rule = Rule("cost", cost_call=cost, value_conversion=value)
    best = decision.choose(rule, TARGET, PROBABILITY)
    assert profit(best.value) == max(profit(t) for t in EVERY_THRESHOLD)
    assert best.parameters == {"cost_call": cost, "value_conversion": value}


@pytest.mark.parametrize("calls", [1, 20, 50, 100])
def test_capacity_threshold_uses_the_calls_there_are(calls: float) -> None:
    """Never more calls than possible, and nearly as many."""
    best = decision.choose(Rule("capacity", calls_per_100=calls), TARGET, PROBABILITY)
    assert calls - 1 <= best.expected["calls"] <= calls
    made, conversions = _outcome(best.value)
    assert best.expected["calls"] == pytest.approx(made / 5)
    assert best.expected["conversions"] == pytest.approx(conversions / 5)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "cost"}, "takes cost_call and value_conversion"),
        ({"name": "cost", "cost_call": 5}, "takes cost_call and value_conversion"),
        ({"name": "capacity"}, "takes calls_per_100"),
        ({"name": "f1", "cost_call": 5}, "takes no parameter"),
        ({"name": "cost", "cost_call": 0, "value_conversion": 1}, "cost_call: got 0, expected"),
        ({"name": "cost", "cost_call": np.nan, "value_conversion": 1}, "cost_call: got nan"),
        ({"name": "capacity", "calls_per_100": 101}, "expected at most 100"),
    ],
)
def test_rule_without_its_parameters_is_refused(rule: dict[str, Any], message: str) -> None:
    """A rule is not completed by guesses."""
    with pytest.raises(RuleError, match=message):
        Rule(**rule)


def test_grades_cover_every_lead_once() -> None:
    """Every probability has exactly one grade, better grades convert more often."""
    found = decision.grades(TARGET, PROBABILITY, decision.bounds(PROBABILITY))
    assert [grade.grade for grade in found] == ["A", "B", "C", "D"]
    assert sum(grade.share for grade in found) == pytest.approx(1, abs=1e-3)
    rates = [grade.conversion_rate for grade in found if grade.conversion_rate is not None]
    assert len(rates) == len(found)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("rate", [0.5, 0.01, 0.0001])
def test_grades_tell_leads_apart_at_any_conversion_rate(rate: float) -> None:
    """One tenth, two, three and four, also where no lead is likely to convert."""
    scores = 2 * rate * PROBABILITY
    found = decision.grades(TARGET, scores, decision.bounds(scores))
    assert [grade.share for grade in found] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.01)


@pytest.mark.parametrize("commonest", [0.3, 0.6, 0.95, 1.0])
def test_leads_with_one_score_have_one_grade(commonest: float) -> None:
    """However many share it, bounds fall from grade to grade and the last one is 0."""
    scores = np.where(np.arange(500) < 500 * commonest, 0.045678, PROBABILITY / 10 + 1e-4)
    cuts = [*decision.bounds(scores).values()]
    assert cuts == sorted(set(cuts), reverse=True)
    assert cuts[-1] == 0


def test_grade_nobody_got_has_no_rate() -> None:
    """An empty band is no division by zero and no made-up rate."""
    (best, *_) = decision.grades(TARGET, np.full(500, 0.1), {"A": 0.75, "B": 0.0})
    assert (best.share, best.conversion_rate) == (0, None)
