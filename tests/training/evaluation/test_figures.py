"""The figures: right on cases worked out by hand."""

import numpy as np
import pytest
from sklearn import metrics

from leadscore.training.evaluation import figures

TARGET = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], dtype=np.int8)
PROBABILITY = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05])


def test_figures_of_a_worked_example() -> None:
    """Ten leads, three conversions: every figure by hand."""
    found = figures.measure(TARGET, PROBABILITY, 0.55)
    assert found["accuracy"] == 0.9
    assert found["precision"] == 0.75
    assert found["recall"] == 1
    assert found["f1"] == round(6 / 7, 4)
    assert found["roc_auc"] == round(20 / 21, 4)
    assert found["average_precision"] == round((1 + 1 + 3 / 4) / 3, 4)
    assert found["brier"] == pytest.approx(np.mean((TARGET - PROBABILITY) ** 2), abs=1e-4)
    assert found["lift_at_10%"] == found["lift_at_20%"] == round(1 / 0.3, 4)
    assert found["lift_at_30%"] == round((2 / 3) / 0.3, 4)


def test_figures_are_those_of_scikit_learn() -> None:
    """Also with many equal scores, and with scores of exactly 0 and 1."""
    rng = np.random.default_rng(0)
    probability = np.round(rng.random(500), 2)
    target = (rng.random(500) < probability).astype(np.int8)
    target[probability == 0] = 1
    called = probability >= 0.37
    expected = {
        "accuracy": metrics.accuracy_score(target, called),
        "precision": metrics.precision_score(target, called),
        "recall": metrics.recall_score(target, called),
        "f1": metrics.f1_score(target, called),
        "roc_auc": metrics.roc_auc_score(target, probability),
        "average_precision": metrics.average_precision_score(target, probability),
        "log_loss": metrics.log_loss(target, probability),
        "brier": metrics.brier_score_loss(target, probability),
    }
    found = figures.measure(target, probability, 0.37)
    assert {0, 1} <= set(probability)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=5.1e-5)


def test_calibration_error_is_zero_only_when_rates_match() -> None:
    """A constant score at the base rate is calibrated; the same score for certain outcomes is not."""
    assert figures.calibration_error(TARGET, np.full(10, 0.3)) == pytest.approx(0)
    assert figures.calibration_error(TARGET, np.full(10, 0.8)) == pytest.approx(0.5)
    assert figures.calibration_error(TARGET, np.ones(10)) == pytest.approx(0.7)


def test_reliability_curve_covers_every_lead() -> None:
    """Each bin has its leads, and together they are all."""
    curve = figures.reliability(TARGET, PROBABILITY)
    assert sum(point["leads"] for point in curve) == len(TARGET)
    assert curve[-1] == {"probability": 0.9, "conversion_rate": 1.0, "leads": 1}


def test_lift_does_not_depend_on_the_order_of_equal_scores() -> None:
    """A model that says the same of everyone lifts nothing, however its leads are sorted."""
    same = np.full(10, 0.3)
    assert figures.lift(TARGET, same, 0.1) == pytest.approx(1)
    assert figures.lift(TARGET[::-1], same, 0.1) == pytest.approx(1)


def test_importance_is_the_mean_size() -> None:
    """Signs do not cancel."""
    assert figures.importance(np.array([[1.0, -2.0], [-1.0, 0.0]])).tolist() == [1, 1]
