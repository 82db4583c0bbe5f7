"""What reasons cost: microseconds a lead, in one process, on one thread, as ratios.

    python benchmarks/reasons.py [--data CSV]

Compared: the same graph with XGBoost's trees as they are, which give the probability alone; our graph
with reasons; XGBoost's `pred_contribs`; `shap.TreeExplainer` with its own C extension. The graphs read
raw leads, so the others are given raw leads, too, through the fitted pipeline's encoder, and then
encoded ones, as if encoding cost nothing. Rounds are interleaved; a figure is the median of its rounds.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime as ort  # noqa: E402
import pandas as pd  # noqa: E402
import xgboost  # noqa: E402
from onnx import helper  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402

import export_onnx  # noqa: E402
from leadscore.columns import Dictionary, Tensors  # noqa: E402
from leadscore.training import shapley  # noqa: E402
from leadscore.training.dataset import inputs, load  # noqa: E402
from leadscore.training.models import CANDIDATES, SERVED  # noqa: E402

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
    graph, _ = export_onnx.convert(pipeline, dictionary)
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
    """The same encoder with the trees as XGBoost has them: one leaf value each, no reasons."""
    nodes, leaves = [], []
    for number, tree in enumerate(shapley.trees(pipeline)):
        for node, split in enumerate(tree.split):
            if split is None:
                nodes.append((number, node, "LEAF", 0, 0.0, 0, 0, 0))
                leaves.append((number, node, 0, tree.value[node]))
                continue
            ask = (split.feature, split.threshold, int(split.missing_goes_left))
            nodes.append((number, node, "BRANCH_LT", *ask, tree.left[node], tree.right[node]))
    plain = shapley.Ensemble(1, 0.0, nodes, leaves).attributes()
    alone = onnx.ModelProto()
    alone.CopyFrom(graph)
    position = next(i for i, n in enumerate(alone.graph.node) if n.op_type == "TreeEnsembleRegressor")
    (encoded,) = alone.graph.node[position].input
    del alone.graph.node[position : position + 2]  # the trees, and the split of contributions and sum
    trees = helper.make_node("TreeEnsembleRegressor", [encoded], ["sum"], domain="ai.onnx.ml", **plain)
    alone.graph.node.insert(position, trees)
    del alone.graph.output[1]
    unused = next(i for i in alone.graph.initializer if i.name == "widths")
    alone.graph.initializer.remove(unused)
    return alone


if __name__ == "__main__":
    main()
