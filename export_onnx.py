"""Turn a fitted pipeline and its card into one ONNX file, and refuse what does not match the pipeline.

    python export_onnx.py models/pipeline.joblib out.onnx
    python export_onnx.py models/pipeline.joblib out.onnx --data "Lead Scoring.csv"

The graph reads raw columns: missing values, unseen levels, encoding and trees are all inside. Only load
a pipeline.joblib you trust: it is a pickle, and loading one runs code.
"""

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import joblib
import numpy as np
import onnx
import pandas as pd
from onnx import helper, numpy_helper
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier

from leadscore.card import METADATA_KEY, MODEL, Card
from leadscore.columns import Dictionary
from leadscore.scorer import Scorer
from leadscore.training import dataset, parity, reference
from leadscore.training.files import replace_file

# 18 is read by every runtime since 2023; ai.onnx.ml 3 is the newest whose tree operator the converter
# writes.
OPSETS: Final = {"": 18, "ai.onnx.ml": 3}

# Of adversarial and golden leads: the same pipeline gives the same file.
SEED: Final = 0

update_registered_converter(
    XGBClassifier,
    "XGBoostXGBClassifier",
    calculate_linear_classifier_output_shapes,
    convert_xgboost,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)


def export(pipeline: Pipeline, card: Card, features: pd.DataFrame) -> tuple[bytes, Card]:
    """Convert, verify and seal: the bytes of the ONNX file, and the card in it.

    `card` is complete but for `version`, `golden` and `parity`, which are measured here; `features` are
    leads to check parity on, beside adversarial ones. The same input gives the same bytes.

    Raises ParityError when the graph does not compute what the pipeline computes.
    """
    graph = convert(pipeline, card.dictionary)
    card = replace(card, golden=reference.golden(pipeline, card.dictionary, card.reference, SEED))
    found = parity.check(pipeline, Scorer(seal(graph, card)), features, SEED)
    card = replace(card, parity=found.to_dict())
    card = replace(card, version=hashlib.sha256(seal(graph, card)).hexdigest()[:12])
    model = seal(graph, card)
    Scorer(model)
    return model, card


def convert(pipeline: Pipeline, dictionary: Dictionary) -> onnx.ModelProto:
    """The pipeline as a graph: one (n, 1) input per feature, one output `probability` of shape (n,)."""
    if len(parity.trees(pipeline)[0]["left_children"]) == 1:
        raise parity.ParityError(
            "the first tree does not split, which the converter gets wrong: the leads say too little"
        )
    kinds = {"number": FloatTensorType, "category": StringTensorType}
    model: onnx.ModelProto = convert_sklearn(
        pipeline,
        name=MODEL,
        initial_types=[(c.name, kinds[c.kind]([None, 1])) for c in dictionary.features],
        target_opset=OPSETS,
        options={"zipmap": False},
    )
    # The converter lists them in the order of a set: other bytes in every process.
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    _keep_only_probability(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _keep_only_probability(graph: onnx.GraphProto) -> None:
    """Replace the classifier's outputs (label; both outcomes' probabilities) by that of converting."""
    both = graph.output[1].name
    converting = numpy_helper.from_array(np.array(1, dtype=np.int64), "converting")
    graph.initializer.append(converting)
    graph.node.append(helper.make_node("Gather", [both, "converting"], ["probability"], axis=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("probability", onnx.TensorProto.FLOAT, ["leads"]))


def seal(graph: onnx.ModelProto, card: Card) -> bytes:
    """The file's bytes with the card in the metadata."""
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    model.producer_name, model.doc_string = "leadscore", ""
    helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def main() -> None:
    """Read the options, export, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", type=Path, help="the pipeline.joblib that train.py saved")
    parser.add_argument("output", type=Path, help="the ONNX file to write")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(__file__).with_name("data") / "leads.csv",
        help="leads to check parity on (default: %(default)s)",
    )
    arguments = parser.parse_args()
    try:
        pipeline = joblib.load(arguments.pipeline)
        card: Card = pipeline.card_
        leads = dataset.load(arguments.data, card.dictionary)
        model, card = export(pipeline, card, leads.features)
    except (OSError, AttributeError, dataset.DataError, parity.ParityError) as error:
        sys.exit(f"nothing written: {error}")
    replace_file(arguments.output, model)
    print(
        f"{arguments.output}: model {card.version}, {len(model) / 1e6:.2f} MB. Largest difference to "
        f"the pipeline: {card.parity['largest_difference']:.1e} over {card.parity['leads']} leads and "
        f"{card.parity['adversarial_leads']} adversarial ones."
    )


if __name__ == "__main__":
    main()
