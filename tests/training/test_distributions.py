"""What the card keeps of the training leads: shares that add up, in bins that are counted as served."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.training.dataset import load
from leadscore.training.distributions import drift
from tests.conftest import TWIN

BLOCKS: list[dict[str, Any]] = [
    {"name": "visits", "role": "feature", "kind": "number"},
    {"name": "empty", "role": "feature", "kind": "number"},
    {"name": "origin", "role": "feature", "kind": "category"},
    {"name": "id", "role": "id", "kind": "number", "clock": True},
    {"name": "won", "role": "target", "kind": "category", "positive": "1", "negative": "0"},
]
DICTIONARY = Dictionary.from_dict(
    {"column": [{**b, "source": b["name"].upper(), "known": "capture", "why": "-"} for b in BLOCKS]}
)


@pytest.fixture(scope="module")
def bins() -> dict[str, dict[str, list[float]]]:
    """Of a thousand leads: zeros and a tail, nothing at all, two common levels and a rare one."""
    visits = np.array([0.0] * 500 + [0.1] * 200 + list(range(1, 201)) + [np.nan] * 100, np.float32)
    features = pd.DataFrame(
        {
            "visits": visits,
            "empty": np.full(1000, np.nan, np.float32),
            "origin": ["api"] * 600 + ["form"] * 194 + ["fax"] * 6 + [""] * 200,
        }
    )
    found = drift(features, DICTIONARY, np.linspace(0.01, 0.05, 1000))
    return {**found["features"], "score": found["score"]}


def test_a_number_has_its_distinct_deciles_as_edges(bins: dict[str, dict[str, list[float]]]) -> None:
    """A value on an edge belongs above it, also where float32 is not the decimal; missing is last."""
    edges, shares = bins["visits"]["edges"], bins["visits"]["shares"]
    assert edges[:2] == [0.0, float(np.float32(0.1))]
    assert edges == sorted(set(edges))
    assert len(shares) == len(edges) + 2
    assert shares[:2] == [0.0, 0.5]
    assert shares[-1] == 0.1
    assert sum(shares) == pytest.approx(1)


def test_a_number_without_values_has_no_edges(bins: dict[str, dict[str, list[float]]]) -> None:
    """All leads are missing it, and a served one that has it is in a bin of its own."""
    assert bins["empty"] == {"edges": [], "shares": [0.0, 1.0]}


def test_a_category_has_its_common_levels(bins: dict[str, dict[str, list[float]]]) -> None:
    """The commonest first, then one bin for all others, and one for missing."""
    assert bins["origin"] == {"levels": ["api", "form"], "shares": [0.6, 0.194, 0.006, 0.2]}


def test_the_score_has_its_deciles_as_bins(bins: dict[str, dict[str, list[float]]]) -> None:
    """A tenth of the leads in each, so that it can move where all probabilities are small."""
    assert bins["score"]["shares"] == pytest.approx([0.1] * 10 + [0.0], abs=0.01)


def test_shipped_bins_are_those_of_its_training_leads(scorer: Scorer) -> None:
    """Counted again from the card alone, by the rule the card states."""
    card = scorer.card
    features = load(TWIN, card.dictionary).features
    for column in card.dictionary.features:
        bins, values = card.drift["features"][column.name], features[column.name]
        if column.kind == "number":
            edges = np.array(bins["edges"], np.float32)
            counted = [int((edges <= value).sum()) for value in values.dropna()]
            counted += [len(edges) + 1] * int(values.isna().sum())
        else:
            places = {level: place for place, level in enumerate(bins["levels"])}
            places[""] = len(bins["levels"]) + 1
            counted = [places.get(value, len(bins["levels"])) for value in values]
        shares = np.bincount(counted, minlength=len(bins["shares"])) / len(values)
        assert shares == pytest.approx(bins["shares"], abs=1e-6), column.name
