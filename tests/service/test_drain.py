"""The time between SIGTERM and the end of the service."""

import time

import pytest

from tests.conftest import Serve, Server


def _status(server: Server, path: str) -> int:
    return server.anew.get(path).status_code


@pytest.mark.parametrize("workers", ["1", "2"])
def test_service_says_that_it_will_stop_and_answers_on(serve: Serve, workers: str) -> None:
    """Balancers hear it from /ready and look away; until then nobody is turned away."""
    with serve(LEADSCORE_DRAIN="4", LEADSCORE_WORKERS=workers) as server:
        assert _status(server, "/ready") == 200
        server.process.terminate()
        server.wait_for(lambda: _status(server, "/ready") == 503, "503 of /ready")
        assert _status(server, "/v2/health/ready") == 503
        assert _status(server, "/health") == 200
        assert server.anew.post("/predict", json={}).status_code == 200
        assert server.process.wait(timeout=30) in (0, -15)


def test_second_signal_is_not_held_up(serve: Serve) -> None:
    """Whoever asks twice means it."""
    with serve(LEADSCORE_DRAIN="600") as server:
        server.process.terminate()
        server.wait_for(lambda: _status(server, "/ready") == 503, "503 of /ready")
        begun = time.monotonic()
        server.process.terminate()
        server.process.wait(timeout=30)
        assert time.monotonic() - begun < 30
