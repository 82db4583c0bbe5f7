"""LitServe with a typed request model before the pipeline."""

from benchmarks.peers import litserve_api
from benchmarks.peers.leads import Lead, Leads


class Api(litserve_api.Api):
    def setup(self, device: str) -> None:
        from benchmarks.peers.pipeline import probabilities

        self.probabilities = probabilities

    def decode_request(self, request: Leads) -> list[Lead]:
        return request.leads


if __name__ == "__main__":
    litserve_api.serve(Api)
