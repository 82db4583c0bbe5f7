"""The figures of one model on one set of leads, as plain numpy: they are asked for a thousand times."""

from typing import Final, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS: Final = 10
LIFT_SHARES: Final = (0.1, 0.2, 0.3)
LIFTS: Final = [f"lift_at_{share:.0%}" for share in LIFT_SHARES]

Target: TypeAlias = NDArray[np.int8]
"""Outcomes, shape (n,): 1 = converted."""

Probability: TypeAlias = NDArray[np.float64]
"""Probabilities of converting, shape (n,)."""

Figures: TypeAlias = dict[str, float]
"""Figure -> value, rounded to 4 digits."""


class Curve(NamedTuple):
    """`leads`, and `conversions` among them, from each score on: 0, the best score, ..., all."""

    leads: NDArray[np.int64]
    conversions: NDArray[np.float64]

    def roc_auc(self) -> float:
        """The area under the ROC curve."""
        others = self.leads - self.conversions
        return float(np.trapezoid(self.conversions, others) / (self.conversions[-1] * others[-1]))

    def average_precision(self) -> float:
        """Mean precision at the scores of the leads that convert."""
        precision = self.conversions[1:] / self.leads[1:]
        return float(np.diff(self.conversions) @ precision / self.conversions[-1])

    def lift(self, shares: ArrayLike) -> NDArray[np.float64]:
        """For each share of the leads, the conversion rate of so many of the best-scored over that of
        all; equal scores share their leads.
        """
        best = np.maximum(1, np.round(np.asarray(shares) * self.leads[-1]))
        rate = self.conversions[-1] / self.leads[-1]
        return np.asarray(np.interp(best, *self) / best / rate)


class LeadsByScore(NamedTuple):
    """n leads: their outcomes, a model's probabilities, and the place of each lead's score among all, 0
    for the best. A resample keeps the places: scores are sorted once, not a thousand times.
    """

    target: Target
    probability: Probability
    place: NDArray[np.int64]

    @classmethod
    def of(cls, target: Target, probability: Probability) -> Self:
        """Leads of which nobody knows yet whose score is better."""
        return cls(target, probability, np.unique(-probability, return_inverse=True)[1])

    def take(self, rows: NDArray[np.int64]) -> Self:
        """A resample of the leads, in which one may stand several times."""
        return type(self)(self.target[rows], self.probability[rows], self.place[rows])

    def curve(self) -> Curve:
        """What the order of the leads is worth."""
        leads, conversions = np.bincount(self.place), np.bincount(self.place, weights=self.target)
        met = leads > 0
        return Curve(np.append(0, np.cumsum(leads[met])), np.append(0, np.cumsum(conversions[met])))

    def measure(self, threshold: float) -> Figures:
        """All figures: see `measure`."""
        # Not by scikit-learn, which checks its arguments for ten times as long as it computes: the
        # bootstrap asks for all figures a thousand times.
        target, probability, curve = self.target, self.probability, self.curve()
        called = probability >= threshold
        calls, conversions, hits = called.sum(), target.sum(), (called & (target == 1)).sum()
        figures = {
            "accuracy": np.mean(called == target),
            "precision": hits / max(calls, 1),
            "recall": hits / conversions,
            "f1": 2 * hits / (calls + conversions),
            "roc_auc": curve.roc_auc(),
            "average_precision": curve.average_precision(),
            "log_loss": log_loss(target, probability),
            "brier": np.mean((probability - target) ** 2),
            "ece": calibration_error(target, probability),
            **dict(zip(LIFTS, curve.lift(LIFT_SHARES), strict=True)),
        }
        return {name: round(float(value), 4) for name, value in figures.items()}


def measure(target: Target, probability: Probability, threshold: float) -> Figures:
    """All figures of one model on one set of leads, which needs both outcomes among them.

    Lift is the conversion rate among the best-scored share of leads over that of all of them. ECE is
    the expected calibration error over ten equal bins (Naeini et al. 2015).
    """
    return LeadsByScore.of(target, probability).measure(threshold)


def roc_auc(target: Target, probability: Probability) -> float:
    """The area under the ROC curve."""
    return LeadsByScore.of(target, probability).curve().roc_auc()


def lift(target: Target, probability: Probability, shares: ArrayLike) -> NDArray[np.float64]:
    """See `Curve.lift`."""
    return LeadsByScore.of(target, probability).curve().lift(shares)


def calibration_error(target: Target, probability: Probability) -> float:
    """Mean distance between predicted probability and conversion rate over bins, by leads in them."""
    gaps = np.bincount(_bin_numbers(probability), weights=probability - target)
    return float(np.abs(gaps).sum() / len(target))


def calibration_error_by_chance(probability: Probability) -> float:
    """The calibration error to expect of so many leads whose probabilities are right.

    The sum of a bin's outcomes strays by its standard deviation, on average by sqrt(2 / pi) of it.
    """
    variance = np.bincount(_bin_numbers(probability), weights=probability * (1 - probability))
    return float(np.sqrt(2 / np.pi * variance).sum() / len(probability))


def reliability(target: Target, probability: Probability) -> list[dict[str, float]]:
    """The reliability curve: mean `probability`, `conversion_rate`, `leads` of each bin with any."""
    return [{k: round(v, 4) for k, v in b.items()} for b in _bins(target, probability)]


def _bins(target: Target, probability: Probability) -> list[dict[str, float]]:
    numbers = _bin_numbers(probability)
    return [
        {
            "probability": float(probability[rows].mean()),
            "conversion_rate": float(target[rows].mean()),
            "leads": int(rows.sum()),
        }
        for rows in (numbers == number for number in range(CALIBRATION_BINS))
        if rows.any()
    ]


def _bin_numbers(probability: Probability) -> NDArray[np.int64]:
    return np.minimum((probability * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)


def log_loss(target: Target, probability: Probability) -> float:
    """Mean of -ln(the probability given to what happened), in nats; 0 counts as the smallest step."""
    given = np.where(target == 1, probability, 1 - probability)
    return float(-np.log(np.maximum(given, np.finfo(np.float64).eps)).mean())


def gains(target: Target, probability: Probability) -> list[dict[str, float]]:
    """The cumulative gains curve: which share of all conversions the best-scored `leads` share holds,
    equal scores sharing theirs, at every twentieth.
    """
    shares = np.arange(1, 21) / 20
    return [
        {"leads": share, "conversions": round(held, 4)}
        for share, held in zip(
            shares.tolist(), (shares * lift(target, probability, shares)).tolist(), strict=True
        )
    ]


def importance(contributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean size of each column's contribution, shape (features,), in log-odds."""
    return np.asarray(np.abs(contributions).mean(axis=0))
