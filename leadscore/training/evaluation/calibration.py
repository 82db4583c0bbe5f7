"""Whether probabilities need a correction, and which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from leadscore.training.evaluation.figures import (
    Probability,
    Target,
    calibration_error,
    log_loss,
    reliability,
)
from leadscore.training.evaluation.folds import FOLDS

SIGMOID_GAIN: Final = 0.001  # in log loss, or calibration is not worth its two parameters


@dataclass(frozen=True)
class Calibration:
    """A correction of the log-odds, slope * log-odds + intercept, and what it does out of fold.

    `before` and `after`: log loss, calibration error and reliability curve without and with it.
    """

    method: str
    slope: float
    intercept: float
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def apply(self, scores: Probability) -> Probability:
        """Probabilities, corrected; the same if no correction was worth it."""
        if self.method == "none":
            return scores
        return np.asarray(expit(self.slope * logit(scores) + self.intercept), np.float64)


def calibrate(target: Target, scores: Probability) -> tuple[Calibration, Probability]:
    """Fit a sigmoid to out-of-fold probabilities (Platt 1999), and take it if it earns its place.

    Returns the decision and the probabilities to go on with: with the sigmoid, each lead's is corrected
    by one that was fitted without it. The sigmoid is taken if it lowers log loss by SIGMOID_GAIN.
    """
    log_odds = logit(scores)[:, None]
    sigmoid = LogisticRegression(C=np.inf)
    split = StratifiedKFold(FOLDS)
    corrected = cross_val_predict(sigmoid, log_odds, target, cv=split, method="predict_proba")[:, 1]
    before, after = _calibrated(target, scores), _calibrated(target, corrected)
    if before["log_loss"] - after["log_loss"] < SIGMOID_GAIN:
        return Calibration("none", 1.0, 0.0, before, after), scores
    sigmoid.fit(log_odds, target)
    slope, intercept = float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])
    return Calibration("sigmoid", slope, intercept, before, after), corrected


def _calibrated(target: Target, scores: Probability) -> dict[str, Any]:
    return {
        "log_loss": round(float(log_loss(target, scores)), 4),
        "ece": round(calibration_error(target, scores), 4),
        "reliability": reliability(target, scores),
    }
