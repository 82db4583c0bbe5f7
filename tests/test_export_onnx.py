"""The command export_onnx.py: one file, the same from every process, or a sentence that says why not."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import onnxruntime as ort
import pytest

import export_onnx
from leadscore.dictionary import Dictionary
from leadscore.scorer import TOLERANCE, Scorer
from leadscore.training.dataset import inputs, load
from leadscore.training.models import CANDIDATES, SERVED
from tests.conftest import ROOT, TWIN
from tests.training.cards import FEW, draft


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, capture: Dictionary) -> Path:
    """A fitted pipeline with its card, as train.py saves it, beside a few leads."""
    leads = load(TWIN, capture)
    pipeline = CANDIDATES[SERVED](capture.features, 0).fit(*leads.oldest())
    pipeline.card_ = draft(leads)
    path = tmp_path_factory.mktemp("saved") / "pipeline.joblib"
    joblib.dump(pipeline, path)
    lines = TWIN.read_text(encoding="utf-8").splitlines(keepends=True)
    path.with_name("leads.csv").write_text("".join(lines[: FEW + 1]), encoding="utf-8")
    return path


def test_command_exports_a_saved_pipeline(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python export_onnx.py pipeline.joblib out.onnx` works alone, and gives the same bytes again."""
    data = ["--data", str(saved.with_name("leads.csv"))]
    assert export_onnx.main([str(saved), str(tmp_path / "out.onnx"), *data]) == 0
    assert "adversarial" in capsys.readouterr().out
    assert Scorer(tmp_path / "out.onnx").card.version
    # Another process hashes strings differently: what iterates over a set comes out in another order.
    subprocess.run(
        [sys.executable, "export_onnx.py", saved, tmp_path / "again.onnx", *data],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        check=True,
    )
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "out.onnx").read_bytes()


def test_plain_graph_is_what_others_make_of_a_classifier(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--plain`: raw columns in, label and probabilities out, as the pipeline gives them; no reasons."""
    path = tmp_path / "plain.onnx"
    assert (
        export_onnx.main([str(saved), str(path), "--plain", "--data", str(saved.with_name("leads.csv"))])
        == 0
    )
    assert "without reasons" in capsys.readouterr().out
    pipeline = joblib.load(saved)
    leads = load(TWIN, pipeline.card_.dictionary)
    session = ort.InferenceSession(path)
    assert [node.name for node in session.get_outputs()] == ["label", "probabilities"]
    label, found = session.run(None, inputs(leads.features, leads.dictionary))
    assert np.abs(found - pipeline.predict_proba(leads.features)).max() <= TOLERANCE
    assert (label == (found[:, 1] > 0.5)).all()


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
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    """A file that holds no pipeline ends with a sentence that names it, exit code 1 and no output."""
    path = tmp_path / "pipeline.joblib"
    if content is not None:
        path.write_bytes(content)
    assert export_onnx.main([str(path), str(tmp_path / "out.onnx")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"nothing written: {path}: ")
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out.onnx").exists()


def test_absent_leads_are_named_before_anything_is_done(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--data` with a wrong path says which."""
    assert export_onnx.main([str(saved), str(tmp_path / "out.onnx"), "--data", "no_such.csv"]) == 1
    assert capsys.readouterr().err.startswith("nothing written: no_such.csv: cannot be read")
