"""How good a model is: figures, their intervals, and the threshold, on leads it was not fitted to."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline

from leadscore.training.dataset import row_groups

FOLDS: Final = 5
RESAMPLES: Final = 1000
CALIBRATION_BINS: Final = 10
LIFT_SHARES: Final = (0.1, 0.2, 0.3)

# Steps of .001: a threshold in the card is a number a person can read, and no probability comes to lie
# on it by construction, where rounding in another runtime could flip the decision.
_THRESHOLDS: Final = np.arange(1, 1000) / 1000

Target = NDArray[np.int8]
Probability = NDArray[np.float64]
Figures = dict[str, float]
"""Figure -> value, rounded to 4 digits."""


def probability(model: Pipeline, features: pd.DataFrame) -> Probability:
    """The fitted model's probability of converting for each lead, shape (n,)."""
    return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)


def out_of_fold(model: Pipeline, features: pd.DataFrame, target: Target, seed: int) -> Probability:
    """A probability for each lead from a model that saw neither it nor an identical lead, shape (n,)."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    groups = row_groups(features)
    scores = cross_val_predict(model, features, target, groups=groups, cv=folds, method="predict_proba")
    return np.asarray(scores[:, 1], dtype=np.float64)


def best_f1_threshold(target: Target, probability: Probability) -> float:
    """The threshold with the highest F1, the lowest such one, in steps of .001."""
    chosen = probability[None, :] >= _THRESHOLDS[:, None]
    hits = (chosen & (target == 1)).sum(axis=1)
    f1 = 2 * hits / (chosen.sum(axis=1) + target.sum())
    return float(_THRESHOLDS[np.argmax(f1)])


def measure(target: Target, probability: Probability, threshold: float) -> Figures:
    """All figures of one model on one set of leads; ROC-AUC needs both outcomes among them.

    Lift is the conversion rate among the best-scored share of leads over that of all of them. ECE is
    the expected calibration error over ten equal bins (Naeini et al. 2015).
    """
    converts = probability >= threshold
    figures = {
        "accuracy": accuracy_score(target, converts),
        "precision": precision_score(target, converts, zero_division=0),
        "recall": recall_score(target, converts),
        "f1": f1_score(target, converts),
        "roc_auc": roc_auc_score(target, probability),
        "average_precision": average_precision_score(target, probability),
        "log_loss": log_loss(target, probability),
        "brier": brier_score_loss(target, probability),
        "ece": calibration_error(target, probability),
        **{f"lift_at_{share:.0%}": lift(target, probability, share) for share in LIFT_SHARES},
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def calibration_error(target: Target, probability: Probability) -> float:
    """Mean distance between predicted probability and conversion rate over bins, by leads in them."""
    bins = np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=target - probability, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(target))


def lift(target: Target, probability: Probability, share: float) -> float:
    """Conversion rate of the best-scored share over the overall one; equal scores share their leads."""
    by_score = pd.Series(target).groupby(probability).transform("mean").to_numpy()
    best = np.argsort(-probability, kind="stable")[: max(1, round(share * len(target)))]
    return float(by_score[best].mean() / target.mean())


def intervals(
    target: Target,
    probability: Probability,
    threshold: float,
    seed: int,
) -> dict[str, list[float]]:
    """Bootstrap 95 % interval of each figure: percentiles over resampled leads (Efron 1979)."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, len(target), len(target))
        if 0 < target[rows].sum() < len(rows):
            samples.append(measure(target[rows], probability[rows], threshold))
    low, high = np.percentile([list(sample.values()) for sample in samples], (2.5, 97.5), axis=0)
    return {
        name: [round(float(a), 4), round(float(b), 4)]
        for name, a, b in zip(samples[0], low, high, strict=True)
    }
