"""Direct routes: what is answered beside FastAPI is what FastAPI would have answered."""

import json

import pytest
from fastapi.testclient import TestClient

from leadscore.scorer import Scorer
from leadscore.serving.app import create_app
from leadscore.serving.direct import Shortcut
from leadscore.serving.settings import Settings
from tests.conftest import MODEL

APP = create_app(Scorer(MODEL), Settings(max_batch=200))
THROUGH = TestClient(APP, raise_server_exceptions=False)
BESIDE = TestClient(Shortcut(APP), raise_server_exceptions=False)
JSON = {"content-type": "application/json"}
LEAD = b'{"lead_source": "Google", "total_visits": 5}'
MANY = json.dumps({"leads": [{"city": "x" * 900}] * 100}).encode()  # more than limits.LARGE


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status"),
    [
        ("POST", "/predict", LEAD, JSON, 200),
        ("POST", "/predict?reasons=11", LEAD, JSON, 200),
        ("POST", "/predict?reasons=1&reasons=2&other=3", LEAD, JSON, 200),
        ("POST", "/predict", LEAD, {"content-type": "Application/JSON; charset=utf-8"}, 200),
        ("POST", "/predict", LEAD, {"content-type": "application/crm+json"}, 200),
        ("POST", "/predict", b"\xef\xbb\xbf" + LEAD, JSON, 200),  # with a byte order mark
        ("POST", "/predict", LEAD.decode().encode("utf-16"), JSON, 200),
        ("POST", "/predict/batch?reasons=2&calls=1", b'{"leads": [{}, ' + LEAD + b"]}", JSON, 200),
        ("POST", "/predict/batch", MANY, JSON, 200),
        ("POST", "/predict?reasons=12", LEAD, JSON, 422),
        ("POST", "/predict?reasons=many", LEAD, JSON, 422),
        ("POST", "/predict/batch?calls=0", b'{"leads": [{}]}', JSON, 422),
        ("POST", "/predict/batch", b'{"leads": [{}, {"tags": "x"}, 5, {"city": 1}]}', JSON, 422),
        ("POST", "/predict", b"{", JSON, 400),
        ("POST", "/predict", LEAD, {"content-type": "text/plain"}, 415),
        ("GET", "/predict", b"", {}, 405),
        ("POST", "/predict/", LEAD, JSON, 200),  # by a redirect
        ("POST", "/elsewhere", LEAD, JSON, 404),
        ("GET", "/health", b"", {}, 200),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_passing_by_changes_no_answer(
    method: str, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    """The same status, media type and body, for what is right and for what is wrong."""
    answers = [
        client.request(method, path, content=content, headers=headers) for client in (BESIDE, THROUGH)
    ]
    beside, through = ((a.status_code, a.headers["content-type"], a.content) for a in answers)
    assert beside == through
    assert beside[0] == status


def test_documentation_names_the_queries() -> None:
    """OpenAPI has what the direct routes take and give."""
    document = THROUGH.get("/openapi.json").json()
    batch = document["paths"]["/predict/batch"]["post"]
    assert {entry["name"] for entry in batch["parameters"]} == {"reasons", "calls"}
    assert batch["requestBody"]["required"]
    answer = batch["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/BatchPrediction"}
