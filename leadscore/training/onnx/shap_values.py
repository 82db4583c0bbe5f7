"""SHAP values: from their definition, of a tree's patterns of turns, and as XGBoost computes them."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from leadscore.training.onnx.trees import Split, Tree, encoded_columns, splits_of


def contributions(pipeline: Pipeline, features: pd.DataFrame) -> NDArray[np.float64]:
    """SHAP values as XGBoost computes them, folded to columns, shape (n, columns of `features`)."""
    encoded = xgboost.DMatrix(pipeline["encode"].transform(features))
    shares = pipeline["model"].get_booster().predict(encoded, pred_contribs=True)[:, :-1]
    columns = encoded_columns(pipeline, list(features.columns))
    folded: NDArray[np.float64] = shares @ np.eye(features.shape[1])[columns]
    return np.asarray(folded * pipeline["model"].slope)


def shapley_values(
    tree: Tree, splits: Sequence[Split], patterns: NDArray[np.bool_]
) -> tuple[list[int], NDArray[np.float64], float]:
    """SHAP values from their definition, over all subsets of the tree's features.

    Returns the encoded features the tree asks about, their values for each pattern, shape (patterns,
    features), and the tree's mean.
    """
    features = list(dict.fromkeys(split.feature for split in splits_of([tree])))
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
