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
    conversions: NDArray[np.int64]

    def roc_auc(self) -> float:
        """The area under the ROC curve."""
        others = self.leads - self.conversions
        return float(np.trapezoid(self.conversions, others) / (self.conversions[-1] * others[-1]))

    def average_precision(self) -> float:
        """Mean precision at the scores of the leads that convert."""
        precision = self.conversions[1:] / np.maximum(self.leads[1:], 1)
        return float(np.diff(self.conversions) @ precision / self.conversions[-1])

    def lift(self, shares: ArrayLike) -> NDArray[np.float64]:
        """For each share of the leads, the conversion rate of so many of the best-scored over that of
        all; equal scores share their leads.
        """
        best = np.maximum(1, np.round(np.asarray(shares) * self.leads[-1]))
        rate = self.conversions[-1] / self.leads[-1]
        return np.asarray(np.interp(best, *self) / best / rate)


class LeadsByScore(NamedTuple):
    """n leads, the best-scored first: their outcomes, a model's probabilities, each lead's log loss, its
    number before they were sorted, the last lead of each score, and how many times each counts. Scores
    are sorted once; a resample changes the times.
    """

    target: Target
    probability: Probability
    loss: NDArray[np.float64]
    number: NDArray[np.int64]
    last: NDArray[np.int64]
    times: NDArray[np.int64]

    @classmethod
    def of(cls, target: Target, probability: Probability) -> Self:
        """Leads in any order, each once."""
        number = np.argsort(-probability, kind="stable")
        target, probability = target[number], probability[number]
        last = np.flatnonzero(np.append(np.diff(probability) != 0, True))
        loss = losses(target, probability)
        return cls(target, probability, loss, number, last, np.ones_like(number))

    def resampled(self, times: NDArray[np.int64]) -> Self:
        """The same leads, each counting so many times; in the order before they were sorted."""
        return self._replace(times=times[self.number])

    def curve(self) -> Curve:
        """What the order of the leads is worth."""
        leads = np.cumsum(self.times)[self.last]
        conversions = np.cumsum(self.times * self.target)[self.last]
        return Curve(np.append(0, leads), np.append(0, conversions))

    def mean(self, values: NDArray[np.float64]) -> float:
        """The mean of a value of each lead."""
        return float(values @ self.times / self.times.sum())

    def measure(self, threshold: float) -> Figures:
        """All figures: see `measure`."""
        # Not by scikit-learn, which checks its arguments for ten times as long as it computes: the
        # bootstrap asks for all figures a thousand times.
        target, probability, times, curve = self.target, self.probability, self.times, self.curve()
        called = probability >= threshold
        calls, conversions, hits = times @ called, times @ target, times @ (called & (target == 1))
        figures = {
            "accuracy": self.mean(called == target),
            "precision": hits / max(calls, 1),
            "recall": hits / conversions,
            "f1": 2 * hits / (calls + conversions),
            "roc_auc": curve.roc_auc(),
            "average_precision": curve.average_precision(),
            "log_loss": self.mean(self.loss),
            "brier": self.mean((probability - target) ** 2),
            "ece": calibration_error(target, probability, times),
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


def calibration_error(
    target: Target, probability: Probability, times: NDArray[np.int64] | None = None
) -> float:
    """Mean distance between predicted probability and conversion rate over bins, by leads in them, of
    which each counts so many times.
    """
    times = np.ones(len(target), np.int64) if times is None else times
    gaps = np.bincount(_bin_numbers(probability), times * (probability - target))
    return float(np.abs(gaps).sum() / times.sum())


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
    """The mean of `losses`."""
    return float(losses(target, probability).mean())


def losses(target: Target, probability: Probability) -> NDArray[np.float64]:
    """-ln(the probability given to what happened), in nats, shape (n,); 0 is the smallest step."""
    given = np.where(target == 1, probability, 1 - probability)
    return -np.log(np.maximum(given, np.finfo(np.float64).eps))


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
