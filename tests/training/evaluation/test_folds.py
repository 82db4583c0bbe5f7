"""Folds: alike, and none scored by a model that has met its leads."""

import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from threadpoolctl import threadpool_info

from leadscore.training.dataset import Dataset, row_groups
from leadscore.training.evaluation import folds as folds_module
from leadscore.training.evaluation.folds import COMMON, FOLDS, at_once, folds, out_of_fold


class _Memory(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A model that knows the leads it was fitted to and nothing else."""

    def fit(self, features: pd.DataFrame, target: np.ndarray) -> "_Memory":
        self.classes_ = np.unique(target)
        self.seen_ = row_groups(features)
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        return np.isin(row_groups(features), self.seen_).astype(int)

    def predict_proba(self, features: pd.DataFrame) -> np.ndarray:
        known = self.predict(features)
        return np.column_stack([1 - known, known])


def test_no_lead_is_scored_by_a_model_that_saw_its_twin(leads: Dataset) -> None:
    """Out of fold means: identical leads stay together, but for kinds of lead that everyone has met."""
    features, target = leads.oldest()
    rows, seen = out_of_fold(_Memory(), features, target, 0)
    assert rows.tolist() == list(range(len(target)))
    _, kind, count = np.unique(row_groups(features), return_inverse=True, return_counts=True)
    common = count[kind] > COMMON * len(features)
    assert seen[~common].max() == 0
    assert seen[common].min() == 1
    assert 0.1 < common.mean() < 0.3


def test_of_very_many_leads_one_fold_is_scored(leads: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is among all: its leads, in their order, by a model that saw none of them."""
    features, target = leads.oldest()
    every = out_of_fold(_Memory(), features, target, 0)
    monkeypatch.setattr(folds_module, "ENOUGH", len(target) - 1)
    some = out_of_fold(_Memory(), features, target, 0)
    assert len(some.rows) == pytest.approx(len(target) / FOLDS, rel=0.01)
    assert (np.diff(some.rows) > 0).all()
    assert (some.probability == every.probability[some.rows]).all()


def test_folds_are_alike(leads: Dataset) -> None:
    """Each fold has as many leads as the next, and as many that convert, to within a hundredth."""
    features, target = leads.oldest()
    held_out = [rows for _, rows in folds(features, target, 0)]
    assert sorted(np.concatenate(held_out)) == list(range(len(target)))
    for counts in ([len(rows) for rows in held_out], [int(target[rows].sum()) for rows in held_out]):
        assert max(counts) - min(counts) <= 0.01 * max(counts)


def test_results_of_tasks_at_once_come_in_their_order() -> None:
    """Whichever ends first; and BLAS adds no threads to theirs."""
    waited = threading.Event()

    def first() -> str:
        assert waited.wait(10), "the tasks did not run at the same time"
        return "first"

    def blas() -> list[int]:
        waited.set()
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    found, threads = at_once(first, blas)
    assert found == "first"
    assert set(threads) == {1}
