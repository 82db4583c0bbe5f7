"""Exact SHAP values of boosted trees, compiled into one table.

The SHAP value of a feature is its average share in the prediction over all orders in which the features
become known (Shapley 1953). For a tree, what is not known yet is averaged over its branches by their
cover, the training leads in them weighted by their Hessian: path-dependent TreeSHAP (Lundberg et al.
2020, doi:10.1038/s42256-019-0138-9), which XGBoost computes for `pred_contribs`.

A lead enters that computation only by the way it turns at each split of the tree. A tree of 8 leaves
has 7 splits, so its leads fall into at most 128 patterns of turns, each with one fixed vector
of SHAP values, folded from encoded features to the columns they come from. So do the leads of a group
of trees with few patterns between them. A lead's turns at the splits on one column depend on its state
there alone: its level, or the thresholds its number lies between. So each state adds a step to the row
of the lead's pattern, and scoring needs no tree any more: look up the steps of a lead's states, add them
up, look up a row of values for each group, add those up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from leadscore.training.errors import TrainingError
from leadscore.training.onnx.shap_values import shapley_values
from leadscore.training.onnx.trees import Tree, boosted_trees, encoded_columns, margin, splits_of
from leadscore.training.onnx.turns import State, Turns

# Of a group of trees. More make a faster graph and a larger file.
MOST_PATTERNS: Final = 512

# Of all groups: rows are added up as float32, exact below this.
MOST_ROWS: Final = 2**24

# Bits of an integer that the largest sum of values may take.
BITS: Final = 30


class ShapleyError(TrainingError):
    """The trees cannot be compiled; the message says why."""


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

    def integers(self) -> tuple[NDArray[np.int32], float]:
        """The values as multiples of a unit, and the unit in log-odds.

        A sum of integers is exact: a lead's is the same in every order of adding, in a batch or alone,
        on any runtime, and so is that of its contributions.
        """
        largest = np.maximum.reduceat(np.abs(self.values).sum(axis=1), self.starts).sum()
        unit = 2.0 ** (math.ceil(math.log2(largest or 1)) - BITS)
        return np.rint(self.values / unit).astype(np.int32), unit


def compile_pipeline(pipeline: Pipeline, names: Sequence[str]) -> Table:
    """Compile the fitted pipeline's trees; the table's columns are in the order of `names`. Raises
    ShapleyError as `compile_trees` does.
    """
    columns = encoded_columns(pipeline, names)
    table = compile_trees(boosted_trees(pipeline), columns, len(names), margin(pipeline))
    # Calibration only rescales the log-odds, so the shares stay exact.
    slope, intercept = pipeline["model"].slope, pipeline["model"].intercept
    return replace(table, values=slope * table.values, base=slope * table.base + intercept)


def compile_trees(trees: Sequence[Tree], columns: NDArray[np.int64], width: int, margin: float) -> Table:
    """Compile boosted trees into a table of the SHAP values of every column.

    `columns`, shape (encoded features,): the column each feature comes from, in one run each. Features
    that share one are its levels: one of them is 1, none is missing. `width`: how many columns.
    `margin`: log-odds before the first tree.

    Raises ShapleyError for a tree with too many patterns of turns, as most of more than 8 leaves have.
    """
    turns = Turns(trees, columns)
    groups = _groups(trees, turns)
    values, base, starts = [], margin, [0]
    steps = np.zeros((len(turns.states), len(groups)), np.int64)
    for number, group in enumerate(groups):
        splits = splits_of(group)
        patterns, steps[:, number] = turns.patterns(splits)
        found = np.zeros((len(patterns), width))
        for tree in group:
            features, shares, mean = shapley_values(tree, splits, patterns)
            found += shares @ np.eye(width)[columns[features]]
            base += mean
        values.append(found)
        starts.append(starts[-1] + len(patterns))
    if starts[-1] > MOST_ROWS:
        raise ShapleyError(
            f"the table has {starts[-1]:,} rows, at most {MOST_ROWS:,}: train fewer trees"
        )
    # Every lead has one state in the first column, and so the start of each group once.
    first_column = [state.column == columns[0] for state in turns.states]
    steps[first_column] += starts[:-1]
    return Table(turns.states, steps, np.vstack(values), tuple(starts[:-1]), base)


def _groups(trees: Sequence[Tree], turns: Turns) -> list[list[Tree]]:
    """Put trees together while their patterns stay few: each time the one that shares the most."""
    alone = [turns.count(splits_of([tree])) for tree in trees]
    if (most := max(alone)) > MOST_PATTERNS:
        raise ShapleyError(
            f"tree {alone.index(most)} has {most} patterns of turns, at most {MOST_PATTERNS} can be "
            "compiled into exact reasons: train trees of 8 leaves or fewer, or write the plain graph, "
            "without reasons, by export_onnx.py --plain"
        )
    remaining, groups = list(range(len(trees))), []
    while remaining:
        group = [trees[remaining.pop(0)]]
        while remaining:
            counts = [turns.count(splits_of([*group, trees[index]])) for index in remaining]
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
