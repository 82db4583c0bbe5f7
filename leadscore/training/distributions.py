"""How the training leads are distributed: what the card keeps of them in place of the leads."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from leadscore.columns import Column
from leadscore.dictionary import Dictionary
from leadscore.training import decision
from leadscore.training.evaluation.figures import Probability
from leadscore.training.levels import RARE_LEVEL

BIN_OF_ITS_OWN: Final = 0.01  # of the leads: a rarer level is counted with the others
_DECILES: Final = np.arange(1, 10) / 10


def reference(features: pd.DataFrame, dictionary: Dictionary) -> dict[str, dict[str, Any]]:
    """The distribution of each feature among some leads, as `Card.reference` holds it."""
    return {c.name: _distribution(features[c.name], c) for c in dictionary.features}


def _distribution(values: pd.Series, column: Column) -> dict[str, Any]:
    missing = values.isna() if column.kind == "number" else values == ""
    present = values[~missing]
    share = round(float(missing.mean()), 6)
    if column.kind == "number":
        deciles = np.quantile(present, np.linspace(0, 1, 11)) if len(present) else []
        return {"missing": share, "quantiles": [round(float(value), 6) for value in deciles]}
    counts = present.value_counts()
    shares = counts[counts >= RARE_LEVEL] / max(len(present), 1)
    return {"missing": share, "levels": {str(k): round(float(v), 6) for k, v in shares.items()}}


def drift(features: pd.DataFrame, dictionary: Dictionary, scores: Probability) -> dict[str, Any]:
    """The bins by which served leads are compared with these, as `Card.drift` holds them; `scores` are
    the model's of the same leads.
    """
    bins = {"number": _number_bins, "category": _level_bins}
    found = {c.name: bins[c.kind](features[c.name]) for c in dictionary.features}
    edges = sorted(set(decision.cuts(scores, _DECILES)))
    return {"features": found, "score": {"edges": edges, "shares": _shares(edges, scores)}}


def _number_bins(values: pd.Series) -> dict[str, list[Any]]:
    present = values.dropna()
    deciles = np.quantile(present, _DECILES) if len(present) else []
    edges = np.unique(np.asarray(deciles, np.float32)).tolist()
    return {"edges": edges, "shares": _shares(edges, values)}


def _shares(edges: Sequence[float], values: ArrayLike) -> list[float]:
    """The share of values in each bin. In float32, as whoever counts served leads does it: a value that
    lies on an edge must not fall into another bin here than there.
    """
    found = np.asarray(values, np.float32)
    missing = np.isnan(found)
    bins = np.searchsorted(np.asarray(edges, np.float32), found, side="right")
    bins[missing] = len(edges) + 1
    return _rounded(np.bincount(bins, minlength=len(edges) + 2) / len(found))


def _level_bins(values: pd.Series) -> dict[str, list[Any]]:
    counts = values.value_counts()
    shares = counts / len(values)
    missing = float(shares.get("", 0.0))
    own = shares[(shares >= BIN_OF_ITS_OWN) & (counts >= RARE_LEVEL) & (shares.index != "")]
    others = 1 - float(own.sum()) - missing
    return {
        "levels": [str(level) for level in own.index],
        "shares": _rounded(np.array([*own, max(others, 0.0), missing])),
    }


def _rounded(shares: NDArray[np.float64]) -> list[float]:
    return [round(float(share), 6) for share in shares]
