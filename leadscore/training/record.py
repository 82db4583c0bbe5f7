"""What is written down of a training: the contents of metrics.json, and the card before its export."""

from collections.abc import Mapping
from importlib.metadata import version
from platform import python_version
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from leadscore.card import MODEL, Card, Grade
from leadscore.training import claims, decision, distributions, slices
from leadscore.training.dataset import Dataset
from leadscore.training.evaluation import figures
from leadscore.training.evaluation.figures import Probability
from leadscore.training.evaluation.resampling import intervals
from leadscore.training.models import SERVED
from leadscore.training.models import probability as score
from leadscore.training.onnx.shap_values import contributions
from leadscore.training.recipe import Evaluated


def metrics(
    leads: Dataset, models: Mapping[str, Evaluated], probability: Probability, seed: int
) -> dict[str, Any]:
    """The figures of the models, and more of the served one, which gives the newest leads this
    probability.
    """
    served, target = models[SERVED], leads.newest()[1]
    begin = decision.bounds(score(served.pipeline, leads.oldest()[0]))
    return {
        "seed": seed,
        "features": [column.name for column in leads.dictionary.features],
        "served": SERVED,
        "models": {name: model.to_dict() for name, model in models.items()},
        "intervals": intervals(target, probability, served.threshold.value, seed),
        "ece_by_chance": round(figures.calibration_error_by_chance(probability), 4),
        "threshold": vars(served.threshold),
        "grades": [vars(grade) for grade in decision.grades(target, probability, begin)],
        "calibration": vars(served.calibration),
        "reliability": figures.reliability(target, probability),
        "gains": figures.gains(target, probability),
        "slices": slices.measured(leads, probability, served.threshold.value),
        "seen_before": claims.seen_before(leads, seed),
    }


def draft(
    leads: Dataset, served: Evaluated, probability: Probability, metrics: Mapping[str, Any]
) -> Card:
    """The card but for what the export finds."""
    oldest = leads.oldest()[0]
    scores = score(served.pipeline, oldest)
    return Card(
        name=MODEL,
        version="",
        known=metrics["known"],
        dictionary=leads.dictionary,
        reference=distributions.reference(oldest, leads.dictionary),
        drift=distributions.drift(oldest, leads.dictionary, scores),
        base=0.0,
        calibration={key: metrics["calibration"][key] for key in ("method", "slope", "intercept")},
        threshold=served.threshold,
        grades=tuple(Grade(**grade) for grade in metrics["grades"]),
        metrics={
            "newest": served.newest,
            **{
                key: metrics[key]
                for key in ("intervals", "ece_by_chance", "reliability", "gains", "warnings")
            },
            "channels": slices.channels(leads, probability),
        },
        data=metrics["data"],
        parity={},
        versions=versions(),
        golden=(),
        importance=_importance(served, oldest),
        grade_rule=decision.GRADE_RULE,
    )


def _importance(served: Evaluated, features: pd.DataFrame) -> dict[str, float]:
    """The mean absolute contribution of each feature over some leads, in log-odds."""
    means = np.abs(contributions(served.pipeline, features)).mean(axis=0)
    return dict(zip(features.columns, means.round(6).tolist(), strict=True))


def described(leads: Dataset) -> dict[str, Any]:
    """The data: which file, how many leads, how many of them for what."""
    return {
        "file": leads.file,
        "sha256": leads.sha256,
        "leads": len(leads),
        "conversion_rate": round(float(leads.target.mean()), 4),
        "trained_on": len(leads.oldest()[1]),
        "tested_on": len(leads.newest()[1]),
        "split": "by time" if leads.timed else "at random",
        **({"open": leads.open} if leads.open else {}),
        **({"left_out": leads.left_out} if leads.left_out else {}),
        **({"unlisted": list(leads.unlisted)} if leads.unlisted else {}),
    }


def versions() -> dict[str, str]:
    """What decides the model's bytes beside data and seed."""
    names = ("numpy", "onnx", "onnxruntime", "scikit-learn")
    installed = {name: version(name) for name in names}
    return {"python": python_version(), "xgboost": xgboost.__version__, **installed}
