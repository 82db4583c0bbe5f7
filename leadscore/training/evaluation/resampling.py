"""What chance makes of a figure: bootstrap intervals, and paired differences of two models."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.training.evaluation.figures import (
    LeadsByScore,
    Probability,
    Target,
    log_loss,
)

RESAMPLES: Final = 1000

# Leads that follow one another are alike, so they are drawn together.
BLOCK: Final = 100  # leads
FEWEST_BLOCKS: Final = 10  # of few leads the blocks are shorter


def intervals(
    target: Target,
    probability: Probability,
    threshold: float,
    seed: int,
) -> dict[str, list[float]]:
    """Bootstrap 95 % interval of each figure, for leads in the order of time: percentiles over
    resampled blocks of leads (Kuensch 1989).

    Of the calibration error there is none: chance alone makes it larger in a resample than it is.
    """
    every, leads = np.ones(len(target), np.bool_), LeadsByScore.of(target, probability)
    samples = [leads.take(rows).measure(threshold) for rows in _resamples(target, every, seed)]
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


COMPARED: Final[dict[str, Callable[[LeadsByScore], float]]] = {
    "roc_auc": lambda leads: leads.curve().roc_auc(),
    "log_loss": lambda leads: log_loss(leads.target, leads.probability),
}
"""The figures by which two models are compared."""


def differences(
    target: Target,
    ours: Probability,
    theirs: Probability,
    seed: int,
    confidence: float = 0.95,
    part: NDArray[np.bool_] | None = None,
) -> dict[str, Difference]:
    """How much `ours` exceeds `theirs` in each figure of COMPARED, by a paired bootstrap: both are
    measured on the same resampled leads (Efron and Tibshirani 1993, chapter 8).

    `part`, shape (n,): measured on these leads alone; resampled are all, in the order of time.
    """
    rows = np.ones(len(target), np.bool_) if part is None else part
    pair = LeadsByScore.of(target, ours), LeadsByScore.of(target, theirs)
    samples = [_exceeds(*(leads.take(r) for leads in pair)) for r in _resamples(target, rows, seed)]
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(samples, (tail, 100 - tail), axis=0)
    exact = _exceeds(*(leads.take(np.flatnonzero(rows)) for leads in pair))
    found = zip(exact, low, high, strict=True)
    return {name: Difference(*map(float, row)) for name, row in zip(COMPARED, found, strict=True)}


def _resamples(target: Target, part: NDArray[np.bool_], seed: int) -> Iterator[NDArray[np.int64]]:
    """RESAMPLES times as many leads as there are, drawn with replacement in blocks (the last is followed
    by the first; Politis and Romano 1992), those of them that are in `part`, of both outcomes.
    """
    rng, leads = np.random.default_rng(seed), len(target)
    block = np.arange(max(1, min(BLOCK, leads // FEWEST_BLOCKS)))
    drawn = 0
    while drawn < RESAMPLES:
        first = rng.integers(0, leads, -(-leads // len(block)))
        rows = ((first[:, None] + block) % leads).ravel()[:leads]
        rows = rows[part[rows]]
        if 0 < target[rows].sum() < len(rows):
            drawn += 1
            yield rows


def _exceeds(ours: LeadsByScore, theirs: LeadsByScore) -> list[float]:
    return [figure(ours) - figure(theirs) for figure in COMPARED.values()]
