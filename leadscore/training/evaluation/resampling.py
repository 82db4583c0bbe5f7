"""What chance makes of a figure: bootstrap intervals, and paired differences of two models."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.training.evaluation.figures import LeadsByScore, Probability, Target

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
    leads = LeadsByScore.of(target, probability)
    resampled = (leads.resampled(times) for times in _resamples(len(target), seed))
    samples = [some.measure(threshold) for some in resampled if _both(some)]
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
    "log_loss": lambda leads: leads.mean(leads.loss),
}
"""The figures by which two models are compared."""


def differences(
    target: Target, ours: Probability, theirs: Probability, seed: int, confidence: float = 0.95
) -> dict[str, Difference]:
    """How much `ours` exceeds `theirs` in each figure of COMPARED, by a paired bootstrap: both are
    measured on the same resampled leads (Efron and Tibshirani 1993, chapter 8).
    """
    everyone = {"": np.ones(len(target), np.bool_)}
    return differences_by_part(target, ours, theirs, everyone, seed, confidence)[""]


def differences_by_part(
    target: Target,
    ours: Probability,
    theirs: Probability,
    parts: Mapping[str, NDArray[np.bool_]],
    seed: int,
    confidence: float,
) -> dict[str, dict[str, Difference]]:
    """The `differences` on parts of the leads, each of shape (n,) and of both outcomes; resampled are
    all of them, in the order of time.
    """
    rows = {name: np.flatnonzero(part) for name, part in parts.items()}
    pairs = {
        name: [LeadsByScore.of(target[some], scores[some]) for scores in (ours, theirs)]
        for name, some in rows.items()
    }
    samples: dict[str, list[list[float]]] = {name: [] for name in parts}
    for times in _resamples(len(target), seed):
        for name, some in rows.items():
            pair = [leads.resampled(times[some]) for leads in pairs[name]]
            if _both(pair[0]):
                samples[name].append(_exceeds(*pair))
    tail = 100 * (1 - confidence) / 2
    found: dict[str, dict[str, Difference]] = {}
    for name, pair in pairs.items():
        bounds = np.percentile(samples[name], (tail, 100 - tail), axis=0)
        each = zip(COMPARED, _exceeds(*pair), *bounds, strict=True)
        found[name] = {figure: Difference(*map(float, values)) for figure, *values in each}
    return found


def _resamples(leads: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """RESAMPLES times how often each lead counts, shape (leads,), when as many as there are are drawn
    with replacement in blocks (the last lead is followed by the first; Politis and Romano 1992).
    """
    rng = np.random.default_rng(seed)
    length = max(1, min(BLOCK, leads // FEWEST_BLOCKS))
    lengths = np.diff([*range(0, leads, length), leads])
    for _ in range(RESAMPLES):
        first = rng.integers(0, leads, len(lengths))
        begun, ended = (np.bincount(at, minlength=2 * leads) for at in (first, first + lengths))
        yield np.cumsum(begun - ended).reshape(2, leads).sum(axis=0)


def _both(leads: LeadsByScore) -> bool:
    """Whether both outcomes are among the leads of a resample: else it has no figures."""
    return bool(0 < leads.times @ leads.target < leads.times.sum())


def _exceeds(ours: LeadsByScore, theirs: LeadsByScore) -> list[float]:
    return [figure(ours) - figure(theirs) for figure in COMPARED.values()]
