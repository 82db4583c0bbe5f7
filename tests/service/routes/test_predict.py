"""`POST /predict` and `/predict/batch`: real requests over a real socket."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from tests.conftest import ROOT, TWIN, Serve

README_LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}
JSON = {"content-type": "application/json"}


def _expected(scorer: Scorer, *leads: Mapping[str, object]) -> list[float]:
    return list(scorer.run(scorer.inputs(leads))[0].tolist())


def test_service_answers_what_the_scorer_answers(client: httpx2.Client, scorer: Scorer) -> None:
    """One lead over HTTP: probability, score, decision and model."""
    answer = client.post("/predict", json=README_LEAD).raise_for_status().json()
    (probability,) = _expected(scorer, README_LEAD)
    assert answer["probability"] == pytest.approx(probability, abs=1e-9)
    assert answer["score"] == round(100 * probability)
    assert answer["converts"] == (probability >= scorer.card.threshold.value)
    assert answer["model_version"] == scorer.card.version
    assert len(answer["reasons"]) == 3


def test_reasons_and_warnings_are_those_of_the_lead(client: httpx2.Client) -> None:
    """A reason has its column, the value as read and a sentence; what training has not seen is told."""
    lead = {**README_LEAD, "lead_source": "google", "city": "Atlantis"}
    answer = client.post("/predict?reasons=11", json=lead).raise_for_status().json()
    found = {reason["column"]: reason for reason in answer["reasons"]}
    assert len(found) == 11
    assert (found["total_visits"]["value"], found["lead_source"]["value"]) == (5, "Google")
    assert found["country"]["value"] is None
    assert found["lead_source"]["text"].startswith("Lead source “Google”: ")
    sizes = [abs(reason["effect"]) for reason in answer["reasons"]]
    assert sizes == sorted(sizes, reverse=True)
    text = "City “Atlantis” is new to the model, which takes it for “Mumbai”."
    assert answer["warnings"] == [{"column": "city", "text": text}]


def test_batch_answers_in_the_order_sent(client: httpx2.Client, scorer: Scorer) -> None:
    """Row i of the answer is lead i of the request, and the summary adds them up."""
    leads = [dict(golden.lead) for golden in scorer.card.golden] * 20
    answer = client.post("/predict/batch", json={"leads": leads}).raise_for_status().json()
    found = [item["probability"] for item in answer["predictions"]]
    assert found == pytest.approx(_expected(scorer, *leads))
    assert answer["summary"] == {
        "leads": len(leads),
        "errors": 0,
        "converts": sum(item["converts"] for item in answer["predictions"]),
        "expected_conversions": pytest.approx(sum(found)),
        "grades": {
            grade: sum(item["grade"] == grade for item in answer["predictions"]) for grade in "ABCD"
        },
        "capacity": None,
    }
    assert all(item["reasons"] == [] for item in answer["predictions"])


def test_a_lead_is_answered_alone_as_in_a_batch(client: httpx2.Client, scorer: Scorer) -> None:
    """To the last character, with reasons and warnings; a large batch, which a thread scores, too."""
    leads = [{}, {"city": "Atlantis", "prospect_id": "x"}, dict(scorer.card.golden[3].lead)]
    alone = [client.post("/predict?reasons=11", json=lead).json() for lead in leads]
    for times in (1, 300):
        batch = client.post("/predict/batch?reasons=11", json={"leads": leads * times}).json()
        assert batch["predictions"] == alone * times


def test_largest_batch_is_answered_and_a_larger_one_refused(client: httpx2.Client) -> None:
    """10,000 leads in one request work; 10,001 are a clear error."""
    answer = client.post("/predict/batch", json={"leads": [README_LEAD] * 10_000})
    assert len(answer.raise_for_status().json()["predictions"]) == 10_000
    refused = client.post("/predict/batch", json={"leads": [README_LEAD] * 10_001})
    assert refused.status_code == 422
    assert "10,000" in refused.json()["detail"]


@pytest.mark.slow  # a model is trained to compare with
def test_reasons_of_real_leads_are_xgboost_s_own(
    client: httpx2.Client, original_csv: Path, scorer: Scorer, capture: Dictionary
) -> None:
    """Five of the original's newest leads, over HTTP: every effect is what XGBoost computes, to 1e-5."""
    # Seconds, which the other tests need not.
    from leadscore.training.dataset import load  # noqa: PLC0415
    from leadscore.training.models import CANDIDATES, SERVED  # noqa: PLC0415
    from leadscore.training.onnx.shap_values import contributions  # noqa: PLC0415

    leads = load(TWIN, capture)
    pipeline = CANDIDATES[SERVED](capture.features, 0).fit(leads.features, leads.target)
    features, _ = load(original_csv, capture).newest()
    sample = features.iloc[::400]
    names = list(features.columns)
    for row, shares in zip(sample.to_dict("records"), contributions(pipeline, sample), strict=True):
        lead = {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124
        answer = client.post(f"/predict?reasons={len(names)}", json=lead).raise_for_status().json()
        found = {reason["column"]: reason["effect"] for reason in answer["reasons"]}
        assert [found[name] for name in names] == pytest.approx(shares.tolist(), abs=1e-5)
        five = client.post("/predict?reasons=5", json=lead).raise_for_status().json()["reasons"]
        assert five == answer["reasons"][:5]
    assert len(sample) == 5
    assert answer["model_version"] == scorer.card.version


def test_batch_tells_whom_to_call(client: httpx2.Client, scorer: Scorer) -> None:
    """The cut takes as many leads as there are calls, for the conversions promised."""
    leads = [dict(golden.lead) for golden in scorer.card.golden]

    def capacity(calls: int) -> dict[str, float]:
        answer = client.post(f"/predict/batch?calls={calls}", json={"leads": leads})
        return dict(answer.raise_for_status().json()["summary"]["capacity"])

    expected = _expected(scorer, *leads)
    order = sorted(range(len(leads)), key=lambda lead: -expected[lead])
    best = [expected[lead] for lead in order]
    for calls in (1, 5, len(leads)):
        assert capacity(calls) == {
            "calls": calls,
            "probability_from": pytest.approx(best[calls - 1]),
            "expected_conversions": pytest.approx(sum(best[:calls])),
            "chosen": order[:calls],
        }
    assert capacity(10_000) == capacity(len(leads))


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
        ({"Magazine": "No"}, "/Magazine", "Carries no information"),
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
    expected = [*(f"/leads/0/{key}" for key in wrong), "/leads/1/body"]
    assert [error["pointer"] for error in answer.json()["errors"]] == expected


def test_list_of_wrong_values_ends(client: httpx2.Client) -> None:
    """A hundred are named, and that there are more is said: the answer stays small."""
    answer = client.post("/predict/batch", json={"leads": [{"city": 5}] * 5000})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100
    assert "(and at least 100 more)" in answer.json()["detail"]


def test_lead_of_countless_columns_is_refused_in_few_words(client: httpx2.Client) -> None:
    """300,000 unknown columns: the first hundred are named, and the answer stays small."""
    answer = client.post("/predict", json={f"column_{number}": 1 for number in range(300_000)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100
    assert len(answer.content) < 100_000


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
        ("/predict/batch", b"{}", JSON, 422, "a list of leads"),
        ("/predict/batch", b'{"leads": [{}], "more": 1}', JSON, 422, "/more"),
        ("/predict/batch", b'{"leads": [{}], "body": 1}', JSON, 422, "/body"),
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


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (json.dumps(README_LEAD).encode(), "Application/JSON; charset=utf-8"),
        (json.dumps(README_LEAD).encode(), "application/crm+json"),
        (json.dumps(README_LEAD).encode("utf-8-sig"), "application/json"),
        (json.dumps(README_LEAD).encode("utf-16"), "application/json"),
    ],
    ids=["parameters", "suffix", "mark", "UTF-16"],
)
def test_json_may_come_in_any_of_its_forms(
    client: httpx2.Client, scorer: Scorer, content: bytes, declared: str
) -> None:
    """However JSON is declared and encoded, it is the same lead."""
    answer = client.post("/predict", content=content, headers={"content-type": declared})
    (probability,) = _expected(scorer, README_LEAD)
    assert answer.raise_for_status().json()["probability"] == pytest.approx(probability)


def test_body_without_a_length_is_limited_too(client: httpx2.Client) -> None:
    """A chunked upload is cut off where a declared one would be."""
    chunks = (b" " * 2**20 for _ in range(17))
    assert client.post("/predict", content=chunks, headers=JSON).status_code == 413


def test_concurrent_requests_get_their_own_answers(client: httpx2.Client, scorer: Scorer) -> None:
    """Under concurrency no answer is swapped."""

    def ask(visits: int) -> dict[str, object]:
        lead = {"total_visits": visits, "prospect_id": str(visits)}
        return dict(client.post("/predict", json=lead).raise_for_status().json())

    expected = _expected(scorer, *({"total_visits": visits} for visits in range(200)))
    with ThreadPoolExecutor(16) as pool:
        for visits, answer in enumerate(pool.map(ask, range(200))):
            assert answer["ids"] == {"prospect_id": str(visits)}
            assert answer["probability"] == pytest.approx(expected[visits])


def test_limits_come_from_the_environment(serve: Serve) -> None:
    """A deployment sets its own limits."""
    limits = {"LEADSCORE_MAX_BATCH": "2", "LEADSCORE_MAX_BODY": "200", "LEADSCORE_MAX_TEXT": "3"}
    with serve(**limits) as client:
        assert client.post("/predict/batch", json={"leads": [{}] * 2}).status_code == 200
        assert client.post("/predict/batch", json={"leads": [{}] * 3}).status_code == 422
        assert client.post("/predict", json={"city": "Pune"}).status_code == 422
        assert client.post("/predict", content=b" " * 201, headers=JSON).status_code == 413
