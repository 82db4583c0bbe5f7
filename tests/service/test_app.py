"""The HTTP app against its own OpenAPI document, and against anything at all."""

import json
from typing import Any

import httpx2
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

from leadscore.scorer import Scorer
from leadscore.service.app import create_service
from leadscore.service.middleware.keys import Keys
from leadscore.service.problems import FAILED
from leadscore.settings import Settings
from tests.conftest import MODEL


def _service(settings: Settings) -> ASGIApp:
    return create_service(Scorer(MODEL), settings, Keys(settings))


APP = _service(Settings(max_batch=50))
CLIENT = TestClient(APP, raise_server_exceptions=False)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=30), inner, max_size=4),
    max_leaves=10,
)
COLUMNS = sorted(Scorer(MODEL).card.dictionary.by_key)


@SCHEMA.parametrize()
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_contract(case: schemathesis.Case[Any]) -> None:
    """Whatever is sent, valid or not, the status and the body are documented, and never a 5xx."""
    case.call_and_validate(
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ]
    )


@given(st.dictionaries(st.sampled_from(COLUMNS) | st.text(max_size=30), JSON_VALUES, max_size=8))
@settings(max_examples=100)
def test_any_object_is_scored_or_refused(lead: dict[str, object]) -> None:
    """Any JSON value in any column gives 200 or 422."""
    answer = CLIENT.post(
        "/predict", content=json.dumps(lead), headers={"content-type": "application/json"}
    )
    assert answer.status_code in {200, 422}
    if answer.status_code == 200:
        assert 0 <= answer.json()["probability"] <= 1
    else:
        assert answer.json()["errors"]


@given(
    st.binary(max_size=200),
    st.sampled_from(["/predict", "/predict/batch", "/v2/models/lead_conversion/infer"]),
)
@settings(max_examples=200)
def test_any_bytes_are_refused(content: bytes, path: str) -> None:
    """What is no JSON object of columns is a 4xx problem document."""
    answer = CLIENT.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422} or content.strip() == b"{}"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", {}),
        (
            "/v2/models/lead_conversion/infer",
            {"inputs": [{"name": "city", "shape": [1], "datatype": "BYTES", "data": ["Pune"]}]},
        ),
    ],
)
def test_failure_inside_reveals_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str, body: dict[str, object]
) -> None:
    """A bug is a 500 problem document without a trace, a path or the exception's text, and one entry in
    the log, whether or not the request has come through FastAPI; nothing is left to the server.
    """
    app = _service(Settings())
    monkeypatch.setattr(Scorer, "run", lambda *_: 1 / 0)
    answer = TestClient(app).post(path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json().get("error", FAILED) == answer.json()["detail"] == FAILED
    assert ("error" in answer.json()) == path.startswith("/v2")
    assert "division" not in answer.text
    assert "Traceback" not in answer.text
    assert [entry.getMessage() for entry in caplog.records if entry.exc_info] == ["request failed"]


def test_nobody_is_sent_where_a_request_says(client: httpx2.Client) -> None:
    """An address with a slash too many is not redirected to whatever host the request names."""
    answer = client.post("/predict/", json={}, headers={"host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "elsewhere" not in str(answer.headers)
