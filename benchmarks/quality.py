r"""How good the served model is beside other libraries' models: same leads, same columns, same split.

Into the environment that `make` sets up, then run (its pinned versions stay as they are):

    .venv/bin/uv pip install --python .venv/bin/python -c requirements.txt --group quality
    .venv/bin/python benchmarks/quality.py
    .venv/bin/python benchmarks/quality.py --data "data/Lead Scoring.csv" --output quality.json

AutoGluon does not take the pinned pandas, so it needs an environment of its own:

    python3 -m venv .venv-autogluon
    .venv/bin/uv pip install --python .venv-autogluon/bin/python -r pyproject.toml --extra train \
        --group quality "autogluon.tabular[all]~=1.6.3"
    .venv-autogluon/bin/python benchmarks/quality.py --autogluon 600

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
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import onnxruntime as ort  # noqa: E402
import pandas as pd  # noqa: E402
import xgboost  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich import box  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import export_onnx  # noqa: E402
import train  # noqa: E402
from leadscore.columns import Dictionary, Tensors, clean, tensors  # noqa: E402
from leadscore.training import evaluation  # noqa: E402
from leadscore.training.dataset import DataError, Dataset, frame, inputs, load  # noqa: E402
from leadscore.training.evaluation import Probability  # noqa: E402
from leadscore.training.files import replace_file  # noqa: E402
from leadscore.training.models import CANDIDATES, SERVED  # noqa: E402

try:
    from catboost import CatBoostClassifier
    from interpret.glassbox import ExplainableBoostingClassifier
    from lightgbm import LGBMClassifier
except ImportError as error:
    sys.exit(f"{error}. Install the dependency group `quality`: {__file__} says how.")

SEED = 0
ONE_THREAD = 1

# Of a few settings each, the best by log loss out of fold (evaluation.out_of_fold) on the original.
# EBM has its defaults: fourteen bags of the oldest leads, each stopped early on its own 15 % of them.
LIGHTGBM = {
    "n_estimators": 300,
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_child_samples": 20,
    "subsample": 0.8,  # of the leads,
    "subsample_freq": 1,  # for each tree
    "colsample_bytree": 0.5,
}
CATBOOST = {"iterations": 600, "learning_rate": 0.03, "depth": 4}
HIST_GRADIENT_BOOSTING = {
    "max_iter": 300,
    "learning_rate": 0.03,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "max_features": 0.5,
    "early_stopping": False,
}
AUTOGLUON_PRESET = "best_quality"

FIGURES = {"roc_auc": "AUC", "log_loss": "log loss", "brier": "Brier", "ece": "ECE"}
COMPARED = ("roc_auc", "log_loss")
AUTOGLUON = "AutoGluon"
OURS = "ours: ONNX graph"
LEADS = 200  # scored one by one
TURN = 20  # leads in a row by one model
LONGEST = 30.0  # seconds spent on one model's single leads

Score = Callable[[Tensors], Probability]
"""Model inputs, an (n, 1) array per feature -> probabilities, shape (n,)."""

Fit = Callable[[Dataset], Score]
"""Fits on the oldest leads."""


def main() -> None:
    """Fit, measure, print."""
    arguments = _arguments()
    dictionary = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
    try:
        leads = load(arguments.data, dictionary)
    except DataError as error:
        sys.exit(str(error))
    with TemporaryDirectory() as folder:
        models = dict(MODELS)
        if arguments.autogluon:
            models[AUTOGLUON] = autogluon(arguments.autogluon, folder)
        with _progress(2 * len(models) + 1) as step:
            results = compare(models, leads, step)
    _print(results, leads)
    if arguments.output:
        document = {
            "data": {"file": leads.file, "sha256": leads.sha256},
            "versions": _versions(results),
            "models": results,
        }
        replace_file(arguments.output, (json.dumps(document, indent=1) + "\n").encode())


def compare(models: Mapping[str, Fit], leads: Dataset, step: train.Step) -> dict[str, dict[str, Any]]:
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
        figures = evaluation.measure(target, probability[name], threshold=0.5)
        results[name] = {
            **{figure: figures[figure] for figure in FIGURES},
            "difference": {
                figure: [round(v, 4) + 0.0 for v in astuple(difference)]  # no minus zero
                for figure, difference in evaluation.differences(
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
                score(tensors([clean(lead, dictionary)], dictionary.features))
                times[name].append(time.perf_counter() - start)
    return {name: 1e6 * median(found) for name, found in times.items()}


def graph(leads: Dataset) -> Score:
    """What is served: fitted and calibrated by train.py, converted by export_onnx.py."""
    pipeline = train.fit(leads, SERVED, SEED).pipeline
    model, _ = export_onnx.convert(pipeline, leads.dictionary)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = ONE_THREAD
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda lead: session.run(None, lead)[0].astype(np.float64)  # the reasons are computed, too


def candidate(name: str) -> Fit:
    """One of the models that train.py compares, as its scikit-learn pipeline."""

    def fit(leads: Dataset) -> Score:
        pipeline = CANDIDATES[name](leads.dictionary.features, SEED)
        if pipeline.get_params().get("model__n_jobs"):
            pipeline.set_params(model__n_jobs=ONE_THREAD)
        pipeline.fit(*leads.oldest())
        return lambda lead: evaluation.probability(pipeline, frame(lead))

    return fit


def lightgbm(leads: Dataset) -> Score:
    """LightGBM: categories by number, missing being one of them; missing numbers as NaN."""
    read, target = _numbered(leads), leads.oldest()[1]
    categories = np.flatnonzero(_is_category(leads)).tolist()
    model = LGBMClassifier(**LIGHTGBM, n_jobs=ONE_THREAD, random_state=SEED, verbose=-1)
    model.fit(read(_oldest(leads)), target, categorical_feature=categories)
    booster = model.booster_  # without scikit-learn's checks it is quicker
    return lambda lead: booster.predict(read(lead), num_threads=ONE_THREAD)


@threadpool_limits.wrap(limits=ONE_THREAD)
def hist_gradient_boosting(leads: Dataset) -> Score:
    """scikit-learn's HistGradientBoosting, which takes what LightGBM takes."""
    read, target = _numbered(leads), leads.oldest()[1]
    model = HistGradientBoostingClassifier(
        **HIST_GRADIENT_BOOSTING, categorical_features=_is_category(leads), random_state=SEED
    )
    model.fit(read(_oldest(leads)), target)
    return lambda lead: model.predict_proba(read(lead))[:, 1]


def catboost(leads: Dataset) -> Score:
    """CatBoost: categories as text, missing being one of them; missing numbers as NaN."""

    def read(lead: Tensors) -> list[tuple[str | float, ...]]:
        return list(zip(*(values[:, 0].tolist() for values in lead.values()), strict=True))

    model = CatBoostClassifier(
        **CATBOOST,
        cat_features=np.flatnonzero(_is_category(leads)).tolist(),
        thread_count=ONE_THREAD,
        random_seed=SEED,
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(read(_oldest(leads)), leads.oldest()[1])
    return lambda lead: model.predict_proba(read(lead), thread_count=ONE_THREAD)[:, 1]


def ebm(leads: Dataset) -> Score:
    """Explainable Boosting Machine: categories as text, missing being one; missing numbers as NaN."""

    def read(lead: Tensors) -> NDArray[np.object_]:
        return np.concatenate([values.astype(object) for values in lead.values()], axis=1)

    model = ExplainableBoostingClassifier(
        feature_names=list(leads.features),
        feature_types=["nominal" if c else "continuous" for c in _is_category(leads)],
        n_jobs=ONE_THREAD,
        random_state=SEED,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Missing values detected")  # in its plots
        model.fit(read(_oldest(leads)), leads.oldest()[1])
    return lambda lead: model.predict_proba(read(lead))[:, 1]


def autogluon(seconds: int, folder: str) -> Fit:
    """AutoGluon's ensemble, given so many seconds and a folder for its models; on all cores."""
    try:
        from autogluon.tabular import TabularPredictor  # noqa: PLC0415  (only where it is installed)
    except ImportError as error:
        sys.exit(f"{error}. Install AutoGluon in an environment of its own: {__file__} says how.")

    def fit(leads: Dataset) -> Score:
        def read(lead: Tensors) -> pd.DataFrame:
            return frame(lead).replace({"": None})

        label = leads.dictionary.target.name
        predictor = TabularPredictor(label, eval_metric="log_loss", path=folder, verbosity=0)
        table = read(_oldest(leads)).assign(**{label: leads.oldest()[1]})
        try:
            predictor.fit(table, time_limit=seconds, presets=AUTOGLUON_PRESET)
        except (AssertionError, RuntimeError) as error:  # what it raises when time was too short
            sys.exit(f"AutoGluon has no model after {seconds} s, give it more: {error}")
        predictor.persist()
        return lambda lead: predictor.predict_proba(read(lead))[1].to_numpy()

    return fit


MODELS: Mapping[str, Fit] = {
    OURS: graph,
    f"{SERVED} pipeline": candidate(SERVED),
    "logistic regression": candidate("logistic_regression"),
    "random forest": candidate("random_forest"),
    "LightGBM": lightgbm,
    "CatBoost": catboost,
    "HistGradientBoosting": hist_gradient_boosting,
    "EBM": ebm,
}


def _oldest(leads: Dataset) -> Tensors:
    return inputs(leads.oldest()[0], leads.dictionary)


def _is_category(leads: Dataset) -> list[bool]:
    return [column.kind == "category" for column in leads.dictionary.features]


def _numbered(leads: Dataset) -> Callable[[Tensors], NDArray[np.float64]]:
    """A reader of leads as one (n, features) array; a level not among the oldest leads becomes NaN."""
    numbers = {
        name: {level: float(number) for number, level in enumerate(sorted(set(values[:, 0])))}
        for name, values in _oldest(leads).items()
        if values.dtype == object
    }

    def column(name: str, values: NDArray[Any]) -> list[float]:
        cells: list[Any] = values[:, 0].tolist()
        return [numbers[name].get(cell, np.nan) for cell in cells] if name in numbers else cells

    return lambda lead: np.array([column(*item) for item in lead.items()]).T


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


@contextmanager
def _progress(steps: int) -> Iterator[train.Step]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=steps)
        yield lambda text: bar.update(task, description=text, advance=1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "leads.csv", help="a CSV of leads")
    parser.add_argument("--autogluon", type=int, metavar="SECONDS", help="AutoGluon, too, for so long")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the results there as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
