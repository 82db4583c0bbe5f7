"""LitServe with an untyped dictionary before the ONNX file."""

from typing import Any

from benchmarks.peers import litserve_api


class Api(litserve_api.Api):
    def setup(self, device: str) -> None:
        from benchmarks.peers.graph import probabilities

        self.probabilities = probabilities

    def decode_request(self, request: dict[str, Any]) -> Any:
        return request["leads"]


if __name__ == "__main__":
    litserve_api.serve(Api)
