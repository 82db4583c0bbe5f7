"""The recipe by which every model is fitted, given its threshold and measured."""

from dataclasses import dataclass
from typing import Any, Final

from sklearn.pipeline import Pipeline

from leadscore.card import Threshold
from leadscore.training import decision
from leadscore.training.dataset import Dataset
from leadscore.training.decision import Rule
from leadscore.training.evaluation.calibration import Calibration, calibrate
from leadscore.training.evaluation.figures import Figures, Probability, measure
from leadscore.training.evaluation.folds import out_of_fold
from leadscore.training.models import CANDIDATES, SERVED, probability

DEFAULT_RULE: Final = Rule()


@dataclass(frozen=True)
class Fitted:
    """A model fitted on the oldest leads, and its figures on leads it was not fitted to.

    `out_of_fold`, shape (oldest leads,): the probabilities its threshold was chosen on.
    """

    pipeline: Pipeline
    calibration: Calibration | None
    threshold: Threshold
    out_of_fold: Probability
    cross_validated: Figures
    newest: Figures
    at_random: Figures

    def to_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "threshold": self.threshold.value,
            "cross_validated": self.cross_validated,
            "newest": self.newest,
            "at_random": self.at_random,
        }


def fit(leads: Dataset, name: str, seed: int, rule: Rule = DEFAULT_RULE) -> Fitted:
    """Fit one model on the oldest leads, and score the newest once.

    Its threshold, and the served model's calibration, are chosen on probabilities out of fold.
    """
    model = CANDIDATES[name](leads.dictionary.features, seed)
    features, target = leads.oldest()
    scores = out_of_fold(model, features, target, seed)
    model.fit(features, target)
    calibration = None
    if name == SERVED:
        calibration, scores = calibrate(target, scores)
        model["model"].slope, model["model"].intercept = calibration.slope, calibration.intercept
    threshold = decision.choose(rule, target, scores)
    return Fitted(
        pipeline=model,
        calibration=calibration,
        threshold=threshold,
        out_of_fold=scores,
        cross_validated=measure(target, scores, threshold.value),
        newest=_on_newest(model, leads, threshold.value),
        at_random=_at_random(leads.shuffled(seed), name, seed, threshold.value),
    )


def _at_random(shuffled: Dataset, name: str, seed: int, threshold: float) -> Figures:
    """What the same model would claim if leads were split without regard to time."""
    model = CANDIDATES[name](shuffled.dictionary.features, seed).fit(*shuffled.oldest())
    return _on_newest(model, shuffled, threshold)


def _on_newest(model: Pipeline, leads: Dataset, threshold: float) -> Figures:
    features, target = leads.newest()
    return measure(target, probability(model, features), threshold)
