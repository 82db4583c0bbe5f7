"""The export: the graph computes what the pipeline computes, or there is no file."""

import copy
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx.reference import ReferenceEvaluator
from sklearn.pipeline import Pipeline

from leadscore.card import Threshold, version_of
from leadscore.dictionary import Dictionary
from leadscore.scorer import TOLERANCE, ModelError, Scorer
from leadscore.training.dataset import Dataset, inputs
from leadscore.training.models import CANDIDATES, SERVED, probability
from leadscore.training.onnx.conversion import OPSETS
from leadscore.training.onnx.model_file import export, unsealed
from leadscore.training.onnx.shap_table import ShapleyError
from tests.conftest import MODEL
from tests.training.cards import FEW, draft


def test_every_lead_scores_the_same_in_joblib_and_onnx(
    pipeline: Pipeline, exported: bytes, leads: Dataset
) -> None:
    """Each row of the data, through the saved pipeline and through onnxruntime alone."""
    session = ort.InferenceSession(exported)
    (found,) = session.run(["probability"], inputs(leads.features, leads.dictionary))
    assert found.shape == (len(leads),)
    assert np.abs(found - probability(pipeline, leads.features)).max() <= TOLERANCE


def test_lead_scores_the_same_in_every_batch(exported: bytes, leads: Dataset) -> None:
    """To the last bit: alone, and wherever it stands among others."""
    scorer = Scorer(exported)
    batch = inputs(leads.features.iloc[:300], leads.dictionary)
    together = scorer.run(batch)
    turned = scorer.run({name: values[::-1].copy() for name, values in batch.items()})
    for found, expected in zip(turned, together, strict=True):
        assert (found[::-1] == expected).all()
    for row in range(300):
        alone = scorer.run({name: values[row : row + 1] for name, values in batch.items()})
        assert all((a == b[row]).all() for a, b in zip(alone, together, strict=True))


def test_same_pipeline_gives_the_same_bytes(pipeline: Pipeline, exported: bytes, leads: Dataset) -> None:
    """Exporting is deterministic, so the version says which model it is."""
    again, card = export(pipeline, draft(leads), leads.features.iloc[:FEW])
    assert again == exported
    assert card.version == Scorer(exported).card.version != ""


def test_another_threshold_is_another_version(exported: bytes) -> None:
    """The version covers the card, not the trees alone."""
    card = Scorer(exported).card
    other = replace(card, threshold=Threshold(0.5, "another", {}, {}))
    versions = {version_of(unsealed(onnx.ModelProto(), c)) for c in (card, other)}
    assert len(versions) == 2


def test_graph_is_valid_small_and_named(exported: bytes, leads: Dataset) -> None:
    """One input per raw column, the outputs by their names, any number of leads, under 2 MB."""
    model = onnx.load_from_string(exported)
    onnx.checker.check_model(model, full_check=True)
    assert [node.name for node in model.graph.input] == [c.name for c in leads.dictionary.features]
    assert [node.name for node in model.graph.output] == ["probability", "contributions"]
    assert {o.domain: o.version for o in model.opset_import} == OPSETS
    assert len(exported) < 2_000_000


def test_model_that_learned_nothing_is_exported_all_the_same(leads: Dataset, pipeline: Pipeline) -> None:
    """Trees without a single split give every lead the same probability and no reasons."""
    stump = copy.deepcopy(pipeline)
    stump["model"].set_params(gamma=1e9)
    features, target = leads.oldest()
    model, _ = export(stump.fit(features, target), draft(leads), leads.features.iloc[:FEW])
    found, contributions = Scorer(model).run(inputs(leads.features, leads.dictionary))
    assert np.ptp(found) == 0
    assert not contributions.any()


def test_trees_too_large_to_compile_are_refused(leads: Dataset, pipeline: Pipeline) -> None:
    """Exact reasons have their price in leaves; a model that exceeds it says so."""
    deep = copy.deepcopy(pipeline)
    deep["model"].set_params(max_leaves=64, min_child_weight=1)
    features, target = leads.oldest()
    with pytest.raises(ShapleyError, match=r"patterns of turns.*8 leaves or fewer"):
        export(deep.fit(features, target), draft(leads), leads.features.iloc[:FEW])


@pytest.mark.parametrize("kind", ["number", "category"])
def test_columns_of_one_kind_are_enough(leads: Dataset, kind: str) -> None:
    """A CRM with numbers only, or with categories only, exports as well."""
    columns = tuple(
        replace(c, role="excluded") if c.role == "feature" and c.kind != kind else c
        for c in leads.dictionary.columns
    )
    part = leads.narrow(Dictionary(columns))
    model = CANDIDATES[SERVED](part.dictionary.features, 0).fit(*part.oldest())
    content, _ = export(model, draft(part), part.features.iloc[:FEW])
    assert len(onnx.load_from_string(content).graph.input) == len(part.dictionary.features)


def test_shipped_file_is_what_any_runtime_reads(scorer: Scorer) -> None:
    """One raw lead through the scorer, and its tensors through onnxruntime alone."""
    lead = {"total_visits": "5", "total_time_spent_on_website": 1200, "lead_source": "Google"}
    tensors = scorer.inputs([lead])
    (bare,) = ort.InferenceSession(MODEL).run(["probability"], tensors)
    assert bare[0] == scorer.run(tensors)[0][0]


def test_reference_runtime_of_onnx_computes_the_same(exported: bytes, leads: Dataset) -> None:
    """Slow and plain Python, but what ONNX means: the same contributions to the last bit."""
    batch = inputs(leads.features.iloc[:20], leads.dictionary)
    probability, contributions = map(np.asarray, ReferenceEvaluator(exported).run(None, batch))
    expected = Scorer(exported).run(batch)
    assert np.abs(probability - expected[0]).max() <= TOLERANCE
    assert (contributions == expected[1]).all()


def test_file_that_was_changed_is_refused(exported: bytes) -> None:
    """One other byte anywhere, in graph or card, and nothing loads it."""
    for place in (len(exported) // 3, exported.index(b"a test's")):
        damaged = bytearray(exported)
        damaged[place] ^= 1
        with pytest.raises(ModelError, match="damaged"):
            Scorer(bytes(damaged))
