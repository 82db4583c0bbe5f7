"""The service as it is run: real processes, real requests."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

import train
from leadscore.columns import Dictionary, clean
from leadscore.scorer import Scorer
from leadscore.training import shapley
from leadscore.training.dataset import load
from leadscore.training.models import SERVED
from tests.conftest import PYTHON, ROOT, TWIN, Serve

README_LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}
JSON = {"content-type": "application/json"}


def _expected(scorer: Scorer, *leads: dict[str, object]) -> list[float]:
    return scorer.probability([clean(lead, scorer.card.dictionary) for lead in leads]).tolist()


def test_service_answers_what_the_scorer_answers(client: httpx2.Client, scorer: Scorer) -> None:
    """One lead over HTTP: probability, score, decision and model."""
    answer = client.post("/predict", json=README_LEAD).raise_for_status().json()
    (probability,) = _expected(scorer, README_LEAD)
    assert answer["probability"] == pytest.approx(probability, abs=1e-9)
    assert answer["score"] == round(100 * probability)
    assert answer["converts"] == (probability >= scorer.card.threshold.value)
    assert answer["model_version"] == scorer.card.version
    assert len(answer["reasons"]) == 3


def test_batch_answers_in_the_order_sent(client: httpx2.Client, scorer: Scorer) -> None:
    """Row i of the answer is lead i of the request, and the summary adds them up."""
    leads = [dict(golden.lead) for golden in scorer.card.golden] * 20
    answer = client.post("/predict/batch", json={"leads": leads}).raise_for_status().json()
    found = [item["probability"] for item in answer["predictions"]]
    assert found == pytest.approx(_expected(scorer, *leads))
    assert answer["summary"] == {
        "leads": len(leads),
        "converts": sum(item["converts"] for item in answer["predictions"]),
        "expected_conversions": pytest.approx(sum(found)),
        "grades": {
            grade: sum(item["grade"] == grade for item in answer["predictions"]) for grade in "ABCD"
        },
        "capacity": None,
    }
    assert all(item["reasons"] == [] for item in answer["predictions"])


def test_largest_batch_is_answered_and_a_larger_one_refused(client: httpx2.Client) -> None:
    """10,000 leads in one request work; 10,001 are a clear error."""
    answer = client.post("/predict/batch", json={"leads": [README_LEAD] * 10_000})
    assert len(answer.raise_for_status().json()["predictions"]) == 10_000
    refused = client.post("/predict/batch", json={"leads": [README_LEAD] * 10_001})
    assert refused.status_code == 422
    assert "10000" in refused.json()["detail"]


def test_reasons_of_real_leads_are_xgboost_s_own(
    client: httpx2.Client, original_csv: Path, scorer: Scorer, capture: Dictionary
) -> None:
    """Five of the original's newest leads, over HTTP: every effect is what XGBoost computes, to 1e-5."""
    twin = load(TWIN, capture)
    pipeline = train.fit(twin, SERVED, 0).pipeline
    features, _ = load(original_csv, capture).newest()
    sample = features.iloc[::400]
    expected = shapley.contributions(pipeline, sample)
    names = list(features.columns)
    for row, shares in zip(sample.to_dict("records"), expected, strict=True):
        lead = {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124
        answer = client.post(f"/predict?reasons={len(names)}", json=lead).raise_for_status().json()
        found = {reason["column"]: reason["effect"] for reason in answer["reasons"]}
        assert [found[name] for name in names] == pytest.approx(shares.tolist(), abs=1e-5)
        five = client.post("/predict?reasons=5", json=lead).raise_for_status().json()["reasons"]
        assert five == answer["reasons"][:5]
    assert len(sample) == 5
    assert answer["model_version"] == scorer.card.version


@pytest.mark.parametrize("query", ["reasons=-1", "reasons=12", "reasons=many", "reasons="])
def test_impossible_number_of_reasons_is_refused(client: httpx2.Client, query: str) -> None:
    """From none to all columns; anything else is a problem document naming the parameter."""
    answer = client.post(f"/predict?{query}", json={})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/reasons"


def test_batch_gives_reasons_and_capacity_on_request(client: httpx2.Client) -> None:
    """Both are parameters of the batch route."""
    answer = client.post("/predict/batch?reasons=2&calls=1", json={"leads": [README_LEAD, {}]}).json()
    assert [len(item["reasons"]) for item in answer["predictions"]] == [2, 2]
    assert answer["summary"]["capacity"]["calls"] == 1
    assert client.post("/predict/batch?calls=0", json={"leads": [{}]}).status_code == 422


def test_names_headers_and_every_missing_value_mean_the_same(client: httpx2.Client) -> None:
    """snake_case or CSV header; absent, null, blank and 'Select' alike."""
    same = [
        {"lead_source": "Google"},
        {"Lead Source": "google", "City": None},
        {"lead_source": " Google ", "city": "", "TotalVisits": ""},
        {"lead_source": "Google", "city": "Select", "total_visits": None},
    ]
    answer = client.post("/predict/batch", json={"leads": same}).raise_for_status().json()
    assert len({item["probability"] for item in answer["predictions"]}) == 1


def test_ids_pass_through(client: httpx2.Client) -> None:
    """A caller can join answers to leads by the ids it sent, as it sent them."""
    lead = {"Prospect ID": "7927b2df", "lead_number": 660737, "city": "Mumbai"}
    answer = client.post("/predict", json=lead).raise_for_status().json()
    assert answer["ids"] == {"prospect_id": "7927b2df", "lead_number": 660737}


@pytest.mark.parametrize(
    ("lead", "pointer", "expected"),
    [
        ({"tags": "Ringing"}, "/tags", "Written by the salesperson after the call"),
        ({"Magazine": "No"}, "/Magazine", "Constant"),
        ({"Converted": 1}, "/Converted", "What is predicted"),
        ({"colour": "red"}, "/colour", "one of the columns lead_origin"),
        ({"total_visits": "many"}, "/total_visits", "a number of at least 0 or null"),
        ({"total_visits": -1}, "/total_visits", "a number of at least 0 or null"),
        ({"total_visits": True}, "/total_visits", "a number of at least 0 or null"),
        ({"total_visits": [5]}, "/total_visits", "a number of at least 0 or null"),
        ({"total_visits": 1e39}, "/total_visits", "a number of at least 0 or null"),
        ({"city": 5}, "/city", "text or null"),
        ({"city": {"name": "Mumbai"}}, "/city", "text or null"),
        ({"city": "x" * 1001}, "/city", "text of at most 1000 characters"),
        ({"city": "Mumbai", "City": "Mumbai"}, "/City", "also given as 'city'"),
        ({"lead_number": [1]}, "/lead_number", "an id: printable text or a number"),
        ({"a/b~c": 1}, "/a~1b~0c", "one of the columns"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_wrong_value_is_named(
    client: httpx2.Client, lead: dict[str, object], pointer: str, expected: str
) -> None:
    """A 422 problem document says where, what was read and what was expected; alone and in a batch."""
    for path, body, prefix in (
        ("/predict", lead, ""),
        ("/predict/batch", {"leads": [{}, lead]}, "/leads/1"),
    ):
        answer = client.post(path, json=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == prefix + pointer
        assert expected in error["expected"]


def test_every_wrong_value_is_named_at_once(client: httpx2.Client) -> None:
    """Nobody mends a lead only to be told of its next mistake: ids, numbers, texts and columns."""
    wrong = {
        "prospect_id": "x" * 1001,
        "Lead Number": "\n",
        "total_visits": "many",
        "city": "x" * 1001,
        "tags": "x",
    }
    answer = client.post("/predict/batch", json={"leads": [{**wrong, "country": "India"}, {"body": 1}]})
    assert answer.status_code == 422
    expected = {f"/leads/0/{key}" for key in wrong} | {"/leads/1/body"}
    found = [error["pointer"] for error in answer.json()["errors"]]
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "detail"),
    [
        ("/predict", b"{", JSON, 400, "not JSON"),
        ("/predict", b"\xff{}", JSON, 400, ""),
        ("/predict", b'{"total_visits": ' + b"9" * 5000 + b"}", JSON, 400, ""),
        ("/predict", b"[" * 100_000, JSON, 400, ""),
        ("/predict", b'{"total_visits": 1e400}', JSON, 422, "/total_visits"),
        ("/predict", b'{"total_visits": -Infinity}', JSON, 422, "/total_visits"),
        ("/predict", b'{"city": "\\ud800"}', JSON, 422, "/city"),
        ("/predict", b'{"\\ud800": 1}', JSON, 422, "expected one of the columns"),
        ("/predict", b'{"lead_number": "\\ud800"}', JSON, 422, "/lead_number"),
        ("/predict", b"[]", JSON, 422, "an object of columns"),
        ("/predict", b"null", JSON, 422, "an object of columns"),
        ("/predict", b'"lead"', JSON, 422, "an object of columns"),
        ("/predict", b"", JSON, 422, "a value here"),
        ("/predict", b"", {}, 415, "got none"),
        ("/predict", b"{}", {}, 415, "got none"),
        ("/predict", b"a,b\n1,2", {"content-type": "text/csv"}, 415, "got 'text/csv'"),
        ("/predict", b"<lead/>", {"content-type": "application/xml"}, 415, "'application/json'"),
        ("/predict", b" " * (16 * 2**20 + 1), JSON, 413, "16,777,216 bytes"),
        ("/predict/batch", b'{"leads": []}', JSON, 422, "/leads"),
        ("/predict/batch", b'{"leads": {}}', JSON, 422, "/leads"),
        ("/predict/batch", b"{}", JSON, 422, "/leads"),
        ("/predict/batch", b'{"leads": [{}], "more": 1}', JSON, 422, "/more"),
        ("/predict/batch", b'{"leads": [{}], "body": 1}', JSON, 422, "/body"),
        ("/predict/batch", b"[{}]", JSON, 422, ""),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else "",
)
def test_wrong_request_is_a_problem_document(
    client: httpx2.Client, path: str, content: bytes, headers: dict[str, str], status: int, detail: str
) -> None:
    """No malformed body becomes a 500, and none is answered without saying what was wrong."""
    answer = client.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert detail in problem["detail"]
    assert "Traceback" not in answer.text
    assert str(ROOT) not in answer.text


def test_body_without_a_length_is_limited_too(client: httpx2.Client) -> None:
    """A chunked upload is cut off where a declared one would be."""
    chunks = (b" " * 2**20 for _ in range(17))
    assert client.post("/predict", content=chunks, headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/predict", 405), ("PUT", "/model", 405)],
)
def test_wrong_route_is_a_problem_document(
    client: httpx2.Client, method: str, path: str, status: int
) -> None:
    """Unknown paths and methods are answered in the same form."""
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)


def test_health_ready_and_model(client: httpx2.Client, scorer: Scorer) -> None:
    """Probes answer, and /model is the card in the file."""
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json() == {"status": "ready", "model_version": scorer.card.version}
    assert client.get("/model").json() == json.loads(scorer.card.to_json())


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/model", "/metrics", "/openapi.json", "/v2/health/live", "/"]
)
def test_monitors_may_ask_with_head(client: httpx2.Client, path: str) -> None:
    """HEAD has the status and the headers of GET, and no body."""
    answer, head = client.get(path), client.head(path)
    assert head.status_code == answer.status_code == 200
    assert head.headers["content-type"] == answer.headers["content-type"]
    assert head.content == b""
    assert client.get("/health").status_code == 200  # on the same connection


def test_documentation_comes_from_the_card(client: httpx2.Client, scorer: Scorer) -> None:
    """OpenAPI names every column with its why, and its example lead is scored."""
    assert client.get("/docs").status_code == 200
    document = client.get("/openapi.json").json()
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    for column in scorer.card.dictionary.features:
        assert body["properties"][column.name]["description"] == column.why
    (example,) = body["examples"]
    assert set(example) == {column.name for column in scorer.card.dictionary.features}
    assert client.post("/predict", json=example).status_code == 200


def test_concurrent_requests_get_their_own_answers(client: httpx2.Client, scorer: Scorer) -> None:
    """Under concurrency no answer is swapped."""
    leads = [{"total_visits": n, "prospect_id": str(n)} for n in range(200)]
    expected = _expected(scorer, *leads)

    def ask(lead: dict[str, object]) -> dict[str, object]:
        return client.post("/predict", json=lead).raise_for_status().json()

    with ThreadPoolExecutor(16) as pool:
        for lead, probability, answer in zip(leads, expected, pool.map(ask, leads), strict=True):
            assert answer["ids"] == {"prospect_id": lead["prospect_id"]}
            assert answer["probability"] == pytest.approx(probability)


@pytest.mark.parametrize(
    "command",
    [
        ("predict.py", "serve", "--port", "0", "--workers", "2"),
        ("-m", "uvicorn", "predict:app", "--port", "0"),
        ("-m", "gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:0", "predict:app"),
    ],
    ids=["workers", "uvicorn", "gunicorn"],
)
def test_other_ways_to_serve(serve: Serve, scorer: Scorer, command: tuple[str, ...]) -> None:
    """Several workers, uvicorn and gunicorn serve the same model."""
    if "gunicorn" in command and "LEADSCORE_TEST_PYTHON" in os.environ:
        pytest.skip("gunicorn is optional and not in requirements-serve.txt")
    with serve(*command) as client:
        answer = client.post("/predict", json=README_LEAD).raise_for_status().json()
    assert answer["probability"] == pytest.approx(_expected(scorer, README_LEAD)[0])


def test_limits_come_from_the_environment(serve: Serve) -> None:
    """A deployment sets its own limits."""
    limits = {"LEADSCORE_MAX_BATCH": "2", "LEADSCORE_MAX_BODY": "200", "LEADSCORE_MAX_TEXT": "3"}
    with serve(**limits) as client:
        assert client.post("/predict/batch", json={"leads": [{}] * 2}).status_code == 200
        assert client.post("/predict/batch", json={"leads": [{}] * 3}).status_code == 422
        assert client.post("/predict", json={"city": "Pune"}).status_code == 422
        assert client.post("/predict", content=b" " * 201, headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--model", "no_such.onnx"], {}, "no_such.onnx: cannot be read"),
        (["--model", "README.md"], {}, "README.md: no card at the end"),
        (["--port", "http"], {}, "LEADSCORE_PORT: got 'http', expected a whole number"),
        ([], {"LEADSCORE_PORT": "70000"}, "LEADSCORE_PORT: got 70000, expected 0 to 65535"),
        ([], {"LEADSCORE_MAX_BATCH": ""}, "LEADSCORE_MAX_BATCH: empty"),
        (["--workers", "0"], {}, "LEADSCORE_WORKERS: got 0, expected 1 to 1000"),
    ],
)
def test_service_that_cannot_start_says_why(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    """No model or a wrong setting: one line, exit code 3, no server."""
    done = subprocess.run(
        [PYTHON, "predict.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("Not started: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
