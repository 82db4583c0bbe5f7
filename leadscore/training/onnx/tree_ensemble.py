"""Trees that add a row of numbers each, as attributes of ONNX's TreeEnsembleRegressor."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Leaf:
    """What the tree adds to each target, shape (targets,)."""

    adds: NDArray[np.int64]


@dataclass(frozen=True)
class Branch:
    """Whose `column` is below the threshold goes to `below`, and so does who lacks it if
    `missing_below`; all others go to `above`.
    """

    column: int
    threshold: float
    below: "Node"
    above: "Node"
    missing_below: bool = False


Node: TypeAlias = Branch | Leaf


def bisection(column: int, thresholds: Sequence[float], leaves: Sequence[NDArray[np.int64]]) -> Node:
    """The tree that finds a number's place among ascending thresholds; one more leaf than these."""
    if not thresholds:
        return Leaf(leaves[0])
    middle = len(thresholds) // 2
    return Branch(
        column,
        thresholds[middle],
        below=bisection(column, thresholds[:middle], leaves[: middle + 1]),
        above=bisection(column, thresholds[middle + 1 :], leaves[middle + 1 :]),
    )


def attributes(trees: Iterable[Node], targets: int) -> dict[str, Any]:
    """The attributes of a TreeEnsembleRegressor (ai.onnx.ml 3) with one tree for each of these."""
    found: dict[str, Any] = defaultdict(list)
    for number, tree in enumerate(trees):
        _add(found, number, tree, 0)
    return {**found, "n_targets": targets}


def _add(found: dict[str, Any], tree: int, node: Node, place: int) -> int:
    """Add a node and all below it, numbered from `place` on; the next free number."""
    split = node if isinstance(node, Branch) else None
    at = len(found["nodes_nodeids"])
    for name, value in (
        ("treeids", tree),
        ("nodeids", place),
        ("modes", "BRANCH_LT" if split else "LEAF"),
        ("featureids", split.column if split else 0),
        ("values", split.threshold if split else 0.0),
        ("missing_value_tracks_true", int(split.missing_below) if split else 0),
        ("truenodeids", place + 1 if split else 0),
        ("falsenodeids", 0),
    ):
        found[f"nodes_{name}"].append(value)
    if isinstance(node, Branch):
        above = _add(found, tree, node.below, place + 1)
        found["nodes_falsenodeids"][at] = above
        return _add(found, tree, node.above, above)
    # A leaf that adds nothing says so: onnx's reference runtime has no leaf without a weight.
    for target in np.flatnonzero(node.adds).tolist() or [0]:
        found["target_treeids"].append(tree)
        found["target_nodeids"].append(place)
        found["target_ids"].append(target)
        found["target_weights"].append(float(node.adds[target]))
    return place + 1
