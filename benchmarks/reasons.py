"""What reasons cost: microseconds a lead, in one process, on one thread, as ratios.

    python -m benchmarks.reasons [--data CSV]

Compared: the plain graph that onnxmltools makes, which gives the probability alone; our graph with
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
from rich.console import Console
from rich.table import Table
from sklearn.pipeline import Pipeline

from leadscore.columns import Tensors
from leadscore.dictionary import Dictionary
from leadscore.training.dataset import inputs, load
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx import plain_graph, table_graph

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
    graph, _ = table_graph.convert(pipeline, dictionary)
    plain = plain_graph.convert(pipeline, dictionary)
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
        columns[size] = _measure(pipeline, graph, plain, every.iloc[:size], dictionary)
    for name in columns[SIZES[0]]:
        cells = [f"{columns[s][name]:,.1f} ({columns[s][name] / columns[s][OURS]:,.1f})" for s in SIZES]
        table.add_row(name, *cells)
    Console().print(table)
    print(f"Model graph {len(content) / 1e6:.2f} MB, loaded in {load_seconds:.3f} s.")


def _measure(
    pipeline: Pipeline,
    graph: onnx.ModelProto,
    plain: onnx.ModelProto,
    features: pd.DataFrame,
    dictionary: Dictionary,
) -> dict[str, float]:
    size = len(features)
    tensors = inputs(features, dictionary)
    encoded = pipeline["encode"].transform(features)
    ways = _ways(pipeline, graph, plain, tensors, features, encoded)
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
    plain: onnx.ModelProto,
    tensors: Tensors,
    features: pd.DataFrame,
    encoded: np.ndarray,
) -> dict[str, Callable[[], object]]:
    with_reasons = _session(graph.SerializeToString())
    alone = _session(plain.SerializeToString())
    model = pipeline["model"]
    booster = model.get_booster()
    booster.set_param({"nthread": ONE_THREAD})

    def contribs(given: np.ndarray) -> object:
        return booster.predict(xgboost.DMatrix(given, nthread=ONE_THREAD), pred_contribs=True)

    encode = pipeline["encode"].transform
    ways: dict[str, Callable[[], object]] = {
        "graph without reasons": lambda: alone.run(["probabilities"], tensors),
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


if __name__ == "__main__":
    main()
