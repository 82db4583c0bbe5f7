"""What reasons cost: microseconds a lead, in one process, on one thread, as ratios.

    python -m benchmarks.reasons [--data CSV]

Compared: the trees as a converter would write them, which give the probability alone; our graph with
reasons; XGBoost's `pred_contribs`; `shap.TreeExplainer` with its own C extension. The graphs read
raw leads, so the others are given raw leads, too, through the fitted pipeline's encoder, and then
encoded ones, as if encoding cost nothing. Rounds are interleaved; a figure is the median of its rounds.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import xgboost
from onnx import helper, numpy_helper
from rich.console import Console
from rich.table import Table
from sklearn.pipeline import Pipeline

from leadscore.columns import Dictionary, Tensors
from leadscore.training.dataset import inputs, load
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx.graph import Node, convert, tree_ensemble
from leadscore.training.onnx.trees import Split, Tree, boosted_trees, margin

ROOT = Path(__file__).resolve().parent.parent

SIZES = (1, 100, 10_000)
ROUNDS = {1: 300, 100: 60, 10_000: 7}
OURS = "graph with reasons"
FEWER = 3  # one in so many rounds for what is slow
ONE_THREAD = 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "leads.csv")
    dictionary = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
    leads = load(parser.parse_args().data, dictionary)
    pipeline = CANDIDATES[SERVED](dictionary.features, 0).fit(*leads.oldest())
    graph, _ = convert(pipeline, dictionary)
    content = graph.SerializeToString()
    start = time.perf_counter()
    _session(content)
    load_seconds = time.perf_counter() - start
    table = Table(title="Microseconds a lead (times our graph with reasons)", title_justify="left")
    table.add_column("")
    rows = np.resize(np.arange(len(leads)), max(SIZES))
    every = leads.features.iloc[rows]
    columns = {}
    for size in SIZES:
        table.add_column(f"{size:,} lead{'s' if size > 1 else ''}", justify="right")
        columns[size] = _measure(pipeline, graph, every.iloc[:size], dictionary, size)
    for name in columns[SIZES[0]]:
        cells = [f"{columns[s][name]:,.1f} ({columns[s][name] / columns[s][OURS]:,.1f})" for s in SIZES]
        table.add_row(name, *cells)
    Console().print(table)
    print(f"Model graph {len(content) / 1e6:.2f} MB, loaded in {load_seconds:.3f} s.")


def _measure(
    pipeline: Pipeline, graph: onnx.ModelProto, features: pd.DataFrame, dictionary: Dictionary, size: int
) -> dict[str, float]:
    tensors = inputs(features, dictionary)
    encoded = pipeline["encode"].transform(features)
    ways = _ways(pipeline, graph, tensors, features, encoded)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        call()
    for turn in range(ROUNDS[size]):
        for name, call in ways.items():
            if "graph" not in name and turn % FEWER:
                continue
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: 1e6 * median(found) / size for name, found in times.items()}


def _ways(
    pipeline: Pipeline,
    graph: onnx.ModelProto,
    tensors: Tensors,
    features: pd.DataFrame,
    encoded: np.ndarray,
) -> dict[str, Callable[[], object]]:
    with_reasons = _session(graph.SerializeToString())
    alone = _session(_probability_alone(pipeline, graph).SerializeToString())
    model = pipeline["model"]
    booster = model.get_booster()
    booster.set_param({"nthread": ONE_THREAD})

    def contribs(given: np.ndarray) -> object:
        return booster.predict(xgboost.DMatrix(given, nthread=ONE_THREAD), pred_contribs=True)

    encode = pipeline["encode"].transform
    ways: dict[str, Callable[[], object]] = {
        "graph without reasons": lambda: alone.run(["probability"], tensors),
        OURS: lambda: with_reasons.run(None, tensors),
        "pred_contribs": lambda: contribs(encode(features)),
        "pred_contribs, encoded": lambda: contribs(encoded),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import shap  # noqa: PLC0415  (only where it is installed)
        except ImportError:
            return ways
        explainer = shap.TreeExplainer(model)
        # Given no DMatrix it computes by its own C extension instead of asking XGBoost.
        explainer.model.model_type = "own"
    return {
        **ways,
        "TreeExplainer": lambda: explainer.shap_values(encode(features)),
        "TreeExplainer, encoded": lambda: explainer.shap_values(encoded),
    }


def _session(content: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = ONE_THREAD
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _probability_alone(pipeline: Pipeline, graph: onnx.ModelProto) -> onnx.ModelProto:
    """What a converter makes: one-hot levels into the trees as XGBoost has them, and no reasons."""
    alone = onnx.ModelProto()
    alone.CopyFrom(graph)
    encoders = [node for node in graph.graph.node if node.op_type == "LabelEncoder"]
    steps = {kind: (step, columns) for kind, step, columns in pipeline["encode"].transformers_}
    widths = [len(levels) for levels in steps["category"][0].levels_]
    constants = {
        "column_of_level": np.repeat(np.arange(len(widths)), widths),
        "levels": np.arange(sum(widths))[None, :],
        "column_axis": np.array([1]),
        "base": np.array(margin(pipeline), np.float32),
    }
    nodes = [
        *encoders,
        helper.make_node("Concat", [node.output[0] for node in encoders], ["positions"], axis=1),
        helper.make_node("Gather", ["positions", "column_of_level"], ["own"], axis=1),
        helper.make_node("Equal", ["own", "levels"], ["is_own"]),
        helper.make_node("Cast", ["is_own"], ["hot"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Concat", ["hot", *steps["number"][1]], ["encoded"], axis=1),
        _plain_trees(pipeline),
        helper.make_node("Squeeze", ["sum", "column_axis"], ["sum_of_lead"]),
        helper.make_node("Add", ["sum_of_lead", "base"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["probability"]),
    ]
    for field, entries in (
        ("node", nodes),
        ("initializer", [numpy_helper.from_array(v, name) for name, v in constants.items()]),
        ("output", list(graph.graph.output)[:1]),
    ):
        alone.graph.ClearField(field)
        getattr(alone.graph, field).extend(entries)
    return alone


def _plain_trees(pipeline: Pipeline) -> onnx.NodeProto:
    ensemble = [_nodes(tree) for tree in boosted_trees(pipeline)]
    return tree_ensemble("encoded", "sum", ensemble, [0] * len(ensemble))


def _nodes(tree: Tree) -> list[Node]:
    def ask(split: Split) -> tuple[int, float, int]:
        return split.feature, split.threshold, int(split.missing_goes_left)

    return [
        Node.leaf(value) if split is None else Node("BRANCH_LT", *ask(split), left, right)
        for split, value, left, right in zip(tree.split, tree.value, tree.left, tree.right, strict=True)
    ]


if __name__ == "__main__":
    main()
