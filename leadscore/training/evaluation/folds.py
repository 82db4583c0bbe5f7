"""Which leads a model is fitted on and which it is tried on, and its probabilities for the latter."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from leadscore.training.dataset import row_groups
from leadscore.training.evaluation.figures import Probability, Target

FOLDS: Final = 5
PERIODS: Final = 5  # of the newer half: fitted on 50 to 90 % of the leads, in cross-validation on 80 %
BUNDLES: Final = 500  # of leads, for folds: enough to make them alike
COMMON: Final = 0.01  # of all leads: more identical ones are a kind of lead, not a repetition
ENOUGH: Final = 100_000  # leads; of more, one fold says as much as five

Task: TypeAlias = Callable[[], Any]
"""Some work that can be done at the same time as other."""

Fit: TypeAlias = Callable[[Pipeline, pd.DataFrame, Target], Pipeline]
"""Fits a model on features and target of leads, and returns it; it may know the leads by their index."""


class OutOfFold(NamedTuple):
    """The numbers of some of n leads, in their order, and a `probability` for each from a model that was
    not fitted to it.
    """

    rows: NDArray[np.int64]
    probability: Probability


def fit_here(model: Pipeline, features: pd.DataFrame, target: Target) -> Pipeline:
    """Fit a model on these leads alone."""
    return model.fit(features, target)


def out_of_fold(
    model: Pipeline,
    features: pd.DataFrame,
    target: Target,
    seed: int,
    *others: Task,
    fit: Fit = fit_here,
) -> OutOfFold:
    """A probability for each lead from a model that saw neither it nor an identical lead; of more than
    ENOUGH leads, for those of one fold.

    Except for the commonest kinds of lead (COMMON): a model in use has met them, and a fold whose model
    has not would be another world. `fit` fits each model; `others` run at the same time.
    """
    split = folds(features, target, seed)[: 1 if len(target) > ENOUGH else FOLDS]
    found = at_once(*(_scores(model, features, target, *fold, fit) for fold in split), *others)
    rows = np.concatenate([scored for _, scored in split])
    scores = np.concatenate(found[: len(split)])
    order = np.argsort(rows)
    return OutOfFold(rows[order], scores[order])


def rolling_origin(model: Pipeline, features: pd.DataFrame, target: Target) -> Probability:
    """A probability for each of the newer half of some leads in the order of time, from a model that saw
    all leads before its period; there are PERIODS of them (Tashman 2000, Int. J. Forecasting 16:437).
    """
    starts = np.linspace(len(target) // 2, len(target), PERIODS + 1).astype(int)
    periods = [(np.arange(start), np.arange(start, end)) for start, end in pairwise(starts)]
    tasks = [_scores(model, features, target, *period) for period in periods]
    return np.concatenate(at_once(*tasks))


def _scores(
    model: Pipeline,
    features: pd.DataFrame,
    target: Target,
    fitted: NDArray[np.int64],
    scored: NDArray[np.int64],
    fit: Fit = fit_here,
) -> Task:
    """The task to fit a copy of a model on some rows and to score others."""
    copy = clone(model)

    def task() -> Probability:
        fit(copy, features.iloc[fitted], target[fitted])
        return np.asarray(copy.predict_proba(features.iloc[scored])[:, 1], dtype=np.float64)

    return task


def at_once(*tasks: Task) -> list[Any]:
    """What tasks return that run at the same time, one a core: a fit has one thread, and would leave
    the others idle.

    BLAS gets no more: its threads wait for each other, and a sum of floats depends on their number.
    """
    with threadpool_limits(1, "blas"):
        return list(Parallel(n_jobs=-1, prefer="threads")(delayed(task)() for task in tasks))


def folds(
    features: pd.DataFrame, target: Target, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit on and rows to score, of each fold: as large and with as many conversions as the next,
    and identical leads in one.
    """
    _, group, count = np.unique(lead_groups(features), return_inverse=True, return_counts=True)
    # Leads without a double go by the bundle, of one outcome each: scikit-learn weighs group by group.
    alone = np.random.default_rng(seed).permutation(np.flatnonzero(count[group] == 1))
    alone = alone[np.argsort(target[alone], kind="stable")]
    group[alone] = len(count) + np.arange(len(alone)) // max(1, len(target) // BUNDLES)
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(split.split(target, target, group))


def lead_groups(features: pd.DataFrame) -> NDArray[np.int64]:
    """The group of each lead, shape (n,): identical leads share one, unless they are COMMON."""
    _, kind, count = np.unique(row_groups(features), return_inverse=True, return_counts=True)
    common = count[kind] > COMMON * len(features)
    return np.where(common, len(count) + np.arange(len(features)), kind)
