"""What the trees read: categories as one number for each level, numbers, and a place for what training
has hardly seen.
"""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class LevelEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """One feature per level, 1 for the lead's own. A missing value ("") is a level of its own.

    A level with fewer than `rare` leads, or none, counts as the commonest present one. All zeros would
    say "none of the levels I know", which trees read as the one level they did not ask about: here that
    a new channel converts like leads the staff adds by hand.

    `levels_` holds the levels of each column, the commonest present one first.
    """

    def __init__(self, rare: int) -> None:
        self.rare = rare

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803  (scikit-learn's name)
        """Learn the levels of each column of strings."""
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        self.levels_ = [self._levels(X[name]) for name in X]
        return self

    def _levels(self, values: pd.Series) -> list[str]:
        # By count, then by name: the order must not depend on the order of the leads.
        counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        order = sorted(counts.index, key=lambda level: level == "")
        return [level for level in order if counts[level] >= self.rare] or [""]

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:  # noqa: N803
        """Encode leads, shape (n, levels of all columns)."""
        check_is_fitted(self)
        encoded = np.zeros((len(X), sum(map(len, self.levels_))), np.float32)
        rows, first = np.arange(len(X)), 0
        for name, levels in zip(self.feature_names_in_, self.levels_, strict=True):
            codes = pd.Index(levels).get_indexer(X[name])
            encoded[rows, first + np.maximum(codes, 0)] = 1
            first += len(levels)
        return encoded

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """The encoded features' names, `column_level`."""
        check_is_fitted(self)
        pairs = zip(self.feature_names_in_, self.levels_, strict=True)
        return np.array([f"{name}_{level}" for name, levels in pairs for level in levels], dtype=object)


class NumberFiller(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Numbers as they are. NaN stays where training has met it; with fewer than `rare` such leads it is
    the median: trees never trained on NaN route it arbitrarily, here to the best leads.

    `medians_`, shape (columns,): NaN for a column whose missing values stay.
    """

    def __init__(self, rare: int) -> None:
        self.rare = rare

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803  (scikit-learn's name)
        """Learn the median of each column that is hardly ever missing."""
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        known = X.isna().sum() < self.rare
        self.medians_ = X.median().where(known).to_numpy(np.float32)
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:  # noqa: N803
        """Fill leads, shape (n, columns)."""
        check_is_fitted(self)
        values: NDArray[np.float32] = X.to_numpy(np.float32, copy=True)
        np.copyto(values, self.medians_, where=np.isnan(values))
        return values

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """The columns' names."""
        check_is_fitted(self)
        return self.feature_names_in_
