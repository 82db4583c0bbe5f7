"""The ways a lead can turn at splits: its states, column by column, and the patterns they make."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leadscore.training.onnx.trees import Split, Tree, splits_of

Turn: TypeAlias = tuple[bool, ...]
"""One way to turn at several splits; True is left."""


class State(NamedTuple):
    """What a split can tell of a lead's column: the level it has, or an example of its number.

    `column`: the one it is of; `feature`: the encoded feature that has `value`, where the other levels
    of the column are 0. The states of a number are minus infinity (below all thresholds), each threshold
    and NaN (missing).
    """

    column: int
    feature: int
    value: float

    def turns_left(self, split: Split) -> bool:
        """Where a lead in this state goes at a split on the same column."""
        value = self.value if self.feature == split.feature else 0.0
        return split.missing_goes_left if math.isnan(value) else value < split.threshold


class Turns:
    """The turns that leads can take at splits of these trees."""

    def __init__(self, trees: Sequence[Tree], columns: NDArray[np.int64]) -> None:
        splits = splits_of(trees)
        self.states = tuple(_states(splits, columns))
        self._columns = columns
        self._places: dict[int, list[int]] = {}  # of the states of each column
        for place, state in enumerate(self.states):
            self._places.setdefault(state.column, []).append(place)
        self._turns = {  # of each state of the split's column
            split: tuple(self.states[p].turns_left(split) for p in self._places[columns[split.feature]])
            for split in splits
        }

    def count(self, splits: Sequence[Split]) -> int:
        """How many patterns there are at these splits."""
        return math.prod(len(set(turns)) for _, _, turns in self._by_column(splits))

    def patterns(self, splits: Sequence[Split]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Every way a lead can turn at these splits, shape (patterns, splits), and the step from one to
        the other that each state makes, shape (states,).
        """
        by_column = list(self._by_column(splits))
        ways = [list(dict.fromkeys(turns)) for _, _, turns in by_column]
        combined = list(itertools.product(*ways))
        patterns = np.zeros((len(combined), len(splits)), dtype=bool)
        steps = np.zeros(len(self.states), np.int64)
        step = len(combined)
        for position, (column, indices, turns) in enumerate(by_column):
            patterns[:, indices] = [pattern[position] for pattern in combined]
            step //= len(ways[position])
            steps[self._places[column]] = [step * ways[position].index(turn) for turn in turns]
        return patterns, steps

    def _by_column(self, splits: Sequence[Split]) -> Iterator[tuple[int, list[int], list[Turn]]]:
        """For each column asked about: by which splits, and how each of its states turns there."""
        found: dict[int, list[int]] = {}
        for index, split in enumerate(splits):
            found.setdefault(int(self._columns[split.feature]), []).append(index)
        for column, indices in found.items():
            yield column, indices, list(zip(*(self._turns[splits[i]] for i in indices), strict=True))


def _states(splits: Sequence[Split], columns: NDArray[np.int64]) -> Iterator[State]:
    """The states of every encoded feature, in their order."""
    levels = np.bincount(columns)
    for feature, column in enumerate(columns.tolist()):
        if levels[column] > 1:
            yield State(column, feature, 1.0)
            continue
        thresholds = sorted({split.threshold for split in splits if split.feature == feature})
        yield from (State(column, feature, value) for value in (-math.inf, *thresholds, math.nan))
