"""LitServe with an untyped dictionary before the ONNX file."""

import sys
from typing import Any

import litserve


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from benchmarks.peers.graph import probabilities

        self.probabilities = probabilities

    def decode_request(self, request: dict[str, Any]) -> list:
        return request["leads"]

    def predict(self, leads: list) -> list[float]:
        return self.probabilities(leads)

    def encode_response(self, probabilities: list[float]) -> dict[str, list[float]]:
        return {"probabilities": probabilities}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu")
    server.run("127.0.0.1", int(sys.argv[1]), log_level="warning", generate_client_file=False)
