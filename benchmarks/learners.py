"""The models that benchmarks/quality.py compares: each fits on the oldest leads and returns a scorer."""

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from leadscore.columns import Tensors
from leadscore.training import recipe
from leadscore.training.dataset import Dataset, frame, inputs
from leadscore.training.evaluation.figures import Probability
from leadscore.training.models import CANDIDATES, SERVED, probability
from leadscore.training.onnx.table_graph import convert

HOW = Path(__file__).with_name("quality.py")
try:
    from catboost import CatBoostClassifier
    from interpret.glassbox import ExplainableBoostingClassifier
    from lightgbm import LGBMClassifier
except ImportError as error:
    sys.exit(f"{error}. Install the dependency group `quality`: {HOW} says how.")

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
OURS = "ours: ONNX graph"

Score = Callable[[Tensors], Probability]
"""Model inputs, an (n, 1) array per feature -> probabilities, shape (n,)."""

Fit = Callable[[Dataset], Score]
"""Fits on the oldest leads."""


def graph(leads: Dataset) -> Score:
    """What is served: fitted and calibrated by its recipe, and converted."""
    pipeline = recipe.evaluate(leads, SERVED, SEED).pipeline
    model, _ = convert(pipeline, leads.dictionary)
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
        return lambda lead: probability(pipeline, frame(lead))

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
    """scikit-learn's HistGradientBoosting, which takes what LightGBM takes, of 255 levels at most."""
    read, target = _numbered(leads, 255), leads.oldest()[1]
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


MODELS: Mapping[str, Fit] = {
    OURS: graph,
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


def _numbered(leads: Dataset, most: int | None = None) -> Callable[[Tensors], NDArray[np.float64]]:
    """A reader of leads as one (n, features) array; a level that is not among the oldest leads, or among
    so many of their commonest, becomes NaN.
    """
    numbers = {
        name: {
            level: float(number)
            for number, level in enumerate(sorted(dict(Counter(values[:, 0]).most_common(most))))
        }
        for name, values in _oldest(leads).items()
        if values.dtype == object
    }

    def column(name: str, values: NDArray[Any]) -> list[float]:
        cells: list[Any] = values[:, 0].tolist()
        return [numbers[name].get(cell, np.nan) for cell in cells] if name in numbers else cells

    return lambda lead: np.array([column(*item) for item in lead.items()]).T
