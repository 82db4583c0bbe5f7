"""The served graph: columns -> a lead's rows of the SHAP table -> their sums (docs/reasons.md)."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto
from skl2onnx.common.data_types import FloatTensorType
from sklearn.pipeline import Pipeline

from leadscore.dictionary import Dictionary
from leadscore.training.onnx.conversion import Conversion, Nodes, to_onnx
from leadscore.training.onnx.shap_table import Table, compile_pipeline
from leadscore.training.onnx.tree_ensemble import Branch, Leaf, Node, attributes, bisection

_EXPLANATION: Final = (
    "Leads as raw columns in; their probability of converting and the exact SHAP values of the columns, "
    "in log-odds, out. The model's trees are compiled into a table of integers: a small tree for each "
    "column finds the rows of a lead, whose sum is the answer. docs/reasons.md explains it. "
    "Tested with onnxruntime from 1.16.3 on."
)


def convert(pipeline: Pipeline, dictionary: Dictionary) -> tuple[onnx.ModelProto, float]:
    """The pipeline as the served graph, and the base of its log-odds.

    One (n, 1) input per feature; outputs `probability` of shape (n,) and `contributions` of shape (n,
    features). Raises ShapleyError as `compile_trees` does.
    """
    names = [column.name for column in dictionary.features]
    table = compile_pipeline(pipeline, names)

    def convert_trees(scope: Any, operator: Any, container: Any) -> None:
        _add_table(Nodes(scope, container), operator, table)

    conversion = Conversion(
        levels=_convert_levels,
        trees=convert_trees,
        outputs=[
            ("probability", FloatTensorType([None])),
            ("contributions", FloatTensorType([None, len(names)])),
        ],
        explanation=_EXPLANATION,
    )
    return to_onnx(pipeline, dictionary, conversion), table.base


def _convert_levels(scope: Any, operator: Any, container: Any) -> None:
    """A category becomes the place of its level."""
    nodes, levels = Nodes(scope, container), operator.raw_operator.levels_
    for own, category, encoded in zip(levels, operator.inputs, operator.outputs, strict=True):
        nodes.place(category, own, encoded.onnx_name)


def _add_table(nodes: Nodes, operator: Any, table: Table) -> None:
    """From the encoded columns, shape (n, columns), to the outputs."""
    probability, contributions = operator.output_full_names
    add, (values, size) = nodes.add, table.integers()
    second, unit = nodes.constant("second_axis", [1]), nodes.constant("unit", np.float32(size))

    ensemble = attributes(_trees(table), len(table.starts))
    found = add("TreeEnsembleRegressor", operator.input_full_names, "rows_found", **ensemble)
    rows = add("Cast", [found], "rows", to=TensorProto.INT32)
    looked_up = add("Gather", [nodes.constant("table", values), rows], "values_of_rows", axis=0)
    units = add("ReduceSum", [looked_up, second], "contributions_in_units", keepdims=0)
    shares = add("Cast", [units], "contributions_as_float", to=TensorProto.FLOAT)
    add("Mul", [shares, unit], "contributions", contributions)

    total_units = add("ReduceSum", [units, second], "sum_in_units", keepdims=0)
    total = add("Cast", [total_units], "sum_as_float", to=TensorProto.FLOAT)
    total = add("Mul", [total, unit], "sum")
    log_odds = add("Add", [total, nodes.constant("base", np.float32(table.base))], "log_odds")
    add("Sigmoid", [log_odds], "probability", probability)


def _trees(table: Table) -> Iterator[Node]:
    """For each encoded column a tree from its states to their steps."""
    states = zip(table.states, table.steps, strict=True)
    for column, (_, own) in enumerate(itertools.groupby(states, lambda entry: entry[0].column)):
        found, steps = zip(*own, strict=True)
        if column and not np.any(steps):
            continue  # no tree of the model asks about it
        if found[0].value == -math.inf:  # a number
            *present, missing = steps
            place = bisection(column, [state.value for state in found[1:-1]], present)
            # Nothing is below minus infinity: only what is missing goes that way.
            yield Branch(column, -math.inf, Leaf(missing), place, missing_below=True)
        else:
            yield bisection(column, [place + 0.5 for place in range(len(found) - 1)], steps)
