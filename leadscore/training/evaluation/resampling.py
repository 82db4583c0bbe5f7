"""What chance makes of a figure: bootstrap intervals, and paired differences of two models."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.training.evaluation.figures import (
    Probability,
    Target,
    calibration_error,
    log_loss,
    measure,
    roc_auc,
)

RESAMPLES: Final = 1000


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


@dataclass(frozen=True)
class Difference:
    """By how much one model's figure exceeds another's on the same leads, with its interval."""

    value: float
    low: float
    high: float


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
