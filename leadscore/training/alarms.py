"""What a training is to be distrusted for, in words, at its end and in the card; some is refused."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from leadscore.training.audit.warnings import warnings
from leadscore.training.dataset import Dataset
from leadscore.training.draft.notations import separator
from leadscore.training.errors import Alarm, RefusedError
from leadscore.training.evaluation.resampling import differences
from leadscore.training.models import SERVED, probability
from leadscore.training.recipe import Comparison, Evaluated

FEW: Final = 200  # leads of one outcome: figures of fewer are hardly figures
MOVED: Final = 0.5  # of the older conversion rate
TIME_COSTS: Final = 0.01  # ROC-AUC; less than that may be the fewer leads of a rolling origin


def alarms(
    leads: Dataset,
    served: Evaluated,
    comparison: Comparison,
    metrics: Mapping[str, Any],
    seed: int,
) -> list[Alarm]:
    """Every alarm, those to refuse for first."""
    found = [
        *_nothing_learned(served, metrics),
        *alarms_of_leads(leads),
        *_better(comparison, seed),
    ]
    if leads.timed:
        found += [*_moved(leads), *_time(comparison, seed)]
    return sorted(found, key=lambda alarm: not alarm.refused)


def alarms_of_leads(leads: Dataset) -> list[Alarm]:
    """Those for which no model is needed."""
    return [*warnings(leads), *_few(leads), *_constant(leads), *_lists(leads)]


def check(found: list[Alarm], force: bool) -> None:
    """RefusedError if the model must not be published for an alarm; `force` overrides what it can."""
    if refused := [alarm for alarm in found if alarm.refused and not (force and alarm.forced)]:
        lines = "".join(f"\n- {alarm.text}" for alarm in refused)
        way = "\nUse --force to publish it all the same." if all(a.forced for a in refused) else ""
        raise RefusedError(f"the model is not to be trusted:{lines}{way}")


def _nothing_learned(served: Evaluated, metrics: Mapping[str, Any]) -> Iterator[Alarm]:
    if served.calibration and served.calibration.slope <= 0:
        yield Alarm(
            "Nothing was learned: out of fold, leads with higher scores convert less often "
            f"(calibration slope {served.calibration.slope:.2f}).",
            refused=True,
            forced=False,
        )
    low, high = metrics["intervals"]["roc_auc"]
    if low <= 0.5:  # noqa: PLR2004  (chance)
        yield Alarm(
            f"Nothing was learned: the ROC-AUC of leads it was not fitted to is {low:.3f} to {high:.3f} "
            "with 95 % confidence, and 0.5 is chance.",
            refused=True,
        )


def _few(leads: Dataset) -> Iterator[Alarm]:
    for outcome, what in ((1, "converted"), (0, "did not convert")):
        if (count := int(np.sum(leads.target == outcome))) < FEW:
            yield Alarm(f"Only {count} leads {what}: with fewer than {FEW} all figures are rough.")


def _constant(leads: Dataset) -> Iterator[Alarm]:
    features = leads.oldest()[0]
    named = [c.source for c in leads.dictionary.features if features[c.name].nunique(dropna=False) == 1]
    if named:
        yield Alarm(
            f"The same in all training leads, so nothing is learned from it: {', '.join(named)}."
        )


def _lists(leads: Dataset) -> Iterator[Alarm]:
    for column in leads.dictionary.features:
        if column.kind != "category" or column.whole:
            continue
        texts = Counter(text for text in leads.features[column.name] if text)
        if mark := separator(texts):
            yield Alarm(
                f"{column.source} holds lists, and {len(texts)} combinations of their entries count as "
                f"levels: with kind = 'list' and separator = {mark!r} each entry is read by itself."
            )


def _better(comparison: Comparison, seed: int) -> Iterator[Alarm]:
    """The candidate with the lowest log loss of those that beat the served one beyond chance."""
    leads, models = comparison.leads, comparison.models
    features, target = leads.newest()
    ours = probability(comparison.served.pipeline, features)
    rivals = {name: model for name, model in models.items() if name != SERVED}
    found = {
        name: differences(
            target, probability(model.pipeline, features), ours, seed, 1 - 0.05 / len(rivals)
        )["log_loss"]
        for name, model in rivals.items()
    }
    name = min(found, key=lambda rival: found[rival].value)
    if (difference := found[name]).high < 0:
        figures = [models[model].newest for model in (name, SERVED)]
        theirs, served = (f"{f['log_loss']:.3f} (ROC-AUC {f['roc_auc']:.3f})" for f in figures)
        yield Alarm(
            f"On the {leads.tested} of {len(leads):,} leads {name.replace('_', ' ')} is better than the "
            f"served {SERVED} beyond chance: log loss {theirs} against {served}, difference "
            f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}). It cannot be "
            "exported with reasons."
        )


def _moved(leads: Dataset) -> Iterator[Alarm]:
    before, after = (float(target.mean()) for _, target in (leads.oldest(), leads.newest()))
    if abs(after - before) > MOVED * before:
        yield Alarm(
            f"Conversion moved from {before:.1%} of the oldest leads to {after:.1%} of the newest: the "
            "probabilities of a model that learned from the past are off by as much."
        )


def _time(comparison: Comparison, seed: int) -> Iterator[Alarm]:
    served = comparison.served
    newer = len(served.rolling_scores)
    target = comparison.leads.oldest()[1][-newer:]
    out_of_fold = served.out_of_fold.probability[-newer:]
    found = differences(target, served.rolling_scores, out_of_fold, seed)["roc_auc"]
    if found.value < -TIME_COSTS and found.high < 0:
        yield Alarm(
            "The leads change with time: predicted from the leads before them, their ROC-AUC is "
            f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}) from that of cross-validation, "
            "which mixes the times."
        )
