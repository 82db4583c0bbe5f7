"""What is written down of a training: the contents of metrics.json, and the card before its export."""

from collections.abc import Mapping
from importlib.metadata import version
from platform import python_version
from typing import Any, Final

import numpy as np
import pandas as pd
import xgboost

from leadscore.card import MODEL, Card, Grade
from leadscore.training import claims, decision, distributions, slices
from leadscore.training.dataset import Dataset, spread
from leadscore.training.evaluation import figures
from leadscore.training.evaluation.figures import Probability
from leadscore.training.evaluation.resampling import intervals
from leadscore.training.models import SERVED
from leadscore.training.models import probability as score
from leadscore.training.onnx.shap_values import contributions
from leadscore.training.recipe import Comparison, Evaluated, Fitted

ON_SAMPLE: Final = f"{SERVED}_on_sample"
"""The served model fitted on the leads that the others had, where there are more."""

MOST_EXPLAINED: Final = 50_000  # leads; XGBoost takes milliseconds for ten of them


def metrics(
    leads: Dataset,
    served: Evaluated,
    comparison: Comparison,
    published: Fitted,
    probability: Probability,
    seed: int,
) -> dict[str, Any]:
    """The figures of the models, and more of the served one, which gives the newest leads this
    probability; threshold, grades and calibration are those of the model to publish.
    """
    target = leads.newest()[1]
    models: dict[str, Evaluated] = {**comparison.models, SERVED: served}
    data = described(leads, published)
    if served is not comparison.served:
        models[ON_SAMPLE] = comparison.served
        data["compared_on"] = len(comparison.leads)
    if len(published.out_of_fold.rows) < published.leads:
        data["decided_on"] = len(published.out_of_fold.rows)
    begin = decision.bounds(score(published.pipeline, leads.features[: published.leads]))
    return {
        "data": data,
        "seed": seed,
        "features": [column.name for column in leads.dictionary.features],
        "served": SERVED,
        "models": {name: model.to_dict() for name, model in models.items()},
        "intervals": intervals(target, probability, served.threshold.value, seed),
        "ece_by_chance": round(figures.calibration_error_by_chance(probability), 4),
        "threshold": vars(published.threshold),
        "grades": [vars(grade) for grade in decision.grades(target, probability, begin)],
        "calibration": vars(published.calibration),
        "reliability": figures.reliability(target, probability),
        "gains": figures.gains(target, probability),
        "slices": slices.measured(leads, probability, served.threshold.value),
        "seen_before": claims.seen_before(leads, seed),
    }


def draft(leads: Dataset, model: Fitted, probability: Probability, metrics: Mapping[str, Any]) -> Card:
    """The card of a model but for what the export finds; figures, and the probability of the newest
    leads, are those of the model as it was evaluated.
    """
    features = leads.features[: model.leads]
    scores = score(model.pipeline, features)
    return Card(
        name=MODEL,
        version="",
        known=metrics["known"],
        dictionary=leads.dictionary,
        reference=distributions.reference(features, leads.dictionary),
        drift=distributions.drift(features, leads.dictionary, scores),
        base=0.0,
        calibration={key: vars(model.calibration)[key] for key in ("method", "slope", "intercept")},
        threshold=model.threshold,
        grades=tuple(Grade(**grade) for grade in metrics["grades"]),
        metrics={
            "newest": metrics["models"][SERVED]["newest"],
            **{
                key: metrics[key]
                for key in ("intervals", "ece_by_chance", "reliability", "gains", "warnings")
            },
            "channels": slices.channels(leads, probability),
        },
        data={**metrics["data"], "fitted_on": model.leads},
        parity={},
        versions=versions(),
        golden=(),
        importance=_importance(model, features),
        grade_rule=decision.GRADE_RULE,
    )


def _importance(served: Fitted, features: pd.DataFrame) -> dict[str, float]:
    """The mean absolute contribution of each feature over some leads, in log-odds."""
    some = features.iloc[spread(len(features), MOST_EXPLAINED)]
    means = np.abs(contributions(served.pipeline, some)).mean(axis=0)
    return dict(zip(features.columns, means.round(6).tolist(), strict=True))


def described(leads: Dataset, published: Fitted) -> dict[str, Any]:
    """The data: which file, how many leads, how many of them for what."""
    return {
        "file": leads.file,
        "sha256": leads.sha256,
        "leads": len(leads),
        "conversion_rate": round(float(leads.target.mean()), 4),
        "trained_on": len(leads.oldest()[1]),
        "tested_on": len(leads.newest()[1]),
        "fitted_on": published.leads,
        "split": "by time" if leads.timed else "at random",
        **({"sample_of": leads.sample_of} if leads.sample_of else {}),
        **({"open": leads.open} if leads.open else {}),
        **({"left_out": leads.left_out} if leads.left_out else {}),
        **({"unlisted": list(leads.unlisted)} if leads.unlisted else {}),
    }


def versions() -> dict[str, str]:
    """What decides the model's bytes beside data and seed."""
    names = ("numpy", "onnx", "onnxruntime", "scikit-learn")
    installed = {name: version(name) for name in names}
    return {"python": python_version(), "xgboost": xgboost.__version__, **installed}
