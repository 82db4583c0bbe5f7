"""Ray Serve with a typed request model before the pipeline: one replica, one proxy."""

import signal
import sys

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.peers.leads import Leads


class Served:
    def __init__(self) -> None:
        from benchmarks.peers.pipeline import probabilities

        self.probabilities = probabilities

    async def __call__(self, request: Request) -> dict[str, list[float]]:
        batch = Leads.model_validate_json(await request.body())
        return {"probabilities": self.probabilities(batch.leads)}


if __name__ == "__main__":
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    deployment = serve.deployment(max_ongoing_requests=100)(Served)
    serve.run(deployment.bind(), route_prefix="/predict")
    signal.pause()
