"""What reasons cost: microseconds of one core a lead, and as ratios.

    python -m benchmarks.reasons            # a minute; prints the table
    python -m benchmarks.reasons --write    # and writes it into its page

Compared: the plain graph that onnxmltools makes, which gives the probability alone; our graph with
reasons; XGBoost's `pred_contribs`; `shap.TreeExplainer` with its own C extension. The graphs read
raw leads, so the others are given raw leads, too, through the fitted pipeline's encoder, and then
encoded ones, as if encoding cost nothing. Rounds are interleaved; a figure is the median of its rounds.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import shap
import xgboost
from sklearn.pipeline import Pipeline

from benchmarks import COLUMNS, LEADS
from benchmarks.documents import fill
from leadscore.dictionary import Dictionary
from leadscore.training.dataset import inputs, load
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx import plain_graph, table_graph

MARK: Final = "<!-- the cost of reasons, written by benchmarks/reasons.py -->"
ROUNDS: Final = {1: 300, 100: 60, 10_000: 7}
"""Leads at once -> rounds."""
OURS, PLAIN = "**graph with reasons**", "plain graph, no reasons"
FEWER: Final = 3  # one in so many rounds for what is slow
ONE_THREAD: Final = 1

Ways = dict[str, Callable[[], object]]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the table into its page")
    options = parser.parse_args()
    dictionary = Dictionary.load(COLUMNS).known_at("capture")
    leads = load(LEADS, dictionary)
    pipeline = CANDIDATES[SERVED](dictionary.features, 0).fit(*leads.oldest())
    graph, _ = table_graph.convert(pipeline, dictionary)
    graphs = {OURS: graph, PLAIN: plain_graph.convert(pipeline, dictionary)}
    every = leads.features.iloc[np.resize(np.arange(len(leads)), max(ROUNDS))]
    times = {n: measure(ways(pipeline, graphs, every.iloc[:n], dictionary), n) for n in ROUNDS}
    rows = table(times)
    print("\n".join(rows))
    if options.write:
        fill(MARK, rows)


def measure(ways: Ways, leads: int) -> dict[str, float]:
    """Way -> microseconds a lead."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        call()
    for turn in range(ROUNDS[leads]):
        for name, call in ways.items():
            if name not in (OURS, PLAIN) and turn % FEWER:
                continue
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: 1e6 * median(found) / leads for name, found in times.items()}


def table(times: dict[int, dict[str, float]]) -> list[str]:
    """Rows of Markdown: microseconds a lead, and times our graph, for each number of leads."""
    heads = [f"{leads:,} lead{'s' if leads > 1 else ''}" for leads in times]
    rows = [f"| | {' | '.join(heads)} |", "| --- " * (1 + len(heads)) + "|"]
    for way in times[1]:
        cells = [f"{found[way]:,.1f} ({found[way] / found[OURS]:,.1f})" for found in times.values()]
        rows.append(f"| {way} | {' | '.join(cells)} |")
    return rows


def ways(
    pipeline: Pipeline, graphs: dict[str, onnx.ModelProto], leads: pd.DataFrame, dictionary: Dictionary
) -> Ways:
    """The ways to explain these leads, and the plain graph, which does not."""
    tensors = inputs(leads, dictionary)
    with_reasons, alone = _session(graphs[OURS]), _session(graphs[PLAIN])
    encode = pipeline["encode"].transform
    encoded = encode(leads)
    booster = pipeline["model"].get_booster()
    booster.set_param({"nthread": ONE_THREAD})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explainer = shap.TreeExplainer(pipeline["model"])
    # Given no DMatrix it computes by its own C extension instead of asking XGBoost.
    explainer.model.model_type = "own"

    def contribs(given: np.ndarray) -> object:
        return booster.predict(xgboost.DMatrix(given, nthread=ONE_THREAD), pred_contribs=True)

    return {
        PLAIN: lambda: alone.run(["probabilities"], tensors),
        OURS: lambda: with_reasons.run(None, tensors),
        "XGBoost `pred_contribs`": lambda: contribs(encode(leads)),
        "XGBoost `pred_contribs`, leads already encoded": lambda: contribs(encoded),
        "`shap.TreeExplainer`": lambda: explainer.shap_values(encode(leads)),
        "`shap.TreeExplainer`, leads already encoded": lambda: explainer.shap_values(encoded),
    }


def _session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = ONE_THREAD
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
