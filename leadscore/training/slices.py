"""Parts of the newest leads that a model is measured on by themselves."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leadscore.training.dataset import Dataset, row_groups
from leadscore.training.evaluation.figures import Probability, Target, measure, roc_auc

SMALLEST: Final = 100  # leads; fewer say too little
RAREST_OUTCOME: Final = 10  # leads, for an ROC-AUC

Rows: TypeAlias = dict[str, NDArray[np.bool_]]
"""The name of a part -> which of the newest leads are in it."""


def measured(leads: Dataset, probability: Probability, threshold: float) -> dict[str, Any]:
    """Figures on parts of the newest leads: without the levels that the dictionary sets apart, without
    leads that equal one the model was fitted to, and with each common level it slices by.
    """
    target = leads.newest()[1]
    parts = {**_without(leads), **by_level(leads)}
    return {
        name: {
            "leads": int(rows.sum()),
            **measure(target[rows], probability[rows], threshold),
        }
        for name, rows in parts.items()
        if 0 < target[rows].sum() < rows.sum()
    }


def channels(leads: Dataset, probability: Probability) -> list[dict[str, Any]]:
    """For each common level of the columns that the dictionary slices by: `leads`, their mean
    `probability` and `conversion_rate`, and the `roc_auc` within it: whether the score tells them apart.
    """
    features, target = leads.newest()
    found = []
    for column in leads.dictionary.features:
        levels = features[column.name]
        for level in levels.value_counts().index if column.slices else ():
            rows = (levels == level).to_numpy()
            if _large(target[rows]):
                found.append(
                    {
                        "column": column.name,
                        "level": level,
                        "leads": int(rows.sum()),
                        "probability": round(float(probability[rows].mean()), 4),
                        "conversion_rate": round(float(target[rows].mean()), 4),
                        "roc_auc": round(float(roc_auc(target[rows], probability[rows])), 4),
                    }
                )
    return found


def by_level(leads: Dataset) -> Rows:
    """The newest leads by each common level of the columns that the dictionary slices by."""
    features, target = leads.newest()
    parts = {
        f"{column.source} = {level or 'missing'}": (features[column.name] == level).to_numpy()
        for column in leads.dictionary.features
        if column.slices
        for level in sorted(features[column.name].unique())
    }
    return {name: rows for name, rows in parts.items() if _large(target[rows])}


def seen(leads: Dataset) -> NDArray[np.bool_]:
    """Which of the newest leads equal one of the oldest in every feature."""
    return np.isin(row_groups(leads.newest()[0]), row_groups(leads.oldest()[0]))


def _without(leads: Dataset) -> Rows:
    features = leads.newest()[0]
    parts = {
        f"without {column.source} = {level}": (features[column.name] != column.read(level)).to_numpy()
        for column in leads.dictionary.features
        for level in column.set_apart
    }
    if leads.sample_of:  # the trees have seen more leads than there are here
        return parts
    return {**parts, "without leads seen in training": ~seen(leads)}


def _large(target: Target) -> bool:
    outcomes = np.bincount(target, minlength=2)
    return len(target) >= SMALLEST and outcomes.min() >= RAREST_OUTCOME
