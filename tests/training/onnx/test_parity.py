"""Parity: a graph that differs from the pipeline does not get past it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto
from sklearn.pipeline import Pipeline

from leadscore.card import seal
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training.dataset import Dataset, frame
from leadscore.training.models import probability
from leadscore.training.onnx import model_file, parity, plain_graph
from leadscore.training.onnx.golden import golden
from leadscore.training.onnx.shap_values import contributions as contributions_of
from leadscore.training.onnx.table_graph import convert
from tests.training.cards import FEW, draft


def test_adversarial_leads_score_the_same(pipeline: Pipeline, exported: bytes, leads: Dataset) -> None:
    """Splits and their float32 neighbours, extremes, NaN, unseen and 10 kB text, under another seed."""
    scorer = Scorer(exported)
    batch = parity.adversarial(pipeline, leads.dictionary, scorer.card.reference, seed=1)
    found, contributions = scorer.run(batch)
    assert np.abs(found - probability(pipeline, frame(batch))).max() <= TOLERANCE
    assert np.abs(contributions - contributions_of(pipeline, frame(batch))).max() <= TOLERANCE


def test_adversarial_leads_try_what_they_promise(
    pipeline: Pipeline, exported: bytes, leads: Dataset
) -> None:
    """The check is only as good as its leads: each kind of value is among them."""
    batch = parity.adversarial(pipeline, leads.dictionary, Scorer(exported).card.reference, seed=0)
    for column in leads.dictionary.features:
        values = batch[column.name][:, 0]
        if column.kind == "category":
            assert {"", "unseen", "東京", "x" * 10_000} <= set(values)
            continue
        assert np.isnan(values).any()
        assert np.nanmin(values) < -1e38
        assert np.nanmax(values) > 1e38
        splits = np.array(parity._splits(pipeline)[column.name], dtype=np.float32)
        neighbours = np.nextafter(splits, np.float32(np.inf))
        assert np.isin(splits, values).all()
        assert np.isin(neighbours, values).all()


def _refitted(pipeline: Pipeline, leads: Dataset, wrong: dict[str, float]) -> Pipeline:
    """The pipeline with other settings, fitted on the same leads."""
    other = copy.deepcopy(pipeline)
    features, target = leads.oldest()
    other["model"].set_params(**wrong).fit(other["encode"].transform(features), target)
    return other


@pytest.mark.parametrize("wrong", [{"base_score": 0.9}, {"n_estimators": 140}], ids=["base", "trees"])
def test_pipeline_that_differs_from_the_graph_is_refused(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, leads: Dataset, wrong: dict[str, float]
) -> None:
    """A graph that computes something else is never written: converted here from another model."""
    other = _refitted(pipeline, leads, wrong)
    graph, base = convert(other, leads.dictionary)
    card = draft(leads)
    card = replace(card, golden=golden(other, leads.dictionary, card.reference, 0))
    scorer = Scorer(seal(model_file.unsealed(graph, card)))
    plain = plain_graph.scorer(plain_graph.convert(pipeline, leads.dictionary))
    with pytest.raises(parity.ParityError, match="the served graph from the pipeline by"):
        parity.check(pipeline, scorer, plain, leads.features.iloc[:FEW], seed=0)
    monkeypatch.setattr(model_file, "convert", lambda *_: (graph, base))
    with pytest.raises(parity.ParityError):  # its golden leads or its parity check
        model_file.export(pipeline, draft(leads), leads.features.iloc[:FEW])


@pytest.mark.parametrize("wrong", [{"base_score": 0.9}, {"n_estimators": 140}], ids=["base", "trees"])
def test_witness_that_disagrees_is_heard(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, leads: Dataset, wrong: dict[str, float]
) -> None:
    """A plain graph that computes something else stops the export, and is not written either."""
    other = _refitted(pipeline, leads, wrong)
    plain = plain_graph.convert(other, leads.dictionary)
    monkeypatch.setattr(plain_graph, "convert", lambda *_: plain)
    for export in (model_file.export, model_file.export_plain):
        with pytest.raises(parity.ParityError, match="the plain graph from the pipeline by"):
            export(pipeline, draft(leads), leads.features.iloc[:FEW])


def test_first_tree_that_is_a_bare_leaf_is_refused(pipeline: Pipeline, leads: Dataset) -> None:
    """Here onnxmltools gives 0.62 for 0.5: a witness that errs stops the export, too."""
    stump = copy.deepcopy(pipeline)
    stump["model"].set_params(gamma=1e9, subsample=1)
    features, target = leads.oldest()
    half = min(target.sum(), len(target) - target.sum())
    balanced = np.sort(np.concatenate([np.flatnonzero(target == side)[:half] for side in (0, 1)]))
    stump.fit(features.iloc[balanced], target[balanced])
    with pytest.raises(parity.ParityError, match=r"the plain graph from the pipeline by 0.12"):
        model_file.export(stump, draft(leads), leads.features.iloc[:FEW])


def test_decision_that_flips_is_refused_however_small_the_difference(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, leads: Dataset
) -> None:
    """A lead that lies on the threshold by one of the three and below it by another."""
    card = draft(leads)
    few = leads.features.iloc[:FEW]
    on_threshold = replace(card.threshold, value=float(probability(pipeline, few).max()))
    convert_plain = plain_graph.scorer

    def slightly_less(graph: ModelProto) -> Callable[[Any], Any]:
        run = convert_plain(graph)
        return lambda batch: run(batch) - 1e-6

    monkeypatch.setattr(plain_graph, "scorer", slightly_less)
    with pytest.raises(parity.ParityError, match=r"decisions that flip: [1-9]"):
        model_file.export_plain(pipeline, replace(card, threshold=on_threshold), few)
