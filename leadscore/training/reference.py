"""What the card keeps of the training leads: distributions and golden leads, never a lead itself."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from leadscore.card import Golden
from leadscore.columns import Column, Dictionary, tensor
from leadscore.training import shapley
from leadscore.training.dataset import frame
from leadscore.training.evaluation import probability

GOLDEN_LEADS: Final = 16


def distributions(features: pd.DataFrame, dictionary: Dictionary) -> dict[str, dict[str, Any]]:
    """The distribution of each feature among some leads, as `Card.reference` holds it."""
    return {c.name: _distribution(features[c.name], c) for c in dictionary.features}


def _distribution(values: pd.Series, column: Column) -> dict[str, Any]:
    missing = values.isna() if column.kind == "number" else values == ""
    present = values[~missing]
    share = round(float(missing.mean()), 6)
    if column.kind == "number":
        deciles = np.quantile(present, np.linspace(0, 1, 11)) if len(present) else []
        return {"missing": share, "quantiles": [round(float(value), 6) for value in deciles]}
    levels = present.value_counts(normalize=True)
    return {"missing": share, "levels": {str(k): round(float(v), 6) for k, v in levels.items()}}


def golden(
    pipeline: Pipeline, dictionary: Dictionary, reference: Mapping[str, Mapping[str, Any]], seed: int
) -> tuple[Golden, ...]:
    """Leads for the card, with the pipeline's probabilities.

    Composed of levels and quantiles, column by column: no real lead travels in a model file. The first
    is missing everything, the second has unseen levels.
    """
    rng = np.random.default_rng(seed)
    leads: list[dict[str, Any]] = [
        {},
        {c.name: "unseen" for c in dictionary.features if c.kind == "category"},
    ]
    while len(leads) < GOLDEN_LEADS:
        leads.append({c.name: _typical(c, reference[c.name], rng) for c in dictionary.features})
    values = {c.name: tensor(c, [c.read(d.get(c.name)) for d in leads]) for c in dictionary.features}
    rows = frame(values)
    shares = shapley.contributions(pipeline, rows).tolist()
    scores = probability(pipeline, rows).tolist()
    return tuple(Golden(*entry) for entry in zip(leads, scores, map(tuple, shares), strict=True))


def _typical(column: Column, reference: Mapping[str, Any], rng: np.random.Generator) -> Any:
    if rng.random() < reference["missing"]:
        return None
    if column.kind == "number":
        return float(rng.choice(reference["quantiles"]))
    shares = np.array(list(reference["levels"].values()))
    return str(rng.choice(list(reference["levels"]), p=shares / shares.sum()))
