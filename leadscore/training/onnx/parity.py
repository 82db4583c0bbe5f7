"""Proof that the graphs compute what the fitted pipeline computes, on leads made to break them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from leadscore.card import Card
from leadscore.columns import LARGEST, Tensors, tensor
from leadscore.dictionary import Dictionary
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training.dataset import frame, inputs, spread
from leadscore.training.errors import RefusedError
from leadscore.training.evaluation.figures import Probability
from leadscore.training.models import probability
from leadscore.training.onnx.shap_values import contributions
from leadscore.training.onnx.trees import boosted_trees

MOST_LEADS: Final = 50_000  # of those given, spread over time
ADVERSARIAL_LEADS: Final = 10_000  # at least; more where a column has more values to try

# What may differ, as it is said.
SERVED: Final = "the served graph from the pipeline"
PLAIN: Final = "the plain graph from the pipeline"
BETWEEN: Final = "the plain graph from the served one"
CONTRIBUTIONS: Final = "contributions from XGBoost's"

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
    """A graph and the pipeline disagree: the model must not be shipped."""


@dataclass(frozen=True)
class Parity:
    """Leads compared; the largest differences between the served graph, the plain one and the pipeline,
    in probability, and between the served graph's contributions and XGBoost's, in log-odds; decisions
    that are not the same by all three.
    """

    leads: int
    adversarial_leads: int
    largest_difference: float
    largest_plain_difference: float
    largest_plain_served_difference: float
    largest_contribution_difference: float
    flipped_decisions: int

    def to_dict(self) -> dict[str, float]:
        """For the card and metrics.json."""
        return asdict(self)


Plain: TypeAlias = Callable[[Tensors], Probability]
"""Runs the plain graph on model inputs."""


def check(pipeline: Pipeline, scorer: Scorer, plain: Plain, features: pd.DataFrame, seed: int) -> Parity:
    """Compare the served graph, the plain one and the pipeline on the given leads and adversarial ones.

    Raises ParityError when two of them differ by more than the tolerance or a decision flips.
    """
    found: dict[str, list[float]] = {}
    counts: list[int] = []
    flips = 0
    for batch in _batches(pipeline, scorer.card, features, seed):
        rows = frame(batch)
        expected, witness = probability(pipeline, rows), plain(batch)
        served, contributed = scorer.run(batch)
        for what, one, other in (
            (SERVED, served, expected),
            (PLAIN, witness, expected),
            (BETWEEN, witness, served),
            (CONTRIBUTIONS, contributed, contributions(pipeline, rows)),
        ):
            found.setdefault(what, []).append(_largest(one, other))
        flips += _flips(scorer.card, served, expected, witness)
        counts.append(len(rows))
    largest = {what: float(np.max(differences)) for what, differences in found.items()}  # keeps NaN
    _refuse(largest, flips, sum(counts))
    return Parity(
        leads=counts[0],
        adversarial_leads=counts[1],
        largest_difference=largest[SERVED],
        largest_plain_difference=largest[PLAIN],
        largest_plain_served_difference=largest[BETWEEN],
        largest_contribution_difference=largest[CONTRIBUTIONS],
        flipped_decisions=flips,
    )


def check_plain(
    pipeline: Pipeline, card: Card, plain: Plain, features: pd.DataFrame, seed: int
) -> float:
    """Compare the plain graph alone with the pipeline, in the same way; the largest difference."""
    differences, count, flips = [], 0, 0
    for batch in _batches(pipeline, card, features, seed):
        expected, found = probability(pipeline, frame(batch)), plain(batch)
        differences.append(_largest(found, expected))
        flips += _flips(card, expected, found)
        count += len(expected)
    largest = float(np.max(differences))
    _refuse({PLAIN: largest}, flips, count)
    return largest


def _batches(pipeline: Pipeline, card: Card, features: pd.DataFrame, seed: int) -> Iterator[Tensors]:
    yield inputs(features.iloc[spread(len(features), MOST_LEADS)], card.dictionary)
    yield adversarial(pipeline, card.dictionary, card.reference, seed)


def _largest(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).max())


def _flips(card: Card, first: Probability, *others: Probability) -> int:
    """Leads that do not convert by all of these or by none."""
    decided = first >= card.threshold.value
    differ = [(other >= card.threshold.value) != decided for other in others]
    return int(np.any(differ, axis=0).sum())


def _refuse(largest: Mapping[str, float], flips: int, leads: int) -> None:
    if flips or not all(difference <= TOLERANCE for difference in largest.values()):  # NaN is none
        differences = ", ".join(f"{what} by {difference:.2g}" for what, difference in largest.items())
        raise ParityError(
            f"over {leads} leads differ by up to (allowed: {TOLERANCE:g}) {differences}; "
            f"decisions that flip: {flips}"
        )


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
