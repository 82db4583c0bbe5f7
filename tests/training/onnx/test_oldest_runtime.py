"""The model file in the oldest onnxruntime it is promised for."""

import json
import platform
import subprocess

import numpy as np
import onnx
import pytest

from leadscore.scorer import TOLERANCE, Scorer
from tests.conftest import MODEL, ROOT

OLDEST = ROOT / ".venv-oldest" / "bin" / "python"

if not OLDEST.exists():
    pytest.skip("the oldest onnxruntime is not installed: make oldest-check", allow_module_level=True)

PROGRAM = """
import json, sys
from pathlib import Path
import onnxruntime
from leadscore.scorer import Scorer
scorer = Scorer(Path(sys.argv[1]))
probability, contributions = scorer.run(scorer.inputs(json.load(sys.stdin)))
print(json.dumps([onnxruntime.__version__, probability.tolist(), contributions.tolist()]))
"""


def test_golden_leads_come_out_in_the_oldest_runtime(scorer: Scorer) -> None:
    """Reasons to the last bit, probabilities but for the sigmoid; the file names the version."""
    leads = [golden.lead for golden in scorer.card.golden]
    done = subprocess.run(
        [OLDEST, "-c", PROGRAM, MODEL],
        cwd=ROOT,
        input=json.dumps(leads),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, probability, contributions = json.loads(done.stdout)
    expected = scorer.run(scorer.inputs(leads))
    assert np.abs(probability - expected[0]).max() <= TOLERANCE
    assert contributions == expected[1].tolist()
    if platform.python_version_tuple()[:2] == ("3", "11"):  # no newer Python has it
        assert f"onnxruntime from {version} on" in onnx.load(MODEL).doc_string
