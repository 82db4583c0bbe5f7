"""LitServe with a typed request model before the pipeline."""

import sys

import litserve

from benchmarks.peers.leads import Leads


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from benchmarks.peers.pipeline import probabilities

        self.probabilities = probabilities

    def decode_request(self, request: Leads) -> list:
        return request.leads

    def predict(self, leads: list) -> list[float]:
        return self.probabilities(leads)

    def encode_response(self, probabilities: list[float]) -> dict[str, list[float]]:
        return {"probabilities": probabilities}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu")
    server.run("127.0.0.1", int(sys.argv[1]), log_level="warning", generate_client_file=False)
