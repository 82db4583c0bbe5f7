"""BentoML with untyped dictionaries before the ONNX file. BATCHING=1 puts waiting requests together."""

import os
from typing import Any

import bentoml

from benchmarks.peers.graph import probabilities


@bentoml.service(logging={"access": {"enabled": False}})
class Served:
    @bentoml.api(batchable=os.environ.get("BATCHING") == "1", max_batch_size=1000)
    def predict(self, leads: list[dict[str, Any]]) -> list[float]:
        return probabilities(leads)
