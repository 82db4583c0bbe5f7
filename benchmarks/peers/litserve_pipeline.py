"""LitServe with a typed request model before the pipeline. BATCHING=1: waiting ones together."""

import os
import sys

import litserve

from benchmarks.peers.leads import Leads


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from benchmarks.peers.pipeline import probabilities

        self.probabilities = probabilities

    def decode_request(self, request: Leads) -> list:
        return request.leads

    def batch(self, requests: list[list]) -> list:
        self.ends = [sum(map(len, requests[: index + 1])) for index in range(len(requests))]
        return [lead for leads in requests for lead in leads]

    def predict(self, leads: list) -> list[float]:
        return self.probabilities(leads)

    def unbatch(self, found: list[float]) -> list[list[float]]:
        return [found[begin:end] for begin, end in zip([0, *self.ends], self.ends, strict=False)]

    def encode_response(self, found: list[float]) -> dict[str, list[float]]:
        return {"probabilities": found}


if __name__ == "__main__":
    together = 16 if os.environ.get("BATCHING") == "1" else 1
    api = Api(max_batch_size=together, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run("127.0.0.1", int(sys.argv[1]), log_level="warning", generate_client_file=False)
