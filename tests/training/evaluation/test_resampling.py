"""Intervals and differences: they hold what they are of, and no more."""

import numpy as np
import pytest

from leadscore.training.evaluation.figures import LeadsByScore, log_loss, measure
from leadscore.training.evaluation.resampling import (
    COMPARED,
    differences,
    differences_by_part,
    intervals,
)


def test_intervals_hold_the_figure_and_shrink_with_more_leads() -> None:
    """An interval is neither empty nor beside its figure."""
    rng = np.random.default_rng(0)
    width = {}
    for size in (200, 3200):
        target = rng.integers(0, 2, size).astype(np.int8)
        probability = np.clip(0.3 * target + 0.7 * rng.random(size), 0, 1)
        low, high = intervals(target, probability, 0.5, 0)["roc_auc"]
        assert low < measure(target, probability, 0.5)["roc_auc"] < high
        width[size] = high - low
    assert width[3200] < 0.5 * width[200]


def test_intervals_survive_resamples_with_one_outcome() -> None:
    """A tiny set of leads gives intervals, not a crash."""
    assert intervals(np.array([1, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.6]), 0.5, 0)["recall"][1] == 1


def test_intervals_are_wider_where_neighbours_are_alike() -> None:
    """Leads that come in runs of one outcome hold less than as many that are mixed."""
    rng = np.random.default_rng(0)
    days = np.repeat(rng.random(40), 50)
    target = (rng.random(2000) < days).astype(np.int8)
    probability, mixed = np.full(2000, 0.5), rng.permutation(2000)
    runs, apart = (
        np.diff(intervals(target[rows], probability[rows], 0.5, 0)["precision"])
        for rows in (np.arange(2000), mixed)
    )
    assert runs > 2 * apart


def test_differences_of_a_part_are_those_of_its_leads() -> None:
    """However small the part, its resamples differ from each other."""
    rng = np.random.default_rng(0)
    ours, part = rng.random(1000), np.arange(1000) % 10 == 0
    target = (rng.random(1000) < ours).astype(np.int8)
    theirs = np.full(1000, 0.5)
    found = differences_by_part(target, ours, theirs, {"a tenth": part}, 0, 0.95)["a tenth"]["log_loss"]
    alone = log_loss(target[part], ours[part]) - np.log(2)
    assert found.value == pytest.approx(alone)
    assert found.low < found.value < found.high


def test_differences_are_those_of_the_figures() -> None:
    """The difference is exact, lies in its interval, and turns its sign with the models."""
    rng = np.random.default_rng(0)
    ours = rng.random(800)
    target = (rng.random(800) < ours).astype(np.int8)
    theirs = np.clip(ours + rng.normal(0.05, 0.1, 800), 0.001, 0.999)
    found, back = differences(target, ours, theirs, 0), differences(target, theirs, ours, 0)
    for name, figure in COMPARED.items():
        exact = figure(LeadsByScore.of(target, ours)) - figure(LeadsByScore.of(target, theirs))
        assert found[name].value == pytest.approx(exact)
        assert found[name].low <= found[name].value <= found[name].high
        assert back[name].value == pytest.approx(-found[name].value)


@pytest.mark.parametrize("digits", [1, 9])
def test_a_resample_that_keeps_its_places_has_the_figures_of_its_leads(digits: int) -> None:
    """Scores are sorted once; leads drawn twice, scores nobody drew and equal scores change nothing."""
    rng = np.random.default_rng(0)
    probability = rng.random(300).round(digits)
    target = (rng.random(300) < probability).astype(np.int8)
    leads = LeadsByScore.of(target, probability)
    for _ in range(20):
        rows = rng.integers(0, 300, 300)
        resample = leads.resampled(np.bincount(rows, minlength=300))
        assert resample.measure(0.5) == measure(target[rows], probability[rows], 0.5)
