"""Exact SHAP values of boosted trees, compiled into one table.

The SHAP value of a feature is its average share in the prediction over all orders in which the features
become known (Shapley 1953). For a tree, what is not known yet is averaged over its branches by their
cover, the training leads in them weighted by their Hessian: path-dependent TreeSHAP (Lundberg et al.
2020, doi:10.1038/s42256-019-0138-9), which XGBoost computes for `pred_contribs`.

A lead enters that computation only by the way it turns at each split of the tree. A tree of depth 3
has at most 7 splits, so its leads fall into at most 128 patterns of turns, each with one fixed vector
of SHAP values, folded from encoded features to the columns they come from. So do the leads of a group
of trees with few patterns between them. A lead's turns at the splits on one column depend on its state
there alone: its level, or the thresholds its number lies between. So each state adds a step to the row
of the lead's pattern, and scoring needs no tree any more: look up the steps of a lead's states, add them
up, look up a row of values for each group, add those up.
"""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

# Of a group of trees. More make a faster graph and a larger file.
MOST_PATTERNS: Final = 512

# Bits of an integer that the largest sum of values may take.
BITS: Final = 30


class ShapleyError(ValueError):
    """The trees cannot be compiled; the message says why."""


@dataclass(frozen=True)
class Split:
    """One question: is an encoded feature below the threshold (or missing, and sent there)?"""

    feature: int
    threshold: float
    missing_goes_left: bool


@dataclass(frozen=True)
class Tree:
    """One boosted tree, by node; `split` is None at a leaf, where `value` is its log-odds."""

    split: list[Split | None]
    left: list[int]
    right: list[int]
    value: list[float]
    cover: list[float]

    @classmethod
    def from_xgboost(cls, document: dict[str, Any]) -> "Tree":
        """Read a tree of XGBoost's JSON model format."""
        rows = zip(
            document["left_children"],
            document["split_indices"],
            document["split_conditions"],
            document["default_left"],
            strict=True,
        )
        return cls(
            split=[
                None if child == -1 else Split(feature, float(np.float32(condition)), bool(left))
                for child, feature, condition, left in rows
            ],
            left=document["left_children"],
            right=document["right_children"],
            value=document["split_conditions"],
            cover=document["sum_hessian"],
        )


class State(NamedTuple):
    """What a split can tell of a lead's column: the level it has, or an example of its number.

    `feature` is the encoded feature that has `value`; the other levels of its column are 0.
    """

    feature: int
    value: float

    def turns_left(self, split: Split) -> bool:
        """Where a lead in this state goes at a split on the same column."""
        value = self.value if self.feature == split.feature else 0.0
        return split.missing_goes_left if math.isnan(value) else value < split.threshold


@dataclass(frozen=True)
class Table:
    """Boosted trees as a table.

    `states`: of each encoded feature, in their order: a level has one; a number has one below its
    thresholds, one from each threshold on, and one if it is missing. `steps`, shape (states, groups):
    what a state adds to the row of each group. `values`, shape (rows, columns): log-odds. A lead's rows
    are the sums of the steps of its states, one of each column; its contributions are the sums of the
    values in its rows; `base` and its contributions add up to its log-odds. `starts`: the first row of
    each group.
    """

    states: tuple[State, ...]
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    starts: tuple[int, ...]
    base: float

    def first(self, feature: int) -> int:
        """The place of the first state of an encoded feature."""
        return next(place for place, state in enumerate(self.states) if state.feature == feature)

    def thresholds(self, feature: int) -> list[float]:
        """The thresholds of a number, in order."""
        values = [state.value for state in self.states if state.feature == feature]
        return [value for value in values if math.isfinite(value)]

    def integers(self) -> tuple[NDArray[np.int32], float]:
        """The values and, in a last column, their sum, as multiples of a unit, and the unit in log-odds.

        A sum of integers is exact: a lead's is the same in every order of adding, in a batch or alone,
        on any runtime, and its contributions add up to it.
        """
        largest = np.maximum.reduceat(np.abs(self.values).sum(axis=1), self.starts).sum()
        unit = 2.0 ** (math.ceil(math.log2(largest or 1)) - BITS)
        values = np.rint(self.values / unit).astype(np.int32)
        return np.column_stack([values, values.sum(axis=1, dtype=np.int32)]), unit


def compile_pipeline(pipeline: Pipeline, names: Sequence[str]) -> Table:
    """Compile the fitted pipeline's trees; the table's columns are in the order of `names`. Raises
    ShapleyError as `compile_trees` does.
    """
    columns = encoded_columns(pipeline, names)
    table = compile_trees(trees(pipeline), columns, len(names), margin(pipeline))
    # Calibration only rescales the log-odds, so the shares stay exact.
    slope, intercept = pipeline["model"].slope, pipeline["model"].intercept
    return replace(table, values=slope * table.values, base=slope * table.base + intercept)


def trees(pipeline: Pipeline) -> list[Tree]:
    """The boosted trees of a fitted pipeline."""
    return [Tree.from_xgboost(t) for t in _learner(pipeline)["gradient_booster"]["model"]["trees"]]


def margin(pipeline: Pipeline) -> float:
    """The log-odds before the first tree."""
    start = float(_learner(pipeline)["learner_model_param"]["base_score"].strip("[]"))
    return math.log(start / (1 - start))


def _learner(pipeline: Pipeline) -> dict[str, Any]:
    model = json.loads(pipeline["model"].get_booster().save_raw("json"))
    learner: dict[str, Any] = model["learner"]
    return learner


def contributions(pipeline: Pipeline, features: pd.DataFrame) -> NDArray[np.float64]:
    """SHAP values as XGBoost computes them, folded to columns, shape (n, columns of `features`)."""
    encoded = xgboost.DMatrix(pipeline["encode"].transform(features))
    shares = pipeline["model"].get_booster().predict(encoded, pred_contribs=True)[:, :-1]
    columns = encoded_columns(pipeline, list(features.columns))
    folded: NDArray[np.float64] = shares @ np.eye(features.shape[1])[columns]
    return np.asarray(folded * pipeline["model"].slope)


def encoded_columns(pipeline: Pipeline, names: Sequence[str]) -> NDArray[np.int64]:
    """The column that each feature of the pipeline's encoder comes from, by its position in `names`."""
    found: list[int] = []
    for kind, step, columns in pipeline["encode"].transformers_:
        for index, column in enumerate(columns):
            width = len(step.levels_[index]) if kind == "category" else 1
            found.extend([names.index(column)] * width)
    return np.array(found)


def compile_trees(trees: Sequence[Tree], columns: NDArray[np.int64], width: int, margin: float) -> Table:
    """Compile boosted trees into a table of the SHAP values of every column.

    `columns`, shape (encoded features,): the column each feature comes from, in one run each. Features
    that share one are its levels: one of them is 1, none is missing. `width`: how many columns.
    `margin`: log-odds before the first tree.

    Raises ShapleyError for a tree with too many patterns of turns, as most deeper than 3 have.
    """
    turns = _Turns(trees, columns)
    groups = _groups(trees, turns)
    values, base, starts = [], margin, [0]
    steps = np.zeros((len(turns.states), len(groups)), np.int64)
    for number, group in enumerate(groups):
        splits = _splits(group)
        patterns, steps[:, number] = turns.patterns(splits)
        found = np.zeros((len(patterns), width))
        for tree in group:
            features, shares, mean = shapley_values(tree, splits, patterns)
            found += shares @ np.eye(width)[columns[features]]
            base += mean
        values.append(found)
        starts.append(starts[-1] + len(patterns))
    # Every lead has one state in the first column, and so the start of each group once.
    first_column = [columns[state.feature] == columns[0] for state in turns.states]
    steps[first_column] += starts[:-1]
    return Table(turns.states, steps, np.vstack(values), tuple(starts[:-1]), base)


def _splits(trees: Iterable[Tree]) -> list[Split]:
    return list(dict.fromkeys(split for tree in trees for split in tree.split if split))


def _groups(trees: Sequence[Tree], turns: "_Turns") -> list[list[Tree]]:
    """Put trees together while their patterns stay few: each time the one that shares the most."""
    alone = [turns.count(_splits([tree])) for tree in trees]
    if (most := max(alone)) > MOST_PATTERNS:
        raise ShapleyError(
            f"tree {alone.index(most)} has {most} patterns of turns, at most {MOST_PATTERNS} can be "
            "compiled: train trees of depth 3 or less"
        )
    remaining, groups = list(range(len(trees))), []
    while remaining:
        group = [trees[remaining.pop(0)]]
        while remaining:
            counts = [turns.count(_splits([*group, trees[index]])) for index in remaining]
            # Patterns with it for each of its own; the fewer, the more questions are shared.
            growth = [
                count / alone[index] if count <= MOST_PATTERNS else math.inf
                for count, index in zip(counts, remaining, strict=True)
            ]
            nearest = int(np.argmin(growth))
            if math.isinf(growth[nearest]):
                break
            group.append(trees[remaining.pop(nearest)])
        groups.append(group)
    return groups


Turn: TypeAlias = tuple[bool, ...]
"""One way to turn at several splits; True is left."""


class _Turns:
    """The turns that leads can take at splits of these trees."""

    def __init__(self, trees: Sequence[Tree], columns: NDArray[np.int64]) -> None:
        splits = _splits(trees)
        self.states = tuple(_states(splits, columns))
        self._columns = columns
        self._places: dict[int, list[int]] = {}  # of the states of each column
        for place, state in enumerate(self.states):
            self._places.setdefault(int(columns[state.feature]), []).append(place)
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
            yield State(feature, 1.0)
            continue
        thresholds = sorted({split.threshold for split in splits if split.feature == feature})
        yield from (State(feature, value) for value in (-math.inf, *thresholds, math.nan))


def shapley_values(
    tree: Tree, splits: Sequence[Split], patterns: NDArray[np.bool_]
) -> tuple[list[int], NDArray[np.float64], float]:
    """SHAP values from their definition, over all subsets of the tree's features.

    Returns the encoded features the tree asks about, their values for each pattern, shape (patterns,
    features), and the tree's mean.
    """
    features = list(dict.fromkeys(split.feature for split in _splits([tree])))
    count = len(features)
    # Column s of `expected` belongs to the subset whose members are the bits of s.
    members = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)
    expected = _expected(tree, 0, splits, patterns, dict(zip(features, members.T, strict=True)))
    values = np.zeros((len(patterns), count))
    for index in range(count):
        without = np.flatnonzero(~members[:, index])
        sizes = members[without].sum(axis=1)
        weight = [1 / (count * math.comb(count - 1, int(size))) for size in sizes]
        values[:, index] = (expected[:, without + 2**index] - expected[:, without]) @ weight
    return features, values, float(expected[0, 0])


def _expected(
    tree: Tree,
    node: int,
    splits: Sequence[Split],
    patterns: NDArray[np.bool_],
    known: dict[int, NDArray[np.bool_]],
) -> NDArray[np.float64]:
    """The tree's mean below a node, shape (patterns, subsets); `known` says for each feature in which of
    the subsets it is.
    """
    split = tree.split[node]
    if split is None:
        subsets = len(next(iter(known.values()), np.ones(1)))
        return np.full((len(patterns), subsets), tree.value[node])
    left, right = (
        _expected(tree, child, splits, patterns, known) for child in (tree.left[node], tree.right[node])
    )
    turned = np.where(patterns[:, [splits.index(split)]], left, right)
    share = tree.cover[tree.left[node]] / tree.cover[node]
    return np.where(known[split.feature], turned, share * left + (1 - share) * right)
