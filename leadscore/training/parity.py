"""Proof that the ONNX graph computes what the fitted pipeline computes, on leads made to break it."""

import json
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
from leadscore.training.evaluation import probability

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


class ParityError(RuntimeError):
    """The graph and the pipeline disagree: the model must not be shipped."""


@dataclass(frozen=True)
class Parity:
    """Leads compared, the largest difference in probability, and decisions that differ."""

    leads: int
    adversarial_leads: int
    largest_difference: float
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
    largest, flips = 0.0, 0
    for batch in (inputs(features, dictionary), hostile):
        expected, found = probability(pipeline, frame(batch)), scorer.run(batch)
        largest = max(largest, float(np.max(np.abs(found - expected))))  # NaN stays NaN
        flips += int(np.sum(scorer.converts(found) != scorer.converts(expected)))
    parity = Parity(len(features), len(frame(hostile)), largest, flips)
    if not largest <= TOLERANCE or flips:
        raise ParityError(
            f"the graph differs from the pipeline by up to {largest:.2g} (at most {TOLERANCE:g}) and "
            f"flips {flips} decisions over {parity.leads + parity.adversarial_leads} leads"
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
        batch[column.name] = tensor(column, values)
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
    splits: dict[str, list[float]] = {}
    for tree in trees(pipeline):
        for child, index, value in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if child != -1:
                splits.setdefault(names[index], []).append(value)
    return splits


def trees(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The boosted trees as XGBoost's JSON model format describes them."""
    document = json.loads(pipeline["model"].get_booster().save_raw("json"))
    found: list[dict[str, Any]] = document["learner"]["gradient_booster"]["model"]["trees"]
    return found
