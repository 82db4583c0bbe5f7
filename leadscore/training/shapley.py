"""Exact SHAP values of boosted trees, compiled into one ONNX tree ensemble.

The SHAP value of a feature is its average share in the prediction over all orders in which the features
become known (Shapley 1953). For a tree, what is not known yet is averaged over its branches by the
training leads in them: path-dependent TreeSHAP (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9),
which XGBoost computes for `pred_contribs`.

A lead enters that computation only by the way it turns at each split of the tree. A tree of depth 3
has at most 7 splits, so its leads fall into at most 128 patterns of turns, each with one fixed vector
of SHAP values. A tree can therefore be rewritten as a decision tree over its own splits whose leaves
hold these vectors, folded from encoded features to the columns they come from. So can a group of trees
with few patterns between them, which saves asking the same question twice. All groups together are one
ONNX `TreeEnsembleRegressor` with one target per column, and one for their sum.
"""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

# Of a group of trees. More make a faster graph and a larger file.
MOST_PATTERNS: Final = 256

NEGLIGIBLE: Final = 1e-12  # log-odds; rounding between patterns that are really alike


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


@dataclass
class Ensemble:
    """An ONNX tree ensemble in the making: the rows of its `nodes_*` and `target_*` attributes.

    Its targets are the columns' contributions and, last, their sum; `base` plus that sum are a lead's
    log-odds. (Summed up later, equal leads could come out different: a vectorised sum adds in an order
    that depends on the row.)
    """

    targets: int
    base: float
    nodes: list[tuple[Any, ...]] = field(default_factory=list)
    leaves: list[tuple[int, int, int, float]] = field(default_factory=list)

    def attributes(self) -> dict[str, Any]:
        """The attributes of the `TreeEnsembleRegressor` (ai.onnx.ml 3)."""
        nodes = zip(_NODE, zip(*self.nodes, strict=True), strict=True)
        leaves = zip(_LEAF, zip(*self.leaves, strict=True), strict=True)
        return {
            "n_targets": self.targets,
            **{f"nodes_{name}": list(values) for name, values in nodes},
            **{f"target_{name}": list(values) for name, values in leaves},
        }


_NODE: Final = (
    *("treeids", "nodeids", "modes", "featureids", "values"),
    *("missing_value_tracks_true", "truenodeids", "falsenodeids"),
)
_LEAF: Final = ("treeids", "nodeids", "ids", "weights")


def compile_pipeline(pipeline: Pipeline, names: Sequence[str]) -> Ensemble:
    """Compile the fitted pipeline's trees. The ensemble reads what the pipeline's encoder gives, and its
    targets are the columns in the order of `names`, and their sum. Raises ShapleyError as
    `compile_trees` does.
    """
    start = float(_learner(pipeline)["learner_model_param"]["base_score"].strip("[]"))
    columns = encoded_columns(pipeline, names)
    ensemble = compile_trees(trees(pipeline), columns, len(names), math.log(start / (1 - start)))
    # Calibration only rescales the log-odds, so the shares stay exact.
    slope, intercept = pipeline["model"].slope, pipeline["model"].intercept
    ensemble.base = slope * ensemble.base + intercept
    ensemble.leaves = [(*leaf[:3], slope * leaf[3]) for leaf in ensemble.leaves]
    return ensemble


def trees(pipeline: Pipeline) -> list[Tree]:
    """The boosted trees of a fitted pipeline."""
    return [Tree.from_xgboost(t) for t in _learner(pipeline)["gradient_booster"]["model"]["trees"]]


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


def compile_trees(
    trees: Sequence[Tree], columns: NDArray[np.int64], width: int, margin: float
) -> Ensemble:
    """Compile boosted trees into one ensemble that computes the SHAP values of every column.

    `columns`, shape (encoded features,): the column each feature comes from. Features that share one
    are its levels: at most one of them is 1, none is missing. `width`: how many columns. `margin`:
    log-odds before the first tree.

    Raises ShapleyError for a tree with too many patterns of turns, as most deeper than 3 have.
    """
    ensemble = Ensemble(width + 1, margin)
    for number, group in enumerate(_groups(trees, columns)):
        splits = _splits(group)
        patterns = _patterns(splits, columns)
        values = np.zeros((len(patterns), width))
        for tree in group:
            features, shares, mean = shapley_values(tree, splits, patterns)
            values += shares @ np.eye(width)[columns[features]]
            ensemble.base += mean
        total = values.sum(axis=1, keepdims=True)
        _grow(number, splits, patterns, np.hstack([values, total]), ensemble)
    return ensemble


def _splits(trees: Sequence[Tree]) -> list[Split]:
    return list(dict.fromkeys(split for tree in trees for split in tree.split if split))


def _groups(trees: Sequence[Tree], columns: NDArray[np.int64]) -> list[list[Tree]]:
    """Put trees together while their patterns stay few: each time the one that shares the most."""
    alone = [_count(_splits([tree]), columns) for tree in trees]
    if (most := max(alone)) > MOST_PATTERNS:
        raise ShapleyError(
            f"tree {alone.index(most)} has {most} patterns of turns, at most {MOST_PATTERNS} can be "
            "compiled: train trees of depth 3 or less"
        )
    remaining, groups = list(range(len(trees))), []
    while remaining:
        group = [trees[remaining.pop(0)]]
        while remaining:
            counts = [_count(_splits([*group, trees[index]]), columns) for index in remaining]
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


def _count(splits: Sequence[Split], columns: NDArray[np.int64]) -> int:
    return math.prod(len(turns) for _, turns in _turns(splits, columns))


def _patterns(splits: Sequence[Split], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every way a lead can turn at these splits, shape (patterns, splits); True is left."""
    by_column = _turns(splits, columns)
    combined = list(itertools.product(*(range(len(turns)) for _, turns in by_column)))
    patterns = np.zeros((len(combined), len(splits)), dtype=bool)
    for position, (indices, turns) in enumerate(by_column):
        patterns[:, indices] = np.array(turns)[[states[position] for states in combined]]
    return patterns


def _turns(
    splits: Sequence[Split], columns: NDArray[np.int64]
) -> list[tuple[list[int], list[tuple[bool, ...]]]]:
    """For each column: which of the splits ask about it, and every way to turn at them together."""
    by_column: dict[int, list[int]] = {}
    for index, split in enumerate(splits):
        by_column.setdefault(int(columns[split.feature]), []).append(index)
    levels = np.bincount(columns)
    return [
        (indices, (_level_turns if levels[column] > 1 else _number_turns)([splits[i] for i in indices]))
        for column, indices in by_column.items()
    ]


def _number_turns(splits: Sequence[Split]) -> list[tuple[bool, ...]]:
    """The turns of a number: below all thresholds, from each one on, and missing."""
    values = [-math.inf, *sorted({split.threshold for split in splits})]
    turns = [tuple(value < split.threshold for split in splits) for value in values]
    return list(dict.fromkeys([*turns, tuple(split.missing_goes_left for split in splits)]))


def _level_turns(splits: Sequence[Split]) -> list[tuple[bool, ...]]:
    """The turns of a category: none of the features asked about is 1, or one of them is."""
    levels = [None, *sorted({split.feature for split in splits})]
    turns = [tuple((split.feature == one) < split.threshold for split in splits) for one in levels]
    return list(dict.fromkeys(turns))


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


def _grow(
    number: int,
    splits: Sequence[Split],
    patterns: NDArray[np.bool_],
    values: NDArray[np.float64],
    ensemble: Ensemble,
) -> None:
    """Add the decision tree that leads each pattern to its values."""
    nodes: list[tuple[Any, ...]] = []

    def grow(rows: NDArray[np.int64]) -> int:
        node = len(nodes)
        nodes.append((number, node, "LEAF", 0, 0.0, 0, 0, 0))
        if np.ptp(values[rows], axis=0).max() < NEGLIGIBLE:
            shares = [(number, node, target, float(v)) for target, v in enumerate(values[rows[0]]) if v]
            ensemble.leaves.extend(shares or [(number, node, 0, 0.0)])
            return node
        # The question that comes closest to halving the patterns left.
        ask = int(np.argmin(np.abs(patterns[rows].mean(axis=0) - 0.5)))
        split, left = splits[ask], patterns[rows, ask]
        nodes[node] = (
            *(number, node, "BRANCH_LT", split.feature, split.threshold, int(split.missing_goes_left)),
            *(grow(rows[left]), grow(rows[~left])),
        )
        return node

    grow(np.arange(len(patterns)))
    ensemble.nodes.extend(nodes)
