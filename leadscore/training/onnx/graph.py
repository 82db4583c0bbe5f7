"""A fitted pipeline as an ONNX graph: raw columns -> states -> rows of the SHAP table -> sums."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.pipeline import Pipeline

from leadscore.card import MODEL
from leadscore.columns import Dictionary
from leadscore.training.onnx.shap_table import Table, compile_pipeline

# Read by every runtime since 2023.
OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
IR_VERSION: Final = 8

_KINDS: Final = {"number": TensorProto.FLOAT, "category": TensorProto.STRING}


class Node(NamedTuple):
    """A node of a tree: what is below `value` goes to the node `below`, all else to `above`; what is
    missing goes below if `missing_below`. A leaf's `value` is what it adds.
    """

    mode: str
    feature: int
    value: float
    missing_below: int
    below: int
    above: int

    @classmethod
    def leaf(cls, value: float) -> "Node":
        """A node without children."""
        return cls("LEAF", 0, value, 0, 0, 0)


def convert(pipeline: Pipeline, dictionary: Dictionary) -> tuple[onnx.ModelProto, float]:
    """The pipeline as a graph, and the base of its log-odds.

    One (n, 1) input per feature; outputs `probability` of shape (n,) and `contributions` of shape (n,
    features).
    """
    names = [column.name for column in dictionary.features]
    table = compile_pipeline(pipeline, names)
    nodes, constants = _sums(table, len(names))
    value_info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [*_states(pipeline, table), *nodes],
        MODEL,
        [value_info(c.name, _KINDS[c.kind], ["leads", 1]) for c in dictionary.features],
        [
            value_info("probability", TensorProto.FLOAT, ["leads"]),
            value_info("contributions", TensorProto.FLOAT, ["leads", len(names)]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model, table.base


def tree_ensemble(
    source: str, output: str, trees: Sequence[Sequence[Node]], targets: Sequence[int]
) -> onnx.NodeProto:
    """A TreeEnsembleRegressor (ai.onnx.ml 3); `targets`: which output column each tree adds to."""
    nodes = [(tree, place, node) for tree, found in enumerate(trees) for place, node in enumerate(found)]
    leaves = [entry for entry in nodes if entry[2].mode == "LEAF"]
    attributes: dict[str, Any] = {
        "nodes_treeids": [tree for tree, _, _ in nodes],
        "nodes_nodeids": [place for _, place, _ in nodes],
        "nodes_modes": [node.mode for *_, node in nodes],
        "nodes_featureids": [node.feature for *_, node in nodes],
        "nodes_values": [node.value for *_, node in nodes],
        "nodes_missing_value_tracks_true": [node.missing_below for *_, node in nodes],
        "nodes_truenodeids": [node.below for *_, node in nodes],
        "nodes_falsenodeids": [node.above for *_, node in nodes],
        "target_treeids": [tree for tree, _, _ in leaves],
        "target_nodeids": [place for _, place, _ in leaves],
        "target_ids": [targets[tree] for tree, _, _ in leaves],
        "target_weights": [node.value for *_, node in leaves],
    }
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [output],
        domain="ai.onnx.ml",
        n_targets=max(targets) + 1,
        **attributes,
    )


def _states(pipeline: Pipeline, table: Table) -> list[onnx.NodeProto]:
    """Nodes from the inputs to `states`, shape (n, columns): the table's state of each column."""
    steps = {kind: (step, columns) for kind, step, columns in pipeline["encode"].transformers_}
    encoder, categories = steps.get("category", (None, []))
    filler, numbers = steps.get("number", (None, []))
    nodes, feature = [], 0
    for column, name in enumerate(categories):
        levels = encoder.levels_[column]
        nodes.append(_level_states(name, levels, table.first(feature)))
        feature += len(levels)
    states = [f"{name}_state" for name in categories]
    if numbers:
        trees = [
            _places(number, table.first(f), table.thresholds(f), float(filler.medians_[number]))
            for number, f in enumerate(range(feature, feature + len(numbers)))
        ]
        nodes += [
            helper.make_node("Concat", numbers, ["numbers"], axis=1),
            tree_ensemble("numbers", "places", trees, range(len(trees))),
            helper.make_node("Cast", ["places"], ["number_states"], to=TensorProto.INT64),
        ]
        states.append("number_states")
    return [*nodes, helper.make_node("Concat", states, ["states"], axis=1)]


def _level_states(name: str, levels: Sequence[str], first: int) -> onnx.NodeProto:
    """A node from a category to its level's state; an unseen level has the first one's."""
    return helper.make_node(
        "LabelEncoder",
        [name],
        [f"{name}_state"],
        domain="ai.onnx.ml",
        keys_strings=levels,
        values_int64s=range(first, first + len(levels)),
        default_int64=first,
    )


def _places(number: int, first: int, thresholds: Sequence[float], median: float) -> list[Node]:
    """A tree from a number to its place: `first` below all thresholds, and one more for each that it
    reaches. That of a missing number is its median's or, if this is NaN, the one after all others.
    """
    reached = len(thresholds) + 1 if math.isnan(median) else bisect_right(thresholds, median)
    # Nothing is below minus infinity: only what is missing goes that way.
    nodes = [Node("BRANCH_LT", number, -math.inf, 1, 1, 2), Node.leaf(float(first + reached))]
    _bisect(nodes, number, thresholds, first)
    return nodes


def _bisect(nodes: list[Node], number: int, thresholds: Sequence[float], first: int) -> int:
    """Add the nodes that find a number's place among thresholds; the first of them."""
    node = len(nodes)
    nodes.append(Node.leaf(float(first)))
    if thresholds:
        middle = len(thresholds) // 2
        below = _bisect(nodes, number, thresholds[:middle], first)
        above = _bisect(nodes, number, thresholds[middle + 1 :], first + middle + 1)
        nodes[node] = Node("BRANCH_LT", number, thresholds[middle], 0, below, above)
    return node


def _sums(table: Table, columns: int) -> tuple[list[onnx.NodeProto], dict[str, NDArray[Any]]]:
    """Nodes from `states` to the outputs, and their constants."""
    values, unit = table.integers()
    nodes = [
        helper.make_node("Gather", ["steps", "states"], ["steps_of_lead"], axis=0),
        helper.make_node("ReduceSum", ["steps_of_lead", "second"], ["rows"], keepdims=0),
        helper.make_node("Gather", ["values", "rows"], ["values_of_lead"], axis=0),
        helper.make_node("ReduceSum", ["values_of_lead", "second"], ["units"], keepdims=0),
        helper.make_node("Cast", ["units"], ["units_as_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["units_as_float", "unit"], ["shares_and_sum"]),
        helper.make_node("Split", ["shares_and_sum", "widths"], ["contributions", "sum"], axis=1),
        helper.make_node("Squeeze", ["sum", "second"], ["sum_of_lead"]),
        helper.make_node("Add", ["sum_of_lead", "base"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["probability"]),
    ]
    return nodes, {
        "steps": table.steps.astype(np.int32),
        "values": values,
        "second": np.array([1]),
        "unit": np.array(unit, dtype=np.float32),
        "widths": np.array([columns, 1]),
        "base": np.array(table.base, dtype=np.float32),
    }
