"""The plain graph: the trees as onnxmltools converts them. It is the witness of the served graph, and
what `export_onnx.py --plain` writes. It gives no reasons and is not served: its sums of floats depend on
threads and runtimes by some 1e-7.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.pipeline import Pipeline

from leadscore.columns import Tensors
from leadscore.dictionary import Dictionary
from leadscore.training.onnx.conversion import Conversion, Nodes, to_onnx

_EXPLANATION: Final = (
    "Leads as raw columns in; label and probabilities out. The label is 1 from a probability of 0.5 on, "
    "whatever the model's threshold. Needs onnxruntime 1.28 or newer. Without reasons: docs/reasons.md."
)


def convert(pipeline: Pipeline, dictionary: Dictionary) -> onnx.ModelProto:
    """The pipeline as the plain graph, whatever the depth of its trees.

    One (n, 1) input per feature; outputs `label` of shape (n,) and `probabilities` of shape (n, 2).
    """
    conversion = Conversion(
        levels=_convert_levels,
        trees=_convert_trees,
        outputs=[
            ("label", Int64TensorType([None])),
            ("probabilities", FloatTensorType([None, 2])),
        ],
        explanation=_EXPLANATION,
    )
    return to_onnx(pipeline, dictionary, conversion)


def scorer(model: onnx.ModelProto) -> Callable[[Tensors], NDArray[np.float64]]:
    """What runs the graph: model inputs -> probabilities of converting, shape (n,)."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # two add up in another order
    session = ort.InferenceSession(model.SerializeToString(), options)
    _, probabilities = (node.name for node in session.get_outputs())

    def run(inputs: Tensors) -> NDArray[np.float64]:
        (found,) = session.run([probabilities], inputs)
        return np.asarray(found[:, 1], np.float64)

    return run


def _convert_levels(scope: Any, operator: Any, container: Any) -> None:
    """A category becomes a feature for each level, 1 for the lead's own."""
    nodes, levels = Nodes(scope, container), operator.raw_operator.levels_
    for own, category, encoded in zip(levels, operator.inputs, operator.outputs, strict=True):
        name = category.raw_name
        places = nodes.constant(f"{name}_levels", np.arange(len(own), dtype=np.float32))
        is_own = nodes.add("Equal", [nodes.place(category, own), places], f"{name}_is_level")
        nodes.add("Cast", [is_own], f"{name}_encoded", encoded.onnx_name, to=TensorProto.FLOAT)


def _convert_trees(scope: Any, operator: Any, container: Any) -> None:
    """A node that onnxmltools writes; calibration scales what it adds up."""
    convert_xgboost(scope, operator, container)
    model, node = operator.raw_operator, container.nodes[-1]
    attributes = {attribute.name: attribute for attribute in node.attribute}
    leaves = attributes["class_weights"].floats
    leaves[:] = [model.slope * leaf for leaf in leaves]
    base = 0.0
    if "base_values" in attributes:
        (base,) = attributes["base_values"].floats
        node.attribute.remove(attributes["base_values"])
    node.attribute.append(helper.make_attribute("base_values", [model.slope * base + model.intercept]))
