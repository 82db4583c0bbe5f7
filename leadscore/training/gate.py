"""The publish gate: a new model replaces the published one only if it is not worse."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.scorer import Scorer
from leadscore.training.dataset import Dataset, inputs
from leadscore.training.evaluation import Difference, Probability, Target, differences

SMALLEST_SLICE: Final = 100  # leads; fewer say too little
FEWEST_OF_EACH_OUTCOME: Final = 10  # in a slice, for an ROC-AUC

_TITLES: Final = {"roc_auc": "ROC-AUC", "log_loss": "log loss", "ece": "calibration error"}


def objections(published: Scorer, leads: Dataset, probability: Probability, seed: int) -> list[str]:
    """Why the new model must not replace the published one, in words; empty when nothing speaks against
    it.

    Both score the newest of `leads`, which hold every column of the data dictionary; `probability`,
    shape (newest leads,), is the new model's. A figure counts as worse when the 95 % interval of its
    difference, by a paired bootstrap, excludes 0; among slices the intervals are widened so that all of
    them hold together (Bonferroni).
    """
    dictionary, names = published.card.dictionary, set(leads.features)
    if absent := [column.source for column in dictionary.features if column.name not in names]:
        return [f"the published model reads {', '.join(absent)}, which this data lacks: not comparable"]
    features, target = leads.newest()
    theirs, _ = published.run(inputs(features, dictionary))
    found = [
        f"{text} on the newest leads" for text in _worse(differences(target, probability, theirs, seed))
    ]
    parts = slices(leads)
    for name, rows in parts.items():
        compared = differences(
            target[rows], probability[rows], theirs[rows], seed, 1 - 0.05 / len(parts)
        )
        del compared["ece"]  # of a small slice it is mostly noise
        found += [f"{text} for {name} ({rows.sum():,} leads)" for text in _worse(compared)]
    return found


def slices(leads: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Rows of the newest leads, by each common level of the columns that the dictionary slices by."""
    features, target = leads.newest()
    parts = {
        f"{column.source} = {level or 'missing'}": (features[column.name] == level).to_numpy()
        for column in leads.dictionary.features
        if column.slices
        for level in sorted(features[column.name].unique())
    }
    return {name: rows for name, rows in parts.items() if _large(target[rows])}


def _large(target: Target) -> bool:
    outcomes = np.bincount(target, minlength=2)
    return len(target) >= SMALLEST_SLICE and outcomes.min() >= FEWEST_OF_EACH_OUTCOME


def _worse(found: dict[str, Difference]) -> Iterator[str]:
    for name, difference in found.items():
        worse = difference.high < 0 if name == "roc_auc" else difference.low > 0
        if worse:
            yield (
                f"{_TITLES[name]} {difference.value:+.4f} "
                f"({difference.low:+.4f} to {difference.high:+.4f})"
            )
