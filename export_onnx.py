"""Turn a fitted pipeline and its card into one ONNX file, and refuse what does not match the pipeline.

    python export_onnx.py models/pipeline.joblib out.onnx
    python export_onnx.py models/pipeline.joblib out.onnx --data "Lead Scoring.csv"

The graph reads raw columns: missing values, unseen levels, encoding,
trees and exact reasons are all inside. Only load
a pipeline.joblib you trust: it is a pickle, and loading one runs code.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.pipeline import Pipeline

from leadscore.card import METADATA_KEY, MODEL, Card, version_of
from leadscore.columns import Dictionary
from leadscore.scorer import Scorer
from leadscore.training import dataset, parity, reference, shapley
from leadscore.training.files import replace_file

# Read by every runtime since 2023.
OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
IR_VERSION: Final = 8

# Of adversarial and golden leads: the same pipeline gives the same file.
SEED: Final = 0


def export(pipeline: Pipeline, card: Card, features: pd.DataFrame) -> tuple[bytes, Card]:
    """Convert, verify and seal: the bytes of the ONNX file, and the card in it.

    `card` is complete but for `version`, `base`, `golden` and `parity`, which are found here; `features`
    are leads to check parity on, beside adversarial ones. The same input gives the same bytes.

    Raises ParityError when the graph does not compute what the pipeline computes, ShapleyError when the
    trees are too deep to compile.
    """
    graph, base = convert(pipeline, card.dictionary)
    golden = reference.golden(pipeline, card.dictionary, card.reference, SEED)
    card = replace(card, base=base, golden=golden)
    found = parity.check(pipeline, Scorer(seal(graph, card)), features, SEED)
    card = replace(card, parity=found.to_dict())
    card = replace(card, version=version_of(seal(graph, card)))
    model = seal(graph, card)
    Scorer(model)
    return model, card


def convert(pipeline: Pipeline, dictionary: Dictionary) -> tuple[onnx.ModelProto, float]:
    """The pipeline as a graph, and the base of its log-odds.

    One (n, 1) input per feature; outputs `probability` of shape (n,) and `contributions` of shape (n,
    features). Both come from one tree ensemble: a second one for the bare probability would be a
    third faster, and the sum of the contributions could then differ from it.
    """
    names = [column.name for column in dictionary.features]
    ensemble = shapley.compile_pipeline(pipeline, names)
    nodes, constants = _encoding(pipeline)
    kinds = {"number": TensorProto.FLOAT, "category": TensorProto.STRING}
    columns = ensemble.targets - 1
    graph = helper.make_graph(
        [*nodes, *_trees(ensemble)],
        MODEL,
        [
            helper.make_tensor_value_info(c.name, kinds[c.kind], ["leads", 1])
            for c in dictionary.features
        ],
        [
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["leads"]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, ["leads", columns]),
        ],
        [
            numpy_helper.from_array(value, name)
            for name, value in {
                **constants,
                "widths": np.array([columns, 1], dtype=np.int64),
                "column_axis": np.array([1], dtype=np.int64),
                "base": np.array(ensemble.base, dtype=np.float32),
            }.items()
        ],
    )
    opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model, ensemble.base


def _encoding(pipeline: Pipeline) -> tuple[list[onnx.NodeProto], dict[str, NDArray[Any]]]:
    """Nodes from the inputs to `encoded`, which is what the pipeline's encoder gives, and constants.

    Each category becomes the position of its level among the levels of all columns; a feature is 1 where
    its own position is the one of its column.
    """
    steps = {kind: (step, columns) for kind, step, columns in pipeline["encode"].transformers_}
    encoder, categories = steps.get("category", (None, []))
    _, numbers = steps.get("number", (None, []))
    if not categories:
        return [helper.make_node("Concat", numbers, ["encoded"], axis=1)], {}
    widths = [len(levels) for levels in encoder.levels_]
    starts = np.cumsum([0, *widths])
    nodes = [
        helper.make_node(
            "LabelEncoder",
            [name],
            [f"{name}_position"],
            domain="ai.onnx.ml",
            keys_strings=levels,
            values_int64s=range(start, start + len(levels)),
            default_int64=start,
        )
        for name, levels, start in zip(categories, encoder.levels_, starts.tolist(), strict=False)
    ]
    positions = [f"{name}_position" for name in categories]
    nodes += [
        helper.make_node("Concat", positions, ["positions"], axis=1),
        helper.make_node("Gather", ["positions", "column_of_level"], ["own"], axis=1),
        helper.make_node("Equal", ["own", "position_of_level"], ["is_own"]),
        helper.make_node("Cast", ["is_own"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["levels", *numbers], ["encoded"], axis=1),
    ]
    return nodes, {
        "column_of_level": np.repeat(np.arange(len(widths)), widths),
        "position_of_level": np.arange(starts[-1])[None, :],
    }


def _trees(ensemble: shapley.Ensemble) -> list[onnx.NodeProto]:
    """Nodes from `encoded` to the outputs: contributions and their sum, then the probability."""
    attributes = {"domain": "ai.onnx.ml", **ensemble.attributes()}
    return [
        helper.make_node("TreeEnsembleRegressor", ["encoded"], ["shares_and_sum"], **attributes),
        helper.make_node("Split", ["shares_and_sum", "widths"], ["contributions", "sum"], axis=1),
        helper.make_node("Squeeze", ["sum", "column_axis"], ["sum_of_lead"]),
        helper.make_node("Add", ["sum_of_lead", "base"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["probability"]),
    ]


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
    except (
        OSError,
        AttributeError,
        dataset.DataError,
        parity.ParityError,
        shapley.ShapleyError,
    ) as error:
        sys.exit(f"nothing written: {error}")
    replace_file(arguments.output, model)
    print(
        f"{arguments.output}: model {card.version}, {len(model) / 1e6:.2f} MB. Largest difference to "
        f"the pipeline: {card.parity['largest_difference']:.1e} over {card.parity['leads']} leads and "
        f"{card.parity['adversarial_leads']} adversarial ones."
    )


if __name__ == "__main__":
    main()
