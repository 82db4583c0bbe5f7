"""Bins of a column or the score: how far leads have moved from those a model was trained on.

The population stability index (PSI; Siddiqi, Credit Risk Scorecards, 2006) compares the shares e of a
column's bins in training with the shares a among other leads: the sum of (a - e) ln(a / e). By
convention below 0.1 nothing has happened, and from 0.25 on the column is another. The bins and their
shares in training stand in the card.
"""

from collections.abc import Container, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

FLOOR: Final = 1e-4  # an empty bin would make the index infinite


def score_name(columns: Container[str]) -> str:
    """What the score is called beside columns, of which one may have its name."""
    return "score_2" if "score" in columns else "score"


class Bins:
    """The bins of one column, as the card's `drift` describes them."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self.shares = np.array(described["shares"], np.float64)
        self._edges = np.array(described.get("edges", ()), np.float32)
        levels = described.get("levels")
        self._levels = None if levels is None else {level: place for place, level in enumerate(levels)}
        if self._levels is not None:
            self._levels[""] = len(self.shares) - 1

    def codes(self, values: NDArray[Any]) -> NDArray[np.intp]:
        """The bin of each of (n,) values."""
        if self._levels is not None:
            others = len(self.shares) - 2
            places = [self._levels.get(value, others) for value in values.tolist()]
            return np.array(places, np.intp)
        codes = np.searchsorted(self._edges, values.astype(np.float32), side="right")
        return np.where(np.isnan(values), len(self.shares) - 1, codes)

    def psi(self, counts: Counts) -> float:
        """The index of how often each bin came, shape (bins,)."""
        return index(self.shares, counts / counts.sum())


def index(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """The population stability index of two distributions over the same bins.

    >>> round(index(np.array([0.5, 0.5]), np.array([0.7, 0.3])), 3)
    0.169
    """
    expected, found = np.maximum(expected, FLOOR), np.maximum(found, FLOOR)
    return float(((found - expected) * np.log(found / expected)).sum())
