"""The ONNX file in a bare session: no validation, no reasons."""

import os
from typing import Any

import numpy as np
import onnxruntime as ort

from benchmarks.peers.leads import MISSING

_TYPES = {name: np.float32 if isinstance(value, float) else object for name, value in MISSING.items()}


def session() -> ort.InferenceSession:
    """A session that uses the one core it has."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


def tensors(leads: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """The graph's inputs, of shape (n, 1)."""
    return {
        name: np.array([[lead.get(name, value)] for lead in leads], _TYPES[name])
        for name, value in MISSING.items()
    }


_SESSION = session()


def probabilities(leads: list[dict[str, Any]]) -> list[float]:
    """The probability of each lead."""
    (probability,) = _SESSION.run(["probability"], tensors(leads))
    return list(probability.tolist())
