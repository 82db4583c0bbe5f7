"""From a probability to a decision: the threshold by a stated rule, and grades.

A threshold is chosen on probabilities out of fold, so it has not seen the leads it is later judged on.
Grades are cut by the scores of one model: those of five folds would tear apart leads that are alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from leadscore.card import Grade, Threshold
from leadscore.training.errors import TrainingError
from leadscore.training.evaluation.figures import Probability, Target

RuleName = Literal["f1", "cost", "capacity"]

# Shares of the leads and not fixed probabilities: where 1 in 100 leads converts, none would be an A.
GRADES: Final = (("A", 0.1), ("B", 0.2), ("C", 0.3), ("D", 0.4))
GRADE_RULE: Final = (
    "by the scores of the training leads: A for the best tenth, B for the next two tenths, C for the "
    "next three, D for the others"
)

# Steps of .001: a threshold a person can read, and no probability comes to lie on it by construction,
# where rounding in another runtime could flip the decision.
_THRESHOLDS: Final = np.arange(1, 1001) / 1000


class RuleError(TrainingError):
    """The rule lacks a parameter or has one out of range."""


@dataclass(frozen=True)
class Rule:
    """How the threshold is chosen.

    f1: the highest F1. cost: the highest profit, given `cost_call` and `value_conversion` in one
    currency. capacity: as many calls as `calls_per_100` leads allow.
    """

    name: RuleName = "f1"
    cost_call: float | None = None
    value_conversion: float | None = None
    calls_per_100: float | None = None

    def __post_init__(self) -> None:
        wanted: dict[str, tuple[str, ...]] = {
            "f1": (),
            "cost": ("cost_call", "value_conversion"),
            "capacity": ("calls_per_100",),
        }
        for name in ("cost_call", "value_conversion", "calls_per_100"):
            value = getattr(self, name)
            if (value is not None) != (name in wanted[self.name]):
                needs = " and ".join(wanted[self.name]) or "no parameter"
                raise RuleError(f"threshold rule {self.name!r} takes {needs}")
            if value is not None and not 0 < value < np.inf:
                raise RuleError(f"{name}: got {value:g}, expected a number above 0")
        if self.calls_per_100 is not None and self.calls_per_100 > 100:  # noqa: PLR2004
            raise RuleError(f"calls_per_100: got {self.calls_per_100:g}, expected at most 100")

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters that are given."""
        return {k: v for k, v in vars(self).items() if k != "name" and v is not None}

    def worth(
        self, calls: NDArray[np.int64], hits: NDArray[np.int64], leads: int, buyers: int
    ) -> NDArray[Any]:
        """What the rule maximises, for each threshold's calls and conversions among them."""
        if self.cost_call is not None and self.value_conversion is not None:
            return self.value_conversion * hits - self.cost_call * calls
        if self.calls_per_100 is not None:
            return np.where(calls <= self.calls_per_100 / 100 * leads, calls, -1)
        return 2 * hits / (calls + buyers)

    def __str__(self) -> str:
        match self.name:
            case "cost":
                return f"highest profit: call {self.cost_call:g}, conversion {self.value_conversion:g}"
            case "capacity":
                return f"as many calls as {self.calls_per_100:g} per 100 leads allow"
            case _:
                return "highest F1"


def choose(rule: Rule, target: Target, probability: Probability) -> Threshold:
    """The threshold that is best by the rule, the lowest such one, with what it leads to expect.

    For F1 it is half of the best F1, where calibrated probabilities have it (Lipton et al. 2014,
    doi:10.1007/978-3-662-44851-9_15): F1 itself is flat there, and the place of its maximum is chance.
    """
    calls, hits = _reaching(probability), _reaching(probability[target == 1])
    worth = rule.worth(calls, hits, len(target), int(target.sum()))
    best = int(np.argmax(worth))
    if rule.name == "f1":
        best = int(np.searchsorted(_THRESHOLDS, worth[best] / 2))
    expected = {
        "calls": 100 * calls[best] / len(target),
        "conversions": 100 * hits[best] / len(target),
        "precision": hits[best] / max(calls[best], 1),
        "recall": hits[best] / target.sum(),
    }
    return Threshold(
        float(_THRESHOLDS[best]),
        str(rule),
        rule.parameters,
        {name: round(float(value), 4) for name, value in expected.items()},
    )


def _reaching(probability: Probability) -> NDArray[np.int64]:
    """How many leads reach each threshold. Sorted: a table of leads by thresholds would not fit."""
    return len(probability) - np.searchsorted(np.sort(probability), _THRESHOLDS)


def bounds(scores: Probability) -> dict[str, float]:
    """Each grade and the probability it begins at, best first, cut by GRADES from the training scores.

    A grade is left out where so many leads share one score that it would begin where a better one does.
    """
    worse = 1 - np.cumsum([share for _, share in GRADES])[:-1]
    found: dict[str, float] = {}
    for (grade, _), cut in zip(GRADES, [*cuts(scores, worse), 0.0], strict=True):
        if cut not in found.values():
            found[grade] = cut
    return found


def grades(target: Target, probability: Probability, begin: Mapping[str, float]) -> tuple[Grade, ...]:
    """The grades of `bounds`, with the share and the conversion rate each has among these leads."""
    found, below = [], np.inf
    for grade, at_least in begin.items():
        rows = (probability >= at_least) & (probability < below)
        rate = round(float(target[rows].mean()), 4) if rows.any() else None
        found.append(Grade(grade, at_least, round(float(rows.mean()), 4), rate))
        below = at_least
    return tuple(found)


def cuts(scores: Probability, below: NDArray[np.float64]) -> list[float]:
    """The probabilities that such shares of the scores lie below, rounded down to three digits: easy to
    read, and no score comes to lie on one (see _THRESHOLDS).
    """
    found = np.quantile(scores, below)
    steps = 10.0 ** (np.floor(np.log10(found)) - 2)
    return [float(f"{cut:.3g}") for cut in np.floor(found / steps) * steps]
