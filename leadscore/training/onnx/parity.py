"""Proof that the ONNX graph computes what the fitted pipeline computes, on leads made to break it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from leadscore.columns import LARGEST, Dictionary, Tensors, tensor
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training.dataset import frame, inputs
from leadscore.training.errors import RefusedError
from leadscore.training.models import probability
from leadscore.training.onnx.shap_values import contributions
from leadscore.training.onnx.trees import boosted_trees

ADVERSARIAL_LEADS: Final = 10_000  # at least; more where a column has more values to try

_NUMBERS: Final = (np.nan, 0, -0.0, -1, 1, 0.1, 1e-45, 1e-38, 2**24 + 1, 1e30, -1e30, LARGEST, -LARGEST)
_TEXTS: Final = (
    "",
    "unseen",
    "select",
    "nan",
    "0",
    " ",
    "Zürich",
    "東京",
    "👩‍💻",
    "a\x00b",
    "x" * 10_000,
)


class ParityError(RefusedError):
    """The graph and the pipeline disagree: the model must not be shipped."""


@dataclass(frozen=True)
class Parity:
    """Leads compared, the largest difference in probability and in a contribution (log-odds), and
    decisions that differ.
    """

    leads: int
    adversarial_leads: int
    largest_difference: float
    largest_contribution_difference: float
    flipped_decisions: int

    def to_dict(self) -> dict[str, float]:
        """For the card and metrics.json."""
        return asdict(self)


def check(pipeline: Pipeline, scorer: Scorer, features: pd.DataFrame, seed: int) -> Parity:
    """Compare both on the given leads and on adversarial ones.

    Raises ParityError when a probability differs by more than the tolerance or a decision flips.
    """
    dictionary = scorer.card.dictionary
    hostile = adversarial(pipeline, dictionary, scorer.card.reference, seed)
    differences, flips = [], 0
    for batch in (inputs(features, dictionary), hostile):
        rows = frame(batch)
        probabilities, reasons = scorer.run(batch)
        expected = probability(pipeline, rows)
        shares = contributions(pipeline, rows)
        differences.append((np.abs(probabilities - expected).max(), np.abs(reasons - shares).max()))
        flips += int(np.sum(scorer.converts(probabilities) != scorer.converts(expected)))
    largest = np.max(differences, axis=0)  # NaN stays NaN
    parity = Parity(len(features), len(frame(hostile)), float(largest[0]), float(largest[1]), flips)
    if not np.all(largest <= TOLERANCE) or flips:
        raise ParityError(
            f"the graph differs from the pipeline by up to {largest[0]:.2g} in probability and "
            f"{largest[1]:.2g} in a contribution (at most {TOLERANCE:g}) and flips {flips} decisions "
            f"over {parity.leads + parity.adversarial_leads} leads"
        )
    return parity


def adversarial(
    pipeline: Pipeline, dictionary: Dictionary, reference: Mapping[str, Mapping[str, Any]], seed: int
) -> Tensors:
    """Leads made to find a difference, as model inputs.

    Numbers take every split of the trees and its two float32 neighbours, extremes and NaN; categories
    take every level, its variants, unseen, empty, non-ASCII and 10 kB text. Each value stands in some
    lead, in random company; the first lead is missing everything.
    """
    rng = np.random.default_rng(seed)
    splits = _splits(pipeline)
    pools = {
        c.name: _numbers(splits.get(c.name, [])) if c.kind == "number" else _texts(reference[c.name])
        for c in dictionary.features
    }
    count = max(ADVERSARIAL_LEADS, *(len(pool) for pool in pools.values()))
    batch = {}
    for column in dictionary.features:
        values = np.resize(pools[column.name], count)
        rng.shuffle(values)
        values[0] = column.read(None)
        batch[column.name] = tensor(column, values.tolist())
    return batch


def _numbers(splits: list[float]) -> NDArray[np.float32]:
    at = np.array(splits, dtype=np.float32)
    around = [np.nextafter(at, np.float32(side)) for side in (-np.inf, np.inf)]
    return np.concatenate([at, *around, np.array(_NUMBERS, dtype=np.float32)])


def _texts(reference: Mapping[str, Any]) -> NDArray[np.object_]:
    variants = [v for level in reference["levels"] for v in (level, level.lower(), f"{level} ")]
    return np.array([*variants, *_TEXTS], dtype=object)


def _splits(pipeline: Pipeline) -> dict[str, list[float]]:
    """Every value a tree compares a number with, by column."""
    names = pipeline["encode"].get_feature_names_out()
    found: dict[str, list[float]] = {}
    for tree in boosted_trees(pipeline):
        for split in filter(None, tree.split):
            found.setdefault(names[split.feature], []).append(split.threshold)
    return found
