"""What a model claims when leads are split by time and when at random, and why that differs."""

from collections.abc import Mapping
from typing import Any, Final

from leadscore.dictionary import Dictionary
from leadscore.training.dataset import Dataset
from leadscore.training.decision import Rule
from leadscore.training.evaluation.figures import Figures
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.progress import Step
from leadscore.training.recipe import Compared, at_random, fit, on_newest
from leadscore.training.slices import seen

UNTIMED: Final = (
    "No column of the data dictionary is a clock, so leads were split at random: the figures say how "
    "the model does on leads like those it learned from."
)


def tested(metrics: Mapping[str, Any]) -> str:
    """What the leads a model was tested on are called."""
    return "newest" if metrics["data"]["split"] == "by time" else "held-out"


def on_cluster(metrics: Mapping[str, Any]) -> str:
    """What was learned on a cluster and what from a sample, in words; empty if all leads were here."""
    data = metrics["data"]
    if "sample_of" not in data:
        return ""
    others = "older than" if data["split"] == "by time" else "other than"
    tested = f"those {others} the {data['tested_on']:,} they are tested on"
    refitted = data["fitted_on"] > data["trained_on"]
    learned = f"all, and where they are tested {tested}" if refitted else tested
    return (
        f"The trees of “{metrics['served']}” learned on a cluster. Of {data['sample_of']:,} leads, they "
        f"learned from {learned}. Levels, calibration, threshold, grades and every figure are of a "
        f"sample, {data['leads']:,} of these leads."
    )


def sampled(metrics: Mapping[str, Any]) -> str:
    """On which leads models and columns are compared, in words; empty if on all."""
    if "compared_on" not in metrics["data"]:
        return ""
    data, served = metrics["data"], metrics["served"]
    text = (
        f"Models, splits and columns are compared on {data['compared_on']:,} of the leads, spread "
        f"evenly over them; “{served} on sample” is the served model fitted on these, “{served}” on all."
    )
    if "decided_on" in data:
        text += (
            f" Its calibration and threshold are chosen on {data['decided_on']:,} leads out of fold, "
            "that is one fold of five."
        )
    return text


def ablation(
    leads: Dataset, dictionary: Dictionary, served: Compared, rule: Rule, seed: int, step: Step
) -> dict[str, Any]:
    """What the served model would claim with ever later columns, split by time and at random.

    `served`: with the columns it has, on the same leads; no set of columns is fitted twice.
    """
    found = {}
    own = {"by_time": served.newest, "at_random": served.at_random}
    known = {tuple(served.pipeline.feature_names_in_): own}
    moments = dictionary.moments
    first = min(moments.index(c.known) for c in dictionary.columns if c.role == "feature")
    levels = {moment: dictionary.known_at(moment) for moment in moments[first:]}
    for name, used in {**levels, "everything": leads.dictionary}.items():
        step(f"ablation: columns known when {name}" if name in levels else "ablation: all columns")
        names = tuple(column.name for column in used.features)
        if names not in known:
            known[names] = _claims(leads.narrow(used), seed, rule)
        found[name] = {"features": len(used.features), **known[names]}
    return found


def _claims(leads: Dataset, seed: int, rule: Rule) -> dict[str, Figures]:
    model = CANDIDATES[SERVED](leads.dictionary.features, seed)
    fitted = fit(*leads.oldest(), model, seed, rule)
    return {
        "by_time": on_newest(model, leads, fitted.threshold.value),
        "at_random": at_random(leads, SERVED, seed, fitted),
    }


def seen_before(leads: Dataset, seed: int) -> dict[str, float]:
    """The share of test leads that equal a training lead in every feature."""
    splits = {"by_time": leads, "at_random": leads.shuffled(seed)}
    return {name: round(float(seen(split).mean()), 4) for name, split in splits.items()}


def explained(metrics: Mapping[str, Any]) -> str:
    """Why a model's figures differ between the split by time and one at random, in a few sentences; or
    that there is none by time.
    """
    if metrics["data"]["split"] == "at random":
        return UNTIMED
    own = metrics["ablation"][metrics["known"]]
    by_time, at_random = own["by_time"]["roc_auc"], own["at_random"]["roc_auc"]
    flattery = at_random - by_time
    repeated = {split: f"{share:.0%}" for split, share in metrics["seen_before"].items()}
    harder = "easier" if by_time > at_random else "harder"
    text = (
        f"By time the model reaches ROC-AUC {by_time:.3f}, at random {at_random:.3f}: the newest leads "
        f"are {harder} to tell apart than leads of all times. Only the split by time asks what a user "
        "asks, how the leads of tomorrow are ranked; a random one also lets the model learn from leads "
        f"newer than those it is tested on ({repeated['at_random']} of its test leads equal a training "
        f"lead, {repeated['by_time']} by time)."
    )
    flattered = [
        f"“{name}” {level['at_random']['roc_auc']:.3f} instead of {level['by_time']['roc_auc']:.3f}"
        for name, level in metrics["ablation"].items()
        if round(level["at_random"]["roc_auc"] - level["by_time"]["roc_auc"], 3)
        > max(0.0, round(flattery, 3))
    ]
    if flattered:
        text += f" It flatters columns whose values change with time: {', '.join(flattered)}."
    return text
