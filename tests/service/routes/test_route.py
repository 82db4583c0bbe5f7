"""What all routes have in common: methods, queries, and refusals in one form."""

import httpx2
import pytest

INFER = "/v2/models/lead_conversion/infer"
TENSOR = '{"name": "total_visits", "shape": [1], "datatype": "FP32", %s"data": [5]}'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/nowhere", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/predict/batch", 405),
        ("GET", "/predict/csv", 405),
        ("PUT", "/model", 405),
        ("POST", "/health", 405),
        ("GET", "/v2/models/lead_conversion/infer", 405),
        ("POST", "/v2", 405),
    ],
)
def test_wrong_route_is_a_problem_document(
    client: httpx2.Client, method: str, path: str, status: int
) -> None:
    """Unknown paths and methods are answered in the same form; a wrong method says which are right."""
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)
    assert ("error" in answer.json()) == path.startswith("/v2")


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/model", "/metrics", "/openapi.json", "/v2/health/live", "/", "/docs"]
)
def test_monitors_may_ask_with_head(client: httpx2.Client, path: str) -> None:
    """HEAD has the status and the headers of GET, and no body."""
    answer, head = client.get(path), client.head(path)
    assert head.status_code == answer.status_code == 200
    for name in ("content-type", "cache-control", "x-model-version"):
        assert head.headers.get(name) == answer.headers.get(name)
    assert head.content == b""
    assert client.get("/health").status_code == 200  # on the same connection


@pytest.mark.parametrize("path", ["/predict", "/nowhere"])
def test_head_of_what_cannot_be_got_is_refused(client: httpx2.Client, path: str) -> None:
    """With the status of GET."""
    head = client.head(path)
    assert head.status_code == client.get(path).status_code
    assert head.content == b""


@pytest.mark.parametrize("value", ["-1", "12", "many", "", "1.5", "+1", "٣", "9" * 30])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict/csv"])
def test_impossible_number_of_reasons_is_refused(client: httpx2.Client, path: str, value: str) -> None:
    """From none to all columns; anything else is a problem document that names the parameter."""
    content, kind = (b"City\nPune\n", "text/csv") if path == "/predict/csv" else (b"{}", "json")
    if path == "/predict/batch":
        content = b'{"leads": [{}]}'
    headers = {"content-type": kind if "/" in kind else f"application/{kind}"}
    answer = client.post(path, params={"reasons": value}, content=content, headers=headers)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/query/reasons"
    assert error["expected"] == "a whole number from 0 to 11"


@pytest.mark.parametrize("value", ["0", "-5", "all", "2147483649"])
def test_impossible_number_of_calls_is_refused(client: httpx2.Client, value: str) -> None:
    """At least one; the value is quoted as it came."""
    answer = client.post(f"/predict/batch?calls={value}", json={"leads": [{}]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["value"]) == ("/query/calls", value)


def test_of_a_parameter_that_comes_twice_the_last_counts(client: httpx2.Client) -> None:
    """As in most frameworks."""
    answer = client.post("/predict?reasons=1&reasons=2", json={})
    assert len(answer.raise_for_status().json()["reasons"]) == 2


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict/csv"])
def test_unknown_parameter_is_refused(client: httpx2.Client, path: str) -> None:
    """A typo would be an answer to another question; the nearest one is named."""
    answer = client.post(f"{path}?resons=2", json={})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["value"]) == ("/query/resons", "2")
    assert "did you mean 'reasons'?" in error["expected"]


def test_probes_do_not_mind_a_query(client: httpx2.Client) -> None:
    """Those of some load balancers add one."""
    assert client.get("/health?nocache=1").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/predict", '{"city": "Mumbai", "city": "Pune"}', "city"),
        ("/predict", '{"city": "Mumbai", "city" : "Mumbai"}', "city"),
        ("/predict", r'{"city": "Mumbai", "c\u0069ty": "Pune"}', "city"),
        ("/predict", '{"city": "a:b", "total_visits": 1, "total_visits": 2}', "total_visits"),
        ("/predict", r'{"city": "\ud83d", "city": "Pune"}', "city"),
        ("/predict/batch", '{"leads": [{}, {"city": "Pune", "city": "Pune"}]}', "city"),
        ("/predict/batch", '{"leads": [{}], "leads": [{"city": "Pune"}]}', "leads"),
        (INFER, '{"inputs": [], "inputs": [' + TENSOR % "" + "]}", "inputs"),
        (INFER, '{"inputs": [' + TENSOR % '"data": [7], ' + "]}", "data"),
        (INFER, '{"parameters": {"a": 1, "a": 2}, "inputs": [' + TENSOR % "" + "]}", "a"),
        (INFER, '{"unknown": {"a": 1, "a": 2}, "inputs": [' + TENSOR % "" + "]}", "a"),
    ],
)
def test_key_given_twice_is_refused(client: httpx2.Client, path: str, body: str, key: str) -> None:
    """None of two values is taken: another program on the way may have taken the other one."""
    answer = client.post(path, content=body.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"The key {key!r} is given twice in one object."


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/predict", {"city": 'a: "b": c', "prospect_id": "x:y"}),
        ("/predict/batch", {"leads": [{"city": 'a: "b": c'}, {"city": ":"}, {}]}),
        (INFER, {"inputs": [{"name": "city", "shape": [1], "datatype": "BYTES", "data": ['":":']}]}),
    ],
)
def test_colon_in_a_text_is_no_key(client: httpx2.Client, path: str, document: object) -> None:
    """Texts may hold anything, whatever keys are followed by."""
    client.post(path, json=document).raise_for_status()


@pytest.mark.parametrize(
    ("path", "start", "end"),
    [
        ("/predict", '{"city": [', "]}"),
        ("/predict/batch", '{"leads": [', "]}"),
        (INFER, '{"inputs": [', "]}"),
        (INFER, '{"inputs": [' + TENSOR % "" + ', {"name": "city", "data": [', "]}]}"),
    ],
)
def test_body_of_nothing_but_values_is_refused(
    client: httpx2.Client, path: str, start: str, end: str
) -> None:
    """A million empty objects are few bytes and much memory: they are not even read."""
    body = start + ",".join(["{}"] * 1_000_000) + end
    answer = client.post(path, content=body.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body holds more than 520,000 values."
