"""The publish gate: a new model replaces the published one only if it is not worse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from leadscore.scorer import ModelError, Scorer
from leadscore.training.dataset import Dataset, reread
from leadscore.training.errors import RefusedError
from leadscore.training.evaluation.figures import Probability
from leadscore.training.evaluation.resampling import Difference, differences
from leadscore.training.slices import by_level

_TITLES: Final = {"roc_auc": "ROC-AUC", "log_loss": "log loss", "ece": "calibration error"}


def check(
    published: Path, model_version: str, leads: Dataset, probability: Probability, seed: int
) -> None:
    """Raise RefusedError if the published model is better than the new one, which has this version and
    gives the newest leads these probabilities. The same model is not; a file that is not there or that
    no service could load is no competitor.
    """
    try:
        scorer = Scorer(published)
    except ModelError:
        return
    if scorer.card.version == model_version:
        return
    if found := objections(scorer, leads, probability, seed):
        lines = "".join(f"\n- {text}" for text in found)
        raise RefusedError(
            f"the new model is worse than {published}, version {scorer.card.version}:{lines}\n"
            f"Both scored the same {leads.tested} leads. Use --force to replace it all the same, or "
            "--output for another folder."
        )


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
    theirs, _ = published.run(reread(features, dictionary))
    found = [
        f"{text} on the {leads.tested} leads"
        for text in _worse(differences(target, probability, theirs, seed))
    ]
    parts = by_level(leads)
    for name, rows in parts.items():
        compared = differences(
            target[rows], probability[rows], theirs[rows], seed, 1 - 0.05 / len(parts)
        )
        del compared["ece"]  # of a small slice it is mostly noise
        found += [f"{text} for {name} ({rows.sum():,} leads)" for text in _worse(compared)]
    return found


def _worse(found: dict[str, Difference]) -> Iterator[str]:
    for name, difference in found.items():
        worse = difference.high < 0 if name == "roc_auc" else difference.low > 0
        if worse:
            yield (
                f"{_TITLES[name]} {difference.value:+.4f} "
                f"({difference.low:+.4f} to {difference.high:+.4f})"
            )
