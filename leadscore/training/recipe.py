"""The recipe by which every model is fitted, given its threshold and measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pandas as pd
from sklearn.pipeline import Pipeline

from leadscore.card import Threshold
from leadscore.training import decision
from leadscore.training.dataset import Dataset
from leadscore.training.decision import Rule
from leadscore.training.evaluation.calibration import Calibration, calibrate
from leadscore.training.evaluation.figures import Figures, Probability, Target, measure
from leadscore.training.evaluation.folds import (
    Fit,
    OutOfFold,
    at_once,
    fit_here,
    out_of_fold,
    rolling_origin,
)
from leadscore.training.models import CANDIDATES, SERVED, CalibratedXGBClassifier, probability
from leadscore.training.progress import Step

DEFAULT_RULE: Final = Rule()

MOST_COMPARED: Final = 50_000
"""Leads on which models, splits and columns are compared: what is better is certain long before a
million."""


@dataclass(frozen=True)
class Fitted:
    """A model fitted on the oldest `leads` of a dataset, and what its threshold was chosen on."""

    leads: int
    pipeline: Pipeline
    calibration: Calibration | None
    threshold: Threshold
    out_of_fold: OutOfFold


@dataclass(frozen=True)
class Evaluated(Fitted):
    """A model fitted on the oldest leads, and its figures: out of fold, and on the newest leads."""

    cross_validated: Figures
    newest: Figures

    def to_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "threshold": self.threshold.value,
            "cross_validated": self.cross_validated,
            "newest": self.newest,
        }


@dataclass(frozen=True)
class Compared(Evaluated):
    """A model whose figures are compared between ways to split the leads, too; these are at most
    `folds.ENOUGH`.

    `rolling_scores`, shape (newer half of the oldest leads,): see `folds.rolling_origin`; `rolling` are
    their figures, `mixed` those of the same leads out of fold.
    """

    rolling_scores: Probability
    rolling: Figures
    mixed: Figures
    at_random: Figures

    def to_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        compared = {"rolling": self.rolling, "mixed": self.mixed, "at_random": self.at_random}
        return {**super().to_dict(), **compared}


@dataclass(frozen=True)
class Comparison:
    """The candidates by name, compared on `leads`."""

    leads: Dataset
    models: Mapping[str, Compared]

    @property
    def served(self) -> Compared:
        """The model that is exported, as it is on these leads."""
        return self.models[SERVED]


def fit(
    features: pd.DataFrame,
    target: Target,
    model: Pipeline,
    seed: int,
    rule: Rule = DEFAULT_RULE,
    by: Fit = fit_here,
) -> Fitted:
    """Fit a model `by` some way on some leads; their threshold, and the served model's calibration, are
    chosen on probabilities out of fold.
    """
    rows, scores = out_of_fold(
        model, features, target, seed, partial(by, model, features, target), fit=by
    )
    calibration = None
    if isinstance(model["model"], CalibratedXGBClassifier):
        calibration, scores = calibrate(target[rows], scores)
        model["model"].slope, model["model"].intercept = calibration.slope, calibration.intercept
    threshold = decision.choose(rule, target[rows], scores)
    return Fitted(len(target), model, calibration, threshold, OutOfFold(rows, scores))


def refit(leads: Dataset, seed: int, rule: Rule = DEFAULT_RULE, by: Fit = fit_here) -> Fitted:
    """Fit the served model on all leads: it is to know the newest, too."""
    model = CANDIDATES[SERVED](leads.dictionary.features, seed)
    return fit(leads.features, leads.target, model, seed, rule, by)


def evaluate(
    leads: Dataset, name: str, seed: int, rule: Rule = DEFAULT_RULE, by: Fit = fit_here
) -> Evaluated:
    """Fit one model on the oldest leads, and score the newest once."""
    features, target = leads.oldest()
    model = CANDIDATES[name](leads.dictionary.features, seed)
    fitted = fit(features, target, model, seed, rule, by)
    rows, scores = fitted.out_of_fold
    at = fitted.threshold.value
    return Evaluated(
        **vars(fitted),
        cross_validated=measure(target[rows], scores, at),
        newest=on_newest(fitted.pipeline, leads, at),
    )


def compare(leads: Dataset, name: str, seed: int, rule: Rule = DEFAULT_RULE) -> Compared:
    """Evaluate one model, and by other splits of the same leads."""
    evaluated = evaluate(leads, name, seed, rule)
    features, target = leads.oldest()
    at = evaluated.threshold.value
    rolling, random = at_once(
        partial(rolling_origin, evaluated.pipeline, features, target),
        partial(at_random, leads, name, seed, evaluated),
    )
    if evaluated.calibration:
        rolling = evaluated.calibration.apply(rolling)
    newer = slice(-len(rolling), None)
    return Compared(
        **vars(evaluated),
        rolling_scores=rolling,
        rolling=measure(target[newer], rolling, at),
        mixed=measure(target[newer], evaluated.out_of_fold.probability[newer], at),
        at_random=random,
    )


def compare_all(leads: Dataset, seed: int, rule: Rule, step: Step) -> Comparison:
    """Compare the candidates on at most MOST_COMPARED of the leads, spread over time."""
    leads, models = leads.spread(MOST_COMPARED), {}
    for name in CANDIDATES:
        step(f"comparing models: {name.replace('_', ' ')}")
        models[name] = compare(leads, name, seed, rule)
    return Comparison(leads, models)


def at_random(leads: Dataset, name: str, seed: int, fitted: Fitted) -> Figures:
    """What the same model would claim if leads were split without regard to time; its threshold and
    calibration are those of the one that is `fitted` by time.
    """
    shuffled = leads.shuffled(seed)
    model = CANDIDATES[name](shuffled.dictionary.features, seed).fit(*shuffled.oldest())
    return on_newest(model, shuffled, fitted.threshold.value, fitted.calibration)


def on_newest(
    model: Pipeline, leads: Dataset, threshold: float, calibration: Calibration | None = None
) -> Figures:
    """The figures of a fitted model on the newest leads; `calibration`: one that it lacks."""
    features, target = leads.newest()
    scores = probability(model, features)
    return measure(target, calibration.apply(scores) if calibration else scores, threshold)
