"""What one column tells by itself, measured on clean values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leadscore.training.evaluation.figures import Target, roc_auc

BINS: Final = 20  # of a number, as many leads in each
FOLDS: Final = 5
PRIOR: Final = 10  # leads at the overall rate that every level is given beside its own
TENTHS: Final = 10  # of time
CERTAIN: Final = 0.95  # a level that converts more often names the outcome
FEWER: Final = 4  # times as many of all leads do not convert as of such a level
LEAST: Final = 20  # leads of such a level
EXPECTED: Final = 10  # conversions of a level that has none: not by chance
TOGETHER: Final = 0.98  # of two columns' blank rows, that both have: blank for one reason
SHOWN: Final = 0.01  # blank leads, for a column to be compared with others

Blanks = NDArray[np.bool_]
"""Where a column is blank, shape (n,)."""


class Level(NamedTuple):
    """A level that names the outcome: its text, its leads, and the share of them that converted."""

    text: str
    leads: int
    rate: float


@dataclass(frozen=True)
class Evidence:
    """What a column tells by itself.

    `alone`: ROC-AUC of the conversion rates of its levels, a number in twenty bins, out of fold.
    `blank`: the share of blank leads. `blank_alone`: the ROC-AUC of being blank or not, >= 0.5;
    `blank_rate` and `filled_rate`: how many convert. `chance`: by how much an ROC-AUC of so many leads
    strays from 0.5 by chance, one standard error. `certain`: its levels that name the outcome, `never`:
    those of which no lead converted although EXPECTED should have.
    `blank_by_time`: the least and the largest share of blank leads in a tenth of time. `moved`: how far
    the levels of the newest tenth are from those before (total variation), and `mover`, the level that
    changed most, with its share before and then.
    """

    leads: int
    alone: float
    blank: float
    blank_alone: float
    blank_rate: float
    filled_rate: float
    chance: float
    certain: tuple[Level, ...]
    never: tuple[Level, ...]
    blank_by_time: tuple[float, float]
    moved: float
    mover: tuple[str, float, float]

    @property
    def naming(self) -> float:
        """The conversion rate from which on a level, or having a value at all, names the outcome."""
        rates = np.nan_to_num([self.blank_rate, self.filled_rate])
        return _naming(float(rates @ (self.blank, 1 - self.blank)))

    @property
    def certain_share(self) -> float:
        """The share of leads whose level names the outcome."""
        return sum(level.leads for level in self.certain) / self.leads


def evidence(values: pd.Series, target: Target, known: int) -> Evidence:
    """The evidence of a column's clean values, shape (n,), oldest first: float with NaN or str with "".

    `target`, shape (known,): outcomes are looked at for the oldest `known` leads alone.
    """
    blank = blanks(values)
    codes, names = _levels(values)
    certain, never = _telling(codes[:known], target, names)
    old, old_blank = codes[:known], blank[:known]
    filled = target[~old_blank]
    positives = int(target.sum())
    low, high = _by_time(blank)
    moved, mover = _moved(codes, names)
    return Evidence(
        leads=known,
        alone=_alone(old, target),
        blank=float(old_blank.mean()),
        blank_alone=_either_way(target, old_blank),
        blank_rate=float(target[old_blank].mean()) if old_blank.any() else np.nan,
        filled_rate=float(filled.mean()) if len(filled) else np.nan,
        chance=_chance(positives, known - positives),
        certain=certain,
        never=never,
        blank_by_time=(low, high),
        moved=moved,
        mover=mover,
    )


def blanks(values: pd.Series) -> Blanks:
    """Where a column of clean values is blank."""
    found = values.isna() if pd.api.types.is_float_dtype(values) else values == ""
    return np.asarray(found, np.bool_)


def together(columns: Mapping[str, Blanks]) -> dict[str, list[str]]:
    """For each column, the others that are blank in the same rows, or nearly."""
    names = [name for name, blank in columns.items() if SHOWN <= blank.mean() < 1]
    if not names:
        return {}
    masks = np.array([columns[name] for name in names], np.float32)
    both, count = masks @ masks.T, masks.sum(axis=1)
    alike = both / (count[:, None] + count - both) >= TOGETHER
    return {
        name: [names[other] for other in np.flatnonzero(row) if names[other] != name]
        for name, row in zip(names, alike, strict=True)
    }


def _levels(values: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """A number for the level of each lead, and the levels' names: blank is one, a number has bins."""
    if pd.api.types.is_float_dtype(values):
        edges = np.unique(values.quantile(np.arange(1, BINS) / BINS).dropna())
        codes = np.searchsorted(edges, values, side="right")
        codes[values.isna()] = len(edges) + 1
        bounds = [f"{edge:g}" for edge in edges]
        names = [f"below {bounds[0]}"] if bounds else ["any number"]
        names += [f"from {low}" for low in bounds]
        return codes.astype(np.int64), [*names, ""]
    found, texts = pd.factorize(values)
    return found.astype(np.int64), [str(text) for text in texts]


def _alone(codes: NDArray[np.int64], target: Target) -> float:
    """ROC-AUC of the conversion rate of each lead's level, among the leads of the other folds."""
    fold = np.random.default_rng(0).permutation(len(codes)) % FOLDS
    size = int(codes.max()) + 1
    rates = np.empty(len(codes))
    for number in range(FOLDS):
        others, here = fold != number, fold == number
        leads = np.bincount(codes[others], minlength=size)
        hits = np.bincount(codes[others], weights=target[others], minlength=size)
        base = target[others].mean()
        # The fold's own rate is left out: levels of one lead would else tell the folds apart.
        rates[here] = (hits[codes[here]] + PRIOR * base) / (leads[codes[here]] + PRIOR) - base
    return roc_auc(target, rates.round(9))  # what differs by rounding alone is equal


def _either_way(target: Target, blank: Blanks) -> float:
    if not 0 < blank.sum() < len(blank):
        return 0.5
    found = roc_auc(target, blank.astype(np.float64))
    return max(found, 1 - found)


def _chance(positives: int, negatives: int) -> float:
    """The standard error of an ROC-AUC of 0.5 (Mann and Whitney 1947)."""
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))


def _telling(
    codes: NDArray[np.int64], target: Target, names: list[str]
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Levels of which nearly all leads convert, and those of which none does; the commonest first."""
    leads = np.bincount(codes, minlength=len(names))
    hits = np.bincount(codes, weights=target, minlength=len(names))
    nearly_all = (leads >= LEAST) & (hits >= _naming(float(target.mean())) * leads)
    none = (hits == 0) & (leads * target.mean() >= EXPECTED)

    def levels(chosen: NDArray[np.bool_]) -> tuple[Level, ...]:
        found = np.flatnonzero(chosen)
        order = found[np.argsort(-leads[found], kind="stable")]
        return tuple(Level(names[i], int(leads[i]), float(hits[i] / leads[i])) for i in order)

    return levels(nearly_all), levels(none)


def _naming(rate: float) -> float:
    return max(CERTAIN, 1 - (1 - rate) / FEWER)


def _by_time(blank: Blanks) -> tuple[float, float]:
    shares = [float(part.mean()) for part in np.array_split(blank, TENTHS) if len(part)]
    return min(shares), max(shares)


def _moved(codes: NDArray[np.int64], names: list[str]) -> tuple[float, tuple[str, float, float]]:
    split = len(codes) - max(1, len(codes) // TENTHS)
    before, after = (
        np.bincount(part, minlength=len(names)) / len(part) for part in (codes[:split], codes[split:])
    )
    most = int(np.argmax(np.abs(after - before)))
    mover = (names[most], float(before[most]), float(after[most]))
    return float(np.abs(after - before).sum() / 2), mover
