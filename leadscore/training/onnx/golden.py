"""Golden leads: what a model file proves itself by, wherever it is loaded."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from sklearn.pipeline import Pipeline

from leadscore.card import Golden
from leadscore.columns import Column, tensor
from leadscore.dictionary import Dictionary
from leadscore.training.dataset import frame
from leadscore.training.models import probability
from leadscore.training.onnx.shap_values import contributions

GOLDEN_LEADS: Final = 16


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
    shares = contributions(pipeline, rows).tolist()
    scores = probability(pipeline, rows).tolist()
    return tuple(Golden(*entry) for entry in zip(leads, scores, map(tuple, shares), strict=True))


def _typical(column: Column, reference: Mapping[str, Any], rng: np.random.Generator) -> Any:
    known = reference.get("levels") or reference.get("quantiles")
    if rng.random() < reference["missing"] or not known:  # of a category, every level may be too rare
        return None
    if column.kind == "number":
        return float(rng.choice(known))
    shares = np.array(list(known.values()))
    return str(rng.choice(list(known), p=shares / shares.sum()))
