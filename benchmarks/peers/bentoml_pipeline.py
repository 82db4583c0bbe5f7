"""BentoML with a typed request model before the pipeline. BATCHING=1 puts waiting requests together."""

import os

import bentoml

from benchmarks.peers.leads import Lead
from benchmarks.peers.pipeline import probabilities


@bentoml.service(logging={"access": {"enabled": False}})
class Served:
    @bentoml.api(batchable=os.environ.get("BATCHING") == "1", max_batch_size=1000)
    def predict(self, leads: list[Lead]) -> list[float]:
        return probabilities(leads)
