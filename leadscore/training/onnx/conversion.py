"""The fitted pipeline through skl2onnx: what the served graph and the plain one have in common.

skl2onnx walks the pipeline: a parser declares what a step reads and gives, a shape calculator says of
what shape that is, a converter writes its nodes. Ours are for one call each and registered nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from leadscore.card import MODEL
from leadscore.dictionary import Dictionary
from leadscore.training.encoder import LevelEncoder, NumberFiller
from leadscore.training.models import CalibratedXGBClassifier

# Read by every runtime since 2023.
OPSETS: Final = {"": 18, "ai.onnx.ml": 3}

_TYPES: Final = {"number": FloatTensorType, "category": StringTensorType}


class Nodes:
    """Adds nodes to a graph that skl2onnx is making, under names that nothing else there has."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def add(
        self, kind: str, inputs: Sequence[str], name: str, output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node called after what it gives, which gets that name, too, if it has none."""
        given: str = output or self._scope.get_unique_variable_name(name)
        self._container.add_node(
            kind,
            list(inputs),
            [given],
            op_domain="ai.onnx.ml" if onnx.defs.has(kind, "ai.onnx.ml") else "",
            name=self._scope.get_unique_operator_name(name),
            **attributes,
        )
        return given

    def constant(self, name: str, value: Any) -> str:
        """Add an array or number; the name it got."""
        given: str = self._scope.get_unique_variable_name(name)
        self._container.add_initializer(given, None, None, numpy_helper.from_array(np.asarray(value)))
        return given

    def place(self, category: Any, levels: Sequence[str], output: str | None = None) -> str:
        """Add the place of a category's level, shape (n, 1), float32; an unseen one has the first's."""
        return self.add(
            "LabelEncoder",
            [category.onnx_name],
            f"{category.raw_name}_level",
            output,
            keys_strings=levels,
            values_floats=[float(place) for place in range(len(levels))],
            default_float=0.0,
        )


Converter: TypeAlias = Callable[[Any, Any, Any], None]
"""Writes the nodes of a step: (scope, operator, container), as skl2onnx calls it."""


@dataclass(frozen=True)
class Conversion:
    """How one graph is made: what becomes of levels and of trees, what it gives, in name and type, and
    what it says of itself.
    """

    levels: Converter
    trees: Converter
    outputs: Sequence[tuple[str, Any]]
    explanation: str


def to_onnx(pipeline: Pipeline, dictionary: Dictionary, conversion: Conversion) -> onnx.ModelProto:
    """Convert the pipeline: an (n, 1) input for each feature, and the outputs. A column may have any
    name: names inside the graph give way to it, and an output of the same name gets an underscore.
    """
    converters = {
        LevelEncoder: conversion.levels,
        NumberFiller: _convert_numbers,
        CalibratedXGBClassifier: conversion.trees,
    }
    model: onnx.ModelProto = convert_sklearn(
        pipeline,
        name=MODEL,
        initial_types=[(c.name, _TYPES[c.kind]([None, 1])) for c in dictionary.features],
        doc_string=conversion.explanation,
        target_opset=OPSETS,
        custom_parsers={
            ColumnTransformer: _parse_columns,
            CalibratedXGBClassifier: _parser_of_trees(conversion.outputs),
        },
        custom_shape_calculators=dict.fromkeys(converters, _keep_declared_shapes),
        custom_conversion_functions=converters,
    )
    # skl2onnx fills these from a set, whose order depends on the hash seed.
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(*opset) for opset in OPSETS.items())
    # Nor does it take a name for a dimension.
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "leads"
    onnx.checker.check_model(model, full_check=True)
    return model


def _parse_columns(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Each step gets its columns one by one, where skl2onnx would join them first, and gives as many."""
    columns = {variable.raw_name: variable for variable in inputs}
    joined = scope.declare_local_operator("SklearnConcat")
    for _, step, names in model.transformers_:
        operator = scope.declare_local_operator(type(step).__name__, step)
        operator.inputs = [columns[name] for name in names]
        for name in names:
            encoded = scope.declare_local_variable(f"{name}_encoded", FloatTensorType([None, None]))
            operator.outputs.append(encoded)
            joined.inputs.append(encoded)
    joined.outputs.append(scope.declare_local_variable("encoded", FloatTensorType([None, None])))
    return joined.outputs


def _parser_of_trees(outputs: Sequence[tuple[str, Any]]) -> Callable[..., Any]:
    def parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
        operator = scope.declare_local_operator(type(model).__name__, model)
        operator.inputs = inputs
        for name, kind in outputs:
            free = name
            while scope.has_variable_name(free):
                free += "_"
            operator.outputs.append(scope.declare_local_variable(free, kind))
        return operator.outputs

    return parse


def _keep_declared_shapes(operator: Any) -> None:
    """The parsers have declared them."""


def _convert_numbers(scope: Any, operator: Any, container: Any) -> None:
    """An Imputer for a column whose missing values are filled, nothing for another."""
    nodes = Nodes(scope, container)
    medians = operator.raw_operator.medians_.tolist()
    for median, number, filled in zip(medians, operator.inputs, operator.outputs, strict=True):
        ends: dict[str, Any] = {"inputs": [number.onnx_name], "output": filled.onnx_name}
        if np.isnan(median):
            nodes.add("Identity", name=f"{number.raw_name}_as_it_is", **ends)  # skl2onnx takes it out
        else:
            nodes.add(
                "Imputer",
                name=f"{number.raw_name}_filled",
                imputed_value_floats=[median],
                replaced_value_float=np.nan,
                **ends,
            )
