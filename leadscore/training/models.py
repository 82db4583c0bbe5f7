"""The models that are compared, as pipelines from clean features to a probability."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from leadscore.columns import Column
from leadscore.training.encoder import LevelEncoder, NumberFiller
from leadscore.training.evaluation.figures import Probability
from leadscore.training.levels import RARE_LEVEL

# Chosen on the oldest 80 % of five sets of leads, by cross-validation.
XGBOOST: Final = {
    "n_estimators": 150,
    "grow_policy": "lossguide",  # the split that gains the most is next, at whatever depth
    "max_leaves": 8,  # few splits a tree: more gain nothing and cost a slower graph
    "max_depth": 0,  # of which the leaves are the only limit
    "learning_rate": 0.06,
    "max_bin": 64,  # quantiles of a number that may split it: more gain nothing
    "min_child_weight": 3,  # sum of p(1-p) in a leaf: about 15 leads
    "subsample": 0.8,  # of the leads, for each tree
    "colsample_bynode": 0.5,  # of the encoded columns, for each split
    "tree_method": "hist",
    "n_jobs": 1,  # several threads would add up histograms in another order: other model bytes
}


SERVED: Final = "xgboost"
"""The model that is exported."""

Features = tuple[Column, ...]
"""The columns a pipeline reads."""


class CalibratedXGBClassifier(XGBClassifier):
    """XGBoost with corrected log-odds: slope * log-odds + intercept (Platt 1999), set after fitting."""

    slope = 1.0
    intercept = 0.0

    def predict_proba(
        self,
        X: Any,  # noqa: N803  (scikit-learn's name)
        validate_features: bool = True,
        base_margin: Any | None = None,
        iteration_range: Any | None = None,
    ) -> NDArray[np.float32]:
        """Probabilities of both outcomes, shape (n, 2)."""
        log_odds = self.predict(
            X,
            output_margin=True,
            validate_features=validate_features,
            base_margin=base_margin,
            iteration_range=iteration_range,
        )
        converting = expit(self.slope * log_odds + self.intercept)
        return np.column_stack([1 - converting, converting])


def _encoder(features: Features, number: object) -> ColumnTransformer:
    steps = [("category", LevelEncoder(RARE_LEVEL)), ("number", number)]
    names = {kind: [c.name for c in features if c.kind == kind] for kind, _ in steps}
    return ColumnTransformer(
        [(kind, step, names[kind]) for kind, step in steps if names[kind]],
        sparse_threshold=0,
        verbose_feature_names_out=False,
    )


def _tree_encoder(features: Features) -> ColumnTransformer:
    return _encoder(features, NumberFiller(RARE_LEVEL))


def dummy(features: Features, seed: int) -> Pipeline:
    """The conversion rate for every lead: what any model has to beat."""
    return Pipeline([("model", DummyClassifier(strategy="prior"))])


def logistic_regression(features: Features, seed: int) -> Pipeline:
    """The linear model: one-hot levels; numbers filled by their median (with a flag), standardised."""
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    encoder = _encoder(features, make_pipeline(filled, StandardScaler()))
    # In float32 no solver comes close to the minimum.
    double = FunctionTransformer(np.asarray, kw_args={"dtype": np.float64})
    model = LogisticRegression(solver="newton-cholesky")
    return Pipeline([("encode", encoder), ("double", double), ("model", model)])


def decision_tree(features: Features, seed: int) -> Pipeline:
    """One tree, its leaves large enough for a probability."""
    model = DecisionTreeClassifier(min_samples_leaf=100, random_state=seed)
    return Pipeline([("encode", _tree_encoder(features)), ("model", model)])


def random_forest(features: Features, seed: int) -> Pipeline:
    """Many trees on resampled leads."""
    model = RandomForestClassifier(min_samples_leaf=10, max_features=0.3, n_jobs=-1, random_state=seed)
    return Pipeline([("encode", _tree_encoder(features)), ("model", model)])


def xgboost(features: Features, seed: int) -> Pipeline:
    """Boosted trees. Numbers reach them unscaled: a scaler would flip float32 splits."""
    model = CalibratedXGBClassifier(**XGBOOST, random_state=seed)
    return Pipeline([("encode", _tree_encoder(features)), ("model", model)])


CANDIDATES: Final[dict[str, Callable[[Features, int], Pipeline]]] = {
    build.__name__: build
    for build in (dummy, logistic_regression, decision_tree, random_forest, xgboost)
}
"""Model name -> its builder, given the features and a seed."""


def probability(model: Pipeline, features: pd.DataFrame) -> Probability:
    """The fitted model's probability of converting for each lead."""
    return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)
