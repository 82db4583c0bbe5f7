r"""How good the served model is beside other libraries' models: same leads, same columns, same split.

Into the environment that `make` sets up, then run (its pinned versions stay as they are):

    .venv/bin/uv pip install --python .venv/bin/python -c requirements.txt --group quality
    .venv/bin/python -m benchmarks.quality
    .venv/bin/python -m benchmarks.quality --data "data/Lead Scoring.csv" --output quality.json

AutoGluon does not take the pinned pandas, so it needs an environment of its own:

    python3 -m venv .venv-autogluon
    .venv/bin/uv pip install --python .venv-autogluon/bin/python -r pyproject.toml --extra train \
        --group quality "autogluon.tabular[all]~=1.6.3"
    .venv-autogluon/bin/python -m benchmarks.quality --autogluon 600

Every model is fitted on the oldest 80 % of leads with the columns known at capture, and scores the
newest 20 % once. It gets categories and missing values as its library takes them. Fitting ours includes
five folds for threshold and calibration, and the conversion. A single lead is timed from its raw values,
which the same code reads for all, to its probability; models take turns, a figure is the median. All use
one thread, but for AutoGluon's fit.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import xgboost
from rich import box
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from benchmarks.learners import MODELS, ONE_THREAD, OURS, SEED, Fit, Score, autogluon
from leadscore.columns import Tensors, tensor
from leadscore.dictionary import Dictionary
from leadscore.files import replace_file
from leadscore.training.cells import DataError
from leadscore.training.dataset import Dataset, inputs, load
from leadscore.training.evaluation.figures import measure
from leadscore.training.evaluation.resampling import differences
from leadscore.training.progress import Step, progress

ROOT = Path(__file__).resolve().parent.parent
FIGURES = {"roc_auc": "AUC", "log_loss": "log loss", "brier": "Brier", "ece": "ECE"}
COMPARED = ("roc_auc", "log_loss")
AUTOGLUON = "AutoGluon"
LEADS = 200  # scored one by one
TURN = 20  # leads in a row by one model
LONGEST = 30.0  # seconds spent on one model's single leads


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, measure, print; returns the exit code."""
    arguments = _arguments(argv)
    dictionary = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
    try:
        leads = load(arguments.data, dictionary)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    with TemporaryDirectory() as folder:
        models = dict(MODELS)
        if arguments.autogluon:
            models[AUTOGLUON] = autogluon(arguments.autogluon, folder)
        with progress(Console(stderr=True), 2 * len(models) + 1) as step:
            results = compare(models, leads, step)
    _print(results, leads)
    if arguments.output:
        document = {
            "data": {"file": leads.file, "sha256": leads.sha256},
            "versions": _versions(results),
            "models": results,
        }
        replace_file(arguments.output, (json.dumps(document, indent=1) + "\n").encode())
    return 0


def compare(models: Mapping[str, Fit], leads: Dataset, step: Step) -> dict[str, dict[str, Any]]:
    """Model -> its figures, their differences to ours, and what it costs; `models` holds OURS."""
    features, target = leads.newest()
    newest = inputs(features, leads.dictionary)
    scores, seconds, probability = {}, {}, {}
    for name, fit in models.items():
        step(f"fitting {name}")
        start = time.perf_counter()
        scores[name] = fit(leads)
        seconds[name] = time.perf_counter() - start
        probability[name] = scores[name](newest)
    step("scoring single leads")
    microseconds = single_leads(scores, features, leads.dictionary)
    results = {}
    for name in models:
        step(f"bootstrap: {name}")
        figures = measure(target, probability[name], threshold=0.5)
        results[name] = {
            **{figure: figures[figure] for figure in FIGURES},
            "difference": {
                figure: [round(v, 4) + 0.0 for v in astuple(difference)]  # no minus zero
                for figure, difference in differences(
                    target, probability[name], probability[OURS], SEED
                ).items()
            },
            "fit_seconds": seconds[name],
            "lead_microseconds": microseconds[name],
            "times_ours": microseconds[name] / microseconds[OURS],
        }
    return results


@threadpool_limits.wrap(limits=ONE_THREAD)
def single_leads(
    scores: Mapping[str, Score], features: pd.DataFrame, dictionary: Dictionary
) -> dict[str, float]:
    """Model -> microseconds from one raw lead to its probability: the median over LEADS of them."""
    raw = features.iloc[:LEADS].astype(object).to_dict("records")
    times: dict[str, list[float]] = {name: [] for name in scores}
    for first in range(0, len(raw), TURN):
        for name, score in scores.items():
            if sum(times[name]) > LONGEST:
                continue
            for lead in raw[first : first + TURN]:
                start = time.perf_counter()
                score(_read(lead, dictionary))
                times[name].append(time.perf_counter() - start)
    return {name: 1e6 * median(found) for name, found in times.items()}


def _read(lead: Mapping[str, object], dictionary: Dictionary) -> Tensors:
    return {c.name: tensor(c, [c.read(lead[c.name])]) for c in dictionary.features}


def _print(results: Mapping[str, Mapping[str, Any]], leads: Dataset) -> None:
    title = f"The newest {len(leads.newest()[1]):,} leads of {leads.file}"
    table = _table(title, *FIGURES.values(), "fit, s", "lead, µs", "times ours")
    for name, found in results.items():
        figures = [f"{found[figure]:.4f}" for figure in FIGURES]
        lead = (f"{found['lead_microseconds']:,.0f}", f"{found['times_ours']:,.1f}")
        table.add_row(name, *figures, f"{found['fit_seconds']:.1f}", *lead)
    Console().print(table)
    columns = [column for figure in COMPARED for column in (FIGURES[figure], "95 % interval")]
    table = _table("Difference to ours, the same resampled leads", *columns)
    for name, found in results.items():
        if name == OURS:
            continue
        cells = []
        for value, low, high in (found["difference"][figure] for figure in COMPARED):
            cells += [f"{value:+.4f}", f"{low:+.4f} to {high:+.4f}"]
        table.add_row(name, *cells)
    Console().print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _versions(models: Mapping[str, Any]) -> dict[str, str]:
    names = ("catboost", "interpret-core", "lightgbm", "onnxruntime", "pandas", "scikit-learn")
    others = ("autogluon.tabular",) if AUTOGLUON in models else ()
    found = {name: version(name) for name in (*names, *others)}
    return {"python": python_version(), "xgboost": xgboost.__version__, **found}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "leads.csv", help="a CSV of leads")
    parser.add_argument("--autogluon", type=int, metavar="SECONDS", help="AutoGluon, too, for so long")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the results there as JSON")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
