"""The publish gate: a new model replaces the published one only if it is not worse."""

from pathlib import Path
from typing import Final

from leadscore.card import MODEL
from leadscore.columns import ColumnError
from leadscore.scorer import ModelError, Scorer
from leadscore.training.dataset import Dataset, reread
from leadscore.training.errors import RefusedError
from leadscore.training.evaluation.figures import Probability
from leadscore.training.evaluation.resampling import (
    Difference,
    differences,
    differences_by_part,
)
from leadscore.training.slices import by_level

EVALUATED: Final = "evaluated.onnx"
"""Beside the published model, which has seen the newest leads: the best one so far as it was evaluated,
fitted on the oldest leads alone. The gate compares with it."""

_TITLES: Final = {"roc_auc": "ROC-AUC", "log_loss": "log loss"}
MARGINS: Final = {"roc_auc": 0.0075, "log_loss": 0.0045}
"""By how much a figure may be worse: models that differ by their seed alone differ by up to .005, and
the best so far is the luckiest of some."""

DOUBT: Final = 0.05
"""The chance to refuse an equal model: half of it for all leads, half for all slices together."""


def check(folder: Path, model_version: str, leads: Dataset, probability: Probability, seed: int) -> bool:
    """Raise RefusedError if the model in a folder is better than the new one, which as evaluated has
    this version and gives the newest leads these probabilities. The same model is not; a file that is
    not there or that no service could load is no competitor.

    Returns whether the new one is the one to beat from now on: if it is better beyond chance. Else a
    series of models, each a little worse than the last, would pass.
    """
    published = next((p for p in (folder / EVALUATED, folder / f"{MODEL}.onnx") if p.exists()), folder)
    try:
        scorer = Scorer(published)
    except ModelError:
        return True
    trained_on = scorer.card.data.get("trained_on")
    if published.name != EVALUATED and scorer.card.data.get("fitted_on", trained_on) != trained_on:
        raise RefusedError(
            f"{published} was fitted on all leads, and {EVALUATED}, which was not, is not beside it: "
            "there is nothing to compare with. Use --force to replace it all the same."
        )
    if scorer.card.version == model_version:
        return True
    if found := objections(scorer, leads, probability, seed):
        lines = "".join(f"\n- {text}" for text in found)
        raise RefusedError(
            f"the new model is worse than {published}, version {scorer.card.version}:{lines}\n"
            f"Both scored the same {leads.tested} leads. Use --force to replace it all the same, or "
            "--output for another folder."
        )
    features, target = leads.newest()
    theirs, _ = scorer.run(reread(features, scorer.card.dictionary))
    return differences(target, probability, theirs, seed)["log_loss"].high < 0


def objections(published: Scorer, leads: Dataset, probability: Probability, seed: int) -> list[str]:
    """Why the new model must not replace the published one, in words; empty when nothing speaks against
    it.

    Both score the newest of `leads`, which hold every column of the data dictionary; `probability`,
    shape (newest leads,), is the new model's. A figure counts as worse when it is so by more than its
    margin, and the interval of the difference, by a paired bootstrap, excludes 0. Of a slice, the whole
    interval has to lie beyond the margin, which is wider by the square root of the slice's share: few
    leads move more by the seed. Intervals are widened for the number of tests (Bonferroni), so that
    chance alone refuses with a probability of at most DOUBT.
    """
    dictionary, names = published.card.dictionary, set(leads.features)
    if absent := [column.source for column in dictionary.features if column.name not in names]:
        return [f"the published model reads {', '.join(absent)}, which this data lacks: not comparable"]
    features, target = leads.newest()
    try:
        theirs, _ = published.run(reread(features, dictionary))
    except ColumnError as error:
        return [f"the published model does not take these leads ({error}): not comparable"]
    # One-sided: only worse counts. Half of DOUBT is spread over two figures, half over those of slices.
    compared = differences(target, probability, theirs, seed, 1 - DOUBT / len(MARGINS))
    found = [
        f"{_told(name, difference)} on the {leads.tested} leads"
        for name, difference in compared.items()
        if _loss(name, difference.value) > MARGINS[name] and _least_loss(name, difference) > 0
    ]
    parts = by_level(leads)
    confidence = 1 - DOUBT / len(MARGINS) / max(1, len(parts))
    by_part = differences_by_part(target, probability, theirs, parts, seed, confidence)
    for part, compared in by_part.items():
        wider = parts[part].mean() ** -0.5
        found += [
            f"{_told(name, difference)} for {part} ({parts[part].sum():,} leads)"
            for name, difference in compared.items()
            if _least_loss(name, difference) > wider * MARGINS[name]
        ]
    return found


def _least_loss(figure: str, difference: Difference) -> float:
    """By how much the new model is worse at least, with the confidence of the interval."""
    return min(_loss(figure, difference.low), _loss(figure, difference.high))


def _loss(figure: str, difference: float) -> float:
    """A difference as a loss: a higher ROC-AUC is better, a lower log loss is."""
    return -difference if figure == "roc_auc" else difference


def _told(figure: str, difference: Difference) -> str:
    return f"{_TITLES[figure]} {difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
