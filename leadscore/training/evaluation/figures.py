"""The figures of one model on one set of leads, as plain numpy: they are asked for a thousand times."""

from typing import Any, Final, TypeAlias

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


def measure(target: Target, probability: Probability, threshold: float) -> Figures:
    """All figures of one model on one set of leads, which needs both outcomes among them.

    Lift is the conversion rate among the best-scored share of leads over that of all of them. ECE is
    the expected calibration error over ten equal bins (Naeini et al. 2015).
    """
    # Not by scikit-learn, which checks its arguments for ten times as long as it computes: the bootstrap
    # asks for all figures a thousand times.
    called = probability >= threshold
    calls, conversions, hits = called.sum(), target.sum(), (called & (target == 1)).sum()
    figures = {
        "accuracy": np.mean(called == target),
        "precision": hits / max(calls, 1),
        "recall": hits / conversions,
        "f1": 2 * hits / (calls + conversions),
        "roc_auc": roc_auc(target, probability),
        "average_precision": average_precision(target, probability),
        "log_loss": log_loss(target, probability),
        "brier": np.mean((probability - target) ** 2),
        "ece": calibration_error(target, probability),
        **dict(zip(LIFTS, lift(target, probability, LIFT_SHARES), strict=True)),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


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


def _best_first(target: Target, probability: Probability) -> tuple[NDArray[Any], NDArray[Any]]:
    """Leads, and conversions among them, from each score on: (0, 0), the best score, ..., all."""
    _, score = np.unique(-probability, return_inverse=True)
    leads, conversions = np.bincount(score), np.bincount(score, weights=target)
    return np.append(0, np.cumsum(leads)), np.append(0, np.cumsum(conversions))


def roc_auc(target: Target, probability: Probability) -> float:
    """The area under the ROC curve."""
    leads, conversions = _best_first(target, probability)
    others = leads - conversions
    return float(np.trapezoid(conversions, others) / (conversions[-1] * others[-1]))


def average_precision(target: Target, probability: Probability) -> float:
    """Mean precision at the scores of the leads that convert."""
    leads, conversions = _best_first(target, probability)
    return float(np.diff(conversions) @ (conversions[1:] / leads[1:]) / conversions[-1])


def lift(target: Target, probability: Probability, shares: ArrayLike) -> NDArray[np.float64]:
    """For each share of the leads, the conversion rate of so many of the best-scored over that of all;
    equal scores share their leads.
    """
    best = np.maximum(1, np.round(np.asarray(shares) * len(target)))
    conversions = np.interp(best, *_best_first(target, probability))
    return np.asarray(conversions / best / target.mean())


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
