"""The export: the graph computes what the pipeline computes, or there is no file."""

import copy
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from sklearn.pipeline import Pipeline

import export_onnx
from leadscore.card import Card, Threshold
from leadscore.columns import Dictionary, clean, tensors
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training import parity, reference, shapley
from leadscore.training.dataset import Dataset, frame, inputs
from leadscore.training.evaluation import probability
from leadscore.training.models import CANDIDATES, SERVED
from tests.conftest import MODEL, ROOT, TWIN


@pytest.fixture(scope="module")
def draft(leads: Dataset) -> Card:
    """A card without what the export measures."""
    return Card(
        name="lead_conversion",
        version="",
        known="capture",
        dictionary=leads.dictionary,
        reference=reference.distributions(leads.oldest()[0], leads.dictionary),
        base=0.0,
        calibration={},
        threshold=Threshold(0.4, "a test's", {}, {}),
        grades=(),
        metrics={},
        data={},
        parity={},
        versions={},
        golden=(),
    )


@pytest.fixture(scope="module")
def exported(pipeline: Pipeline, draft: Card, leads: Dataset) -> bytes:
    """The model file of the fitted pipeline."""
    return export_onnx.export(pipeline, draft, leads.features)[0]


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


def test_adversarial_leads_score_the_same(pipeline: Pipeline, exported: bytes, leads: Dataset) -> None:
    """Splits and their float32 neighbours, extremes, NaN, unseen and 10 kB text, under another seed."""
    scorer = Scorer(exported)
    batch = parity.adversarial(pipeline, leads.dictionary, scorer.card.reference, seed=1)
    found, contributions = scorer.run(batch)
    assert np.abs(found - probability(pipeline, frame(batch))).max() <= TOLERANCE
    assert np.abs(contributions - shapley.contributions(pipeline, frame(batch))).max() <= TOLERANCE


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


def test_same_pipeline_gives_the_same_bytes(
    pipeline: Pipeline, exported: bytes, draft: Card, leads: Dataset
) -> None:
    """Exporting is deterministic, so the version says which model it is."""
    again, card = export_onnx.export(pipeline, draft, leads.features)
    assert again == exported
    assert card.version == Scorer(exported).card.version != ""


def test_another_threshold_is_another_version(
    pipeline: Pipeline, exported: bytes, draft: Card, leads: Dataset
) -> None:
    """The version covers the card, not the trees alone."""
    other = replace(draft, threshold=Threshold(0.5, "another", {}, {}))
    _, card = export_onnx.export(pipeline, other, leads.features)
    assert card.version != Scorer(exported).card.version


def test_graph_is_valid_small_and_named(exported: bytes, leads: Dataset) -> None:
    """One input per raw column, the outputs by their names, any number of leads, under 2 MB."""
    model = onnx.load_from_string(exported)
    onnx.checker.check_model(model, full_check=True)
    assert [node.name for node in model.graph.input] == [c.name for c in leads.dictionary.features]
    assert [node.name for node in model.graph.output] == ["probability", "contributions"]
    assert {o.domain: o.version for o in model.opset_import} == export_onnx.OPSETS
    assert len(exported) < 2_000_000


@pytest.mark.parametrize("wrong", ["base", "threshold"])
def test_pipeline_that_differs_from_the_graph_is_refused(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, draft: Card, leads: Dataset, wrong: str
) -> None:
    """A graph that computes something else is never written: converted here from another model."""
    other = copy.deepcopy(pipeline)
    if wrong == "base":
        other["model"].set_params(base_score=0.9).fit(
            other["encode"].transform(leads.oldest()[0]), leads.oldest()[1]
        )
    else:
        other["model"].set_params(n_estimators=140).fit(
            other["encode"].transform(leads.oldest()[0]), leads.oldest()[1]
        )
    graph, base = export_onnx.convert(other, leads.dictionary)
    golden = reference.golden(other, leads.dictionary, draft.reference, 0)
    scorer = Scorer(export_onnx.seal(graph, replace(draft, golden=golden)))
    with pytest.raises(parity.ParityError, match="differs from the pipeline by up to"):
        parity.check(pipeline, scorer, leads.features, seed=0)
    monkeypatch.setattr(export_onnx, "convert", lambda *_: (graph, base))
    with pytest.raises(parity.ParityError):  # its golden leads or its parity check
        export_onnx.export(pipeline, draft, leads.features)


def test_model_that_learned_nothing_is_exported_all_the_same(
    leads: Dataset, pipeline: Pipeline, draft: Card
) -> None:
    """Trees without a single split give every lead the same probability and no reasons."""
    stump = copy.deepcopy(pipeline)
    stump["model"].set_params(gamma=1e9)
    features, target = leads.oldest()
    model, _ = export_onnx.export(stump.fit(features, target), draft, leads.features)
    found, contributions = Scorer(model).run(inputs(leads.features, leads.dictionary))
    assert np.ptp(found) == 0
    assert not contributions.any()


def test_trees_too_deep_to_compile_are_refused(leads: Dataset, pipeline: Pipeline, draft: Card) -> None:
    """Exact reasons have their price in leaves; a model that exceeds it says so."""
    deep = copy.deepcopy(pipeline)
    deep["model"].set_params(max_depth=8, min_child_weight=1)
    features, target = leads.oldest()
    with pytest.raises(shapley.ShapleyError, match=r"patterns of turns.*depth 3 or less"):
        export_onnx.export(deep.fit(features, target), draft, leads.features)


@pytest.mark.parametrize("kind", ["number", "category"])
def test_columns_of_one_kind_are_enough(leads: Dataset, draft: Card, kind: str) -> None:
    """A CRM with numbers only, or with categories only, exports as well."""
    columns = tuple(
        replace(c, role="excluded") if c.role == "feature" and c.kind != kind else c
        for c in leads.dictionary.columns
    )
    part = leads.narrow(Dictionary(columns))
    model = CANDIDATES[SERVED](part.dictionary.features, 0).fit(*part.oldest())
    card = replace(
        draft,
        dictionary=part.dictionary,
        reference=reference.distributions(part.features, part.dictionary),
    )
    content, _ = export_onnx.export(model, card, part.features)
    assert len(onnx.load_from_string(content).graph.input) == len(part.dictionary.features)


def test_one_lead_is_one_number_everywhere(scorer: Scorer) -> None:
    """The README's lead: cleaned from JSON and from CSV text, and through onnxruntime alone."""
    as_json = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}
    as_csv = {"TotalVisits": "5", "Total Time Spent on Website": "1200", "Lead Source": "Google"}
    dictionary = scorer.card.dictionary
    leads = [clean(lead, dictionary) for lead in (as_json, as_csv)]
    first, second = scorer.probability(leads)
    assert first == second
    bare = ort.InferenceSession(MODEL).run(["probability"], tensors(leads[:1], dictionary.features))
    assert bare[0][0] == pytest.approx(first, abs=TOLERANCE)


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "export_onnx.py", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_exports_a_saved_pipeline(
    tmp_path: Path, pipeline: Pipeline, draft: Card, leads: Dataset
) -> None:
    """`python export_onnx.py pipeline.joblib out.onnx` works alone, on the pipeline train.py saves."""
    saved = copy.deepcopy(pipeline)
    saved.card_ = draft
    joblib.dump(saved, tmp_path / "pipeline.joblib")
    done = _run(tmp_path / "pipeline.joblib", tmp_path / "out.onnx")
    assert done.returncode == 0, done.stderr
    assert "adversarial" in done.stdout
    # Another process hashes strings differently: what iterates over a set comes out in another order.
    _run(tmp_path / "pipeline.joblib", tmp_path / "again.onnx", PYTHONHASHSEED="1")
    _run(tmp_path / "pipeline.joblib", tmp_path / "once_more.onnx", PYTHONHASHSEED="2")
    bytes_written = {path.read_bytes() for path in tmp_path.glob("*.onnx")}
    assert len(bytes_written) == 1
    assert len(list(tmp_path.glob("*.onnx"))) == 3
    restored = joblib.load(tmp_path / "pipeline.joblib")
    written = Scorer(tmp_path / "out.onnx")
    sample = leads.features.iloc[:100]
    expected = probability(restored, sample)
    assert np.abs(written.run(inputs(sample, leads.dictionary))[0] - expected).max() <= TOLERANCE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"", "EOFError"),
        (b"no pickle\n", "cannot be read"),
        (pickle.dumps({"not": "a pipeline"}), "expected a pipeline that train.py saved"),
    ],
    ids=["absent", "empty", "no pickle", "another pickle"],
)
def test_command_writes_nothing_when_it_cannot(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """A file that holds no pipeline ends with a sentence that names it, exit code 1 and no output."""
    path = tmp_path / "pipeline.joblib"
    if content is not None:
        path.write_bytes(content)
    done = _run(path, tmp_path / "out.onnx", "--data", TWIN)
    assert done.returncode == 1
    assert done.stderr.startswith(f"nothing written: {path}: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.onnx").exists()
