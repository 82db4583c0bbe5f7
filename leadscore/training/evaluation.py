"""How good a model is, on leads it was not fitted to: figures, intervals, calibration."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from joblib import parallel_config
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline

from leadscore.training.dataset import row_groups

FOLDS: Final = 5
BUNDLES: Final = 500  # of leads, for folds: enough to make them alike
COMMON: Final = 0.01  # of all leads: more identical ones are a kind of lead, not a repetition
RESAMPLES: Final = 1000
CALIBRATION_BINS: Final = 10
LIFT_SHARES: Final = (0.1, 0.2, 0.3)
LIFTS: Final = [f"lift_at_{share:.0%}" for share in LIFT_SHARES]
SIGMOID_GAIN: Final = 0.001  # in log loss, or calibration is not worth its two parameters

Target = NDArray[np.int8]
Probability = NDArray[np.float64]
Figures = dict[str, float]
"""Figure -> value, rounded to 4 digits."""


def probability(model: Pipeline, features: pd.DataFrame) -> Probability:
    """The fitted model's probability of converting for each lead, shape (n,)."""
    return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)


def out_of_fold(model: Pipeline, features: pd.DataFrame, target: Target, seed: int) -> Probability:
    """A probability for each lead from a model that saw neither it nor an identical lead, shape (n,).

    Except for the commonest kinds of lead (COMMON): a model in use has met them, and a fold whose model
    has not would be another world.
    """
    split = folds(features, target, seed)
    with parallel_config("threading", n_jobs=-1):
        scores = cross_val_predict(model, features, target, cv=split, method="predict_proba")
    return np.asarray(scores[:, 1], dtype=np.float64)


def folds(
    features: pd.DataFrame, target: Target, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit on and rows to score, of each fold: as large and with as many conversions as the next,
    and identical leads in one.
    """
    _, group, count = np.unique(lead_groups(features), return_inverse=True, return_counts=True)
    # Leads without a double go by the bundle, of one outcome each: scikit-learn weighs group by group.
    alone = np.random.default_rng(seed).permutation(np.flatnonzero(count[group] == 1))
    alone = alone[np.argsort(target[alone], kind="stable")]
    group[alone] = len(count) + np.arange(len(alone)) // max(1, len(target) // BUNDLES)
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(split.split(target, target, group))


def lead_groups(features: pd.DataFrame) -> NDArray[np.int64]:
    """The group of each lead, shape (n,): identical leads share one, unless they are COMMON."""
    _, kind, count = np.unique(row_groups(features), return_inverse=True, return_counts=True)
    common = count[kind] > COMMON * len(features)
    return np.where(common, len(count) + np.arange(len(features)), kind)


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


@dataclass(frozen=True)
class Calibration:
    """A correction of the log-odds, slope * log-odds + intercept, and what it does out of fold.

    `before` and `after`: log loss, calibration error and reliability curve without and with it.
    """

    method: str
    slope: float
    intercept: float
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def calibrate(target: Target, scores: Probability) -> tuple[Calibration, Probability]:
    """Fit a sigmoid to out-of-fold probabilities (Platt 1999), and take it if it earns its place.

    Returns the decision and the probabilities to go on with: with the sigmoid, each lead's is corrected
    by one that was fitted without it. The sigmoid is taken if it lowers log loss by SIGMOID_GAIN.
    """
    log_odds = logit(scores)[:, None]
    sigmoid = LogisticRegression(C=np.inf)
    split = StratifiedKFold(FOLDS)
    corrected = cross_val_predict(sigmoid, log_odds, target, cv=split, method="predict_proba")[:, 1]
    before, after = _calibrated(target, scores), _calibrated(target, corrected)
    if before["log_loss"] - after["log_loss"] < SIGMOID_GAIN:
        return Calibration("none", 1.0, 0.0, before, after), scores
    sigmoid.fit(log_odds, target)
    slope, intercept = float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])
    return Calibration("sigmoid", slope, intercept, before, after), corrected


def _calibrated(target: Target, scores: Probability) -> dict[str, Any]:
    return {
        "log_loss": round(float(log_loss(target, scores)), 4),
        "ece": round(calibration_error(target, scores), 4),
        "reliability": reliability(target, scores),
    }


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


@dataclass(frozen=True)
class Difference:
    """By how much one model's figure exceeds another's on the same leads, with its interval."""

    value: float
    low: float
    high: float


def log_loss(target: Target, probability: Probability) -> float:
    """Mean of -ln(the probability given to what happened), in nats; 0 counts as the smallest step."""
    given = np.where(target == 1, probability, 1 - probability)
    return float(-np.log(np.maximum(given, np.finfo(np.float64).eps)).mean())


COMPARED: Final[dict[str, Callable[[Target, Probability], float]]] = {
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "ece": calibration_error,
}
"""The figures by which two models are compared."""


def differences(
    target: Target,
    ours: Probability,
    theirs: Probability,
    seed: int,
    confidence: float = 0.95,
) -> dict[str, Difference]:
    """How much `ours` exceeds `theirs` in each figure of COMPARED, by a paired bootstrap: both are
    measured on the same resampled leads (Efron and Tibshirani 1993, chapter 8).
    """
    samples = [_exceeds(target[r], ours[r], theirs[r]) for r in _resamples(target, seed)]
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(samples, (tail, 100 - tail), axis=0)
    found = zip(_exceeds(target, ours, theirs), low, high, strict=True)
    return {name: Difference(*map(float, row)) for name, row in zip(COMPARED, found, strict=True)}


def _resamples(target: Target, seed: int) -> Iterator[NDArray[np.int64]]:
    """RESAMPLES times as many leads as there are, drawn with replacement, of both outcomes."""
    rng = np.random.default_rng(seed)
    drawn = 0
    while drawn < RESAMPLES:
        rows = rng.integers(0, len(target), len(target))
        if 0 < target[rows].sum() < len(rows):
            drawn += 1
            yield rows


def _exceeds(target: Target, ours: Probability, theirs: Probability) -> list[float]:
    return [figure(target, ours) - figure(target, theirs) for figure in COMPARED.values()]


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


def intervals(
    target: Target,
    probability: Probability,
    threshold: float,
    seed: int,
) -> dict[str, list[float]]:
    """Bootstrap 95 % interval of each figure: percentiles over resampled leads (Efron 1979).

    Of the calibration error there is none: chance alone makes it larger in a resample than it is.
    """
    samples = [measure(target[r], probability[r], threshold) for r in _resamples(target, seed)]
    low, high = np.percentile([list(sample.values()) for sample in samples], (2.5, 97.5), axis=0)
    return {
        name: [round(float(a), 4), round(float(b), 4)]
        for name, a, b in zip(samples[0], low, high, strict=True)
        if name != "ece"
    }
