"""Calibration: corrected where it helps, left alone where it does not."""

import numpy as np
import pytest

from leadscore.training.evaluation.calibration import calibrate


def test_sigmoid_is_taken_only_where_it_helps() -> None:
    """Scores that are right stay as they are; scores that are too bold are corrected."""
    rng = np.random.default_rng(0)
    log_odds = rng.normal(0, 1.5, 4000)
    right = 1 / (1 + np.exp(-log_odds))
    target = (rng.random(4000) < right).astype(np.int8)
    calibration, same = calibrate(target, right)
    assert (calibration.method, calibration.slope, calibration.intercept) == ("none", 1, 0)
    assert np.array_equal(same, right)
    bold = 1 / (1 + np.exp(-(2 * log_odds + 1)))
    calibration, corrected = calibrate(target, bold)
    assert calibration.method == "sigmoid"
    assert calibration.slope == pytest.approx(0.5, abs=0.05)
    assert calibration.intercept == pytest.approx(-0.5, abs=0.1)
    assert np.abs(corrected - right).max() < 0.05
    assert calibration.after["ece"] < calibration.before["ece"]
