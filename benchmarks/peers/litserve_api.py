"""What both of LitServe's APIs do alike. BATCHING=1: requests that wait are scored together."""

import os
import sys
from collections.abc import Callable
from typing import Any

import litserve


class Api(litserve.LitAPI):
    """Scores the leads of a request by `probabilities`, which `setup` of a subclass finds."""

    probabilities: Callable[[list[Any]], list[float]]

    def batch(self, requests: list[list[Any]]) -> list[Any]:
        self.ends = [sum(map(len, requests[: index + 1])) for index in range(len(requests))]
        return [lead for leads in requests for lead in leads]

    def predict(self, leads: list[Any]) -> list[float]:
        return self.probabilities(leads)

    def unbatch(self, found: list[float]) -> list[list[float]]:
        return [found[begin:end] for begin, end in zip([0, *self.ends], self.ends, strict=False)]

    def encode_response(self, found: list[float]) -> dict[str, list[float]]:
        return {"probabilities": found}


def serve(api: type[Api]) -> None:
    """Serve on the port that the command line names."""
    together = 16 if os.environ.get("BATCHING") == "1" else 1
    server = litserve.LitServer(
        api(max_batch_size=together, batch_timeout=0.005), accelerator="cpu", fast_queue=True
    )
    server.run("127.0.0.1", int(sys.argv[1]), log_level="warning", generate_client_file=False)
