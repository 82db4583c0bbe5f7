"""The boosted trees of a fitted pipeline, as XGBoost writes them down."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline


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


def boosted_trees(pipeline: Pipeline) -> list[Tree]:
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


def encoded_columns(pipeline: Pipeline, names: Sequence[str]) -> NDArray[np.int64]:
    """The column that each feature of the pipeline's encoder comes from, by its position in `names`."""
    found: list[int] = []
    for kind, step, columns in pipeline["encode"].transformers_:
        for index, column in enumerate(columns):
            width = len(step.levels_[index]) if kind == "category" else 1
            found.extend([names.index(column)] * width)
    return np.array(found)


def splits_of(trees: Iterable[Tree]) -> list[Split]:
    """The different questions that these trees ask, in their order."""
    return list(dict.fromkeys(split for tree in trees for split in tree.split if split))
