"""Logs: one line a request, with what an operator needs and nothing of the lead."""

import json
import logging
import sys
from typing import Any

import pytest

from leadscore import __version__
from leadscore.service.middleware.logs import JsonFormatter
from tests.conftest import Server

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _line(server: Server, identity: str) -> dict[str, Any]:
    server.wait_for(lambda: identity in server.log.read_text(), "the request's line")
    (line,) = [line for line in server.lines() if line.get("id") == identity]
    return line


def test_request_is_one_line_without_its_values(client: Server) -> None:
    """Id, trace, route, status, time, rows and model; no value of a lead."""
    leads = [{"city": "Secretville", "prospect_id": "hush-hush"}] * 3
    answer = client.post(
        "/predict/batch",
        json={"leads": leads},
        headers={"x-request-id": "of-three", "traceparent": TRACE},
    )
    assert answer.headers["x-request-id"] == "of-three"
    assert answer.headers["traceparent"] == TRACE
    line = _line(client, "of-three")
    assert line.pop("ms") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "message": "request",
        "id": "of-three",
        "traceparent": TRACE,
        "client": "127.0.0.1",
        "method": "POST",
        "route": "/predict/batch",
        "status": 200,
        "rows": 3,
        "model_version": answer.json()["model_version"],
        "app_version": __version__,
    }
    log = client.log.read_text()
    assert "Secretville" not in log
    assert "hush-hush" not in log


@pytest.mark.parametrize("value", ["", 'a"b', "a b", "x" * 129, "<script>"])
def test_malformed_id_is_replaced(client: Server, value: str) -> None:
    """Nothing gets into the log that is not an id."""
    found = client.get("/health", headers={"x-request-id": value}).headers["x-request-id"]
    assert found != value
    assert _line(client, found)["route"] == "/health"


def test_malformed_trace_is_dropped(client: Server) -> None:
    """Neither logged nor given back."""
    headers = {"traceparent": "00-xyz", "x-request-id": "no-trace"}
    assert "traceparent" not in client.get("/health", headers=headers).headers
    assert _line(client, "no-trace")["traceparent"] is None


def test_path_that_is_no_route_is_not_logged(client: Server) -> None:
    """A path may hold anything, a lead's values too."""
    headers = {"x-request-id": "no-route"}
    client.get("/predict/Secretville?city=Secretville", headers=headers)
    assert _line(client, "no-route")["route"] is None
    assert "Secretville" not in client.log.read_text()


def test_exception_is_logged_without_its_text() -> None:
    """Type and place help to find a bug; the text may quote a lead."""
    try:
        raise ValueError("city: got 'Secretville'")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    line = json.loads(JsonFormatter().format(record))
    assert line["exception"] == "ValueError"
    assert "test_logs.py" in line["stack"][0]
    assert "Secretville" not in json.dumps(line)
