"""The pictures of the model card: drawn for any data, at the same bytes for the same model."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from leadscore.card import Threshold
from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.training.dataset import Dataset, inputs
from leadscore.training.evaluation.folds import OutOfFold
from leadscore.training.plots import chances, channels, reasons, thousand
from leadscore.training.plots.evidence import Evidence
from leadscore.training.plots.pictures import PICTURES, draw
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def evidence(scorer: Scorer, leads: Dataset) -> Evidence:
    """The shipped model on the shipped leads."""
    oldest, _ = scorer.run(inputs(leads.oldest()[0], leads.dictionary))
    newest, contributions = scorer.run(inputs(leads.newest()[0], leads.dictionary))
    scored = OutOfFold(np.arange(len(oldest)), oldest)
    return Evidence(leads, scorer.card.threshold, scored, newest, contributions)


@pytest.mark.slow
def test_every_picture_is_drawn_the_same_again(evidence: Evidence) -> None:
    """A second drawing gives the same bytes."""
    drawn = draw(evidence)
    assert set(drawn) == {f"figures/{name}.png" for name in PICTURES}
    assert draw(evidence) == drawn


def test_shipped_pictures_are_not_blank() -> None:
    """Each shows something: many colours between paper and ink."""
    for name in PICTURES:
        pixels = imread(ROOT / "models" / "figures" / f"{name}.png")[..., :3]
        assert pixels.std() > 0.05, name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["number", "category"])
def test_columns_of_one_kind_are_enough(evidence: Evidence, kind: str) -> None:
    """A CRM with numbers only, or categories only, gets its pictures as well."""
    own = [index for index, c in enumerate(evidence.leads.dictionary.features) if c.kind == kind]
    columns = tuple(
        replace(c, role="excluded") if c.role == "feature" and c.kind != kind else c
        for c in evidence.leads.dictionary.columns
    )
    part = evidence.leads.narrow(Dictionary(columns))
    one_kind = replace(evidence, leads=part, contributions=evidence.contributions[:, own])
    names = {"channels"} if kind == "number" else set()  # numbers are no channels
    assert set(draw(one_kind)) == {f"figures/{name}.png" for name in PICTURES.keys() - names}


def test_given_costs_are_the_ones_drawn() -> None:
    """With the cost rule the profit of that rule is shown, not examples."""
    parameters = {"cost_call": 5.0, "value_conversion": 100.0}
    assert chances._worth(Threshold(0.1, "", parameters, {})) == (20,)
    assert chances._worth(Threshold(0.1, "", {}, {})) == chances.WORTH


def test_a_thousand_leads_are_a_thousand(evidence: Evidence) -> None:
    """The four groups add up for any number of leads, and each is that share of them."""
    target, cut = evidence.leads.newest()[1], evidence.threshold.value
    for leads in (1, 3, 7, 999, len(target)):
        groups = thousand.counts(target[:leads], evidence.newest[:leads], cut)
        assert groups.sum() == thousand.LEADS
    called, converts = evidence.newest >= cut, target == 1
    shares = [np.mean(called & converts), np.mean(called), np.mean(converts)]
    found = [groups[0], groups[:2].sum(), groups[0] + groups[2]]
    assert np.divide(found, thousand.LEADS) == pytest.approx(shares, abs=0.0015)


def test_no_channels_no_picture_of_them(evidence: Evidence) -> None:
    """A dictionary that slices by no column gives no empty axes."""
    columns = tuple(replace(c, slices=False) for c in evidence.leads.dictionary.columns)
    unsliced = replace(evidence, leads=evidence.leads.narrow(Dictionary(columns)))
    assert channels.by_channel(unsliced) is None


def test_levels_that_move_the_score_most_are_named(evidence: Evidence) -> None:
    """A category's dots say which level they are."""
    (axes, _) = reasons.shap_summary(evidence).axes
    assert {"Lead Add Form", "Landing Page Submission", "missing"} <= {t.get_text() for t in axes.texts}
