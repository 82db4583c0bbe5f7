"""Turn a fitted pipeline and its card into one ONNX file, and refuse what does not match the pipeline.

    python export_onnx.py models/pipeline.joblib out.onnx
    python export_onnx.py models/pipeline.joblib out.onnx --data "Lead Scoring.csv"

The graph reads raw columns: missing values, unseen levels,
encoding, trees and exact reasons are all inside. Only load
a pipeline.joblib you trust: it is a pickle, and loading one runs code.
"""

import argparse
import math
import sys
from bisect import bisect_right
from collections.abc import Sequence
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
from leadscore.scorer import ModelError, Scorer
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
    try:
        scorer = Scorer(seal(graph, card))
    except ModelError as error:  # it does not reproduce the golden leads
        raise parity.ParityError(str(error)) from None
    found = parity.check(pipeline, scorer, features, SEED)
    card = replace(card, parity=found.to_dict())
    card = replace(card, version=version_of(seal(graph, card)))
    model = seal(graph, card)
    Scorer(model)
    return model, card


def convert(pipeline: Pipeline, dictionary: Dictionary) -> tuple[onnx.ModelProto, float]:
    """The pipeline as a graph, and the base of its log-odds.

    One (n, 1) input per feature; outputs `probability` of shape (n,) and `contributions` of shape (n,
    features).
    """
    names = [column.name for column in dictionary.features]
    table = shapley.compile_pipeline(pipeline, names)
    nodes, constants = _lookup(table, len(names))
    kinds = {"number": TensorProto.FLOAT, "category": TensorProto.STRING}
    graph = helper.make_graph(
        [*_states(pipeline, table), *nodes],
        MODEL,
        [
            helper.make_tensor_value_info(c.name, kinds[c.kind], ["leads", 1])
            for c in dictionary.features
        ],
        [
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["leads"]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, ["leads", len(names)]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model, table.base


def _states(pipeline: Pipeline, table: shapley.Table) -> list[onnx.NodeProto]:
    """Nodes from the inputs to `states`, shape (n, columns): the table's state of each column."""
    steps = {kind: (step, columns) for kind, step, columns in pipeline["encode"].transformers_}
    encoder, categories = steps.get("category", (None, []))
    filler, numbers = steps.get("number", (None, []))
    nodes, feature = [], 0
    for place, name in enumerate(categories):
        levels = encoder.levels_[place]
        first = table.first(feature)
        nodes.append(
            helper.make_node(
                "LabelEncoder",
                [name],
                [f"{name}_state"],
                domain="ai.onnx.ml",
                keys_strings=levels,
                values_int64s=range(first, first + len(levels)),
                default_int64=first,
            )
        )
        feature += len(levels)
    states = [f"{name}_state" for name in categories]
    if numbers:
        asked = [
            (table.first(f), table.thresholds(f), float(median))
            for f, median in enumerate(filler.medians_, feature)
        ]
        nodes += [
            helper.make_node("Concat", numbers, ["numbers"], axis=1),
            _between_thresholds(asked),
            helper.make_node("Cast", ["places"], ["number_states"], to=TensorProto.INT64),
        ]
        states.append("number_states")
    return [*nodes, helper.make_node("Concat", states, ["states"], axis=1)]


def _between_thresholds(asked: Sequence[tuple[int, Sequence[float], float]]) -> onnx.NodeProto:
    """A node from `numbers` to `places`, shape (n, numbers) each.

    `asked`: (first, thresholds, median) of each number. Its place is `first` below all thresholds, and
    one more for each that it reaches. That of a missing number is its median's or, if this is NaN, the
    one after all others.
    """
    nodes: list[tuple[Any, ...]] = []
    for number, (first, thresholds, median) in enumerate(asked):
        tree: list[tuple[Any, ...]] = [()]
        reached = len(thresholds) + 1 if math.isnan(median) else bisect_right(thresholds, median)
        missing = _leaf(tree, first + reached)
        known = _bisect(tree, number, thresholds, first)
        # Nothing is below: only what is missing goes that way.
        tree[0] = ("BRANCH_LT", number, -math.inf, 1, missing, known)
        nodes += [(number, node, *row) for node, row in enumerate(tree)]
    leaves = [(tree, node, tree, place) for tree, node, mode, _, place, *_ in nodes if mode == "LEAF"]
    return tree_ensemble("numbers", "places", len(asked), nodes, leaves)


def tree_ensemble(
    source: str,
    target: str,
    targets: int,
    nodes: Sequence[tuple[Any, ...]],
    leaves: Sequence[tuple[Any, ...]],
) -> onnx.NodeProto:
    """A TreeEnsembleRegressor (ai.onnx.ml 3).

    `nodes`: (tree, node, mode, feature, threshold, missing goes to the first, first, second child) of
    each; `leaves`: (tree, node, target, value) of each.
    """
    node_names = (
        *("treeids", "nodeids", "modes", "featureids", "values"),
        *("missing_value_tracks_true", "truenodeids", "falsenodeids"),
    )
    attributes: dict[str, Any] = {"n_targets": targets}
    for prefix, names, rows in (
        ("nodes", node_names, nodes),
        ("target", ("treeids", "nodeids", "ids", "weights"), leaves),
    ):
        columns = zip(*rows, strict=True)
        attributes |= {f"{prefix}_{n}": list(c) for n, c in zip(names, columns, strict=True)}
    return helper.make_node(
        "TreeEnsembleRegressor", [source], [target], domain="ai.onnx.ml", **attributes
    )


def _bisect(tree: list[tuple[Any, ...]], number: int, thresholds: Sequence[float], first: int) -> int:
    """Add the nodes that find a number's place among thresholds; the first of them."""
    if not thresholds:
        return _leaf(tree, first)
    node, middle = len(tree), len(thresholds) // 2
    tree.append(())
    below = _bisect(tree, number, thresholds[:middle], first)
    above = _bisect(tree, number, thresholds[middle + 1 :], first + middle + 1)
    tree[node] = ("BRANCH_LT", number, thresholds[middle], 0, below, above)
    return node


def _leaf(tree: list[tuple[Any, ...]], place: int) -> int:
    tree.append(("LEAF", 0, float(place), 0, 0, 0))
    return len(tree) - 1


def _lookup(table: shapley.Table, columns: int) -> tuple[list[onnx.NodeProto], dict[str, NDArray[Any]]]:
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
    pipeline = _loaded(arguments.pipeline)
    try:
        leads = dataset.load(arguments.data, pipeline.card_.dictionary)
        model, card = export(pipeline, pipeline.card_, leads.features)
        replace_file(arguments.output, model)
    except (OSError, dataset.DataError, parity.ParityError, shapley.ShapleyError) as error:
        sys.exit(f"nothing written: {error}")
    print(
        f"{arguments.output}: model {card.version}, {len(model) / 1e6:.2f} MB. Largest difference to "
        f"the pipeline: {card.parity['largest_difference']:.1e} over {card.parity['leads']} leads and "
        f"{card.parity['adversarial_leads']} adversarial ones."
    )


def _loaded(path: Path) -> Pipeline:
    try:
        pipeline = joblib.load(path)
    except Exception as error:  # noqa: BLE001  (unpickling what is no pipeline raises anything)
        sys.exit(f"nothing written: {path}: cannot be read ({error!r})")
    if not isinstance(pipeline, Pipeline) or not hasattr(pipeline, "card_"):
        sys.exit(f"nothing written: {path}: expected a pipeline that train.py saved")
    return pipeline


if __name__ == "__main__":
    main()
