"""The forms of a batch."""

import httpx2
import pytest

LEADS = [{"lead_source": "Google", "total_visits": 5}, {"lead_source": None, "total_visits": 7}]
SPLIT = {"columns": ["lead_source", "TotalVisits"], "index": [8, 9], "data": [["Google", 5], [None, 7]]}


@pytest.mark.parametrize(
    "body",
    [
        LEADS,
        {"instances": LEADS},
        {"dataframe_records": LEADS},
        {"dataframe_split": SPLIT},
    ],
    ids=lambda body: "list" if isinstance(body, list) else next(iter(body)),
)
def test_forms_of_other_servers_are_taken(client: httpx2.Client, body: object) -> None:
    """A list, and what clients of Vertex AI, TensorFlow Serving and MLflow send: the same answers."""
    ours = client.post("/predict/batch", json={"leads": LEADS}).raise_for_status()
    assert client.post("/predict/batch", json=body).json() == ours.json()


@pytest.mark.parametrize(
    ("body", "pointer", "expected"),
    [
        ([{}, {"total_visits": -1}], "/1/total_visits", "at least 0"),
        ({"instances": [{"total_visits": -1}]}, "/instances/0/total_visits", "at least 0"),
        (
            {"dataframe_split": {"columns": ["city", "total_visits"], "data": [["a", 1], ["b", -1]]}},
            "/dataframe_split/data/1/1",
            "at least 0",
        ),
        ({"dataframe_split": {**SPLIT, "data": [[1]]}}, "/dataframe_split/data/0", "list of 2 values"),
        ({"dataframe_split": {**SPLIT, "columns": [1]}}, "/dataframe_split", "list of names"),
        ({"dataframe_split": {**SPLIT, "columns": ["a", "a"]}}, "/dataframe_split/columns", "once"),
        ({"dataframe_split": 5}, "/dataframe_split", "an object"),
        ({"dataframe_split": {"columns": []}}, "/dataframe_split/data", "1 to 10,000 leads"),
        ({"leads": LEADS, "instances": LEADS}, "/instances", "nothing beside leads"),
        ({"rows": LEADS}, "/rows", "dataframe_records"),
        ("leads", "", "dataframe_records"),
        ([], "", "1 to 10,000 leads"),
    ],
    ids=str,
)
def test_any_other_form_is_told_which_there_are(
    client: httpx2.Client, body: object, pointer: str, expected: str
) -> None:
    """The error is where the sender has it, and says what would be taken."""
    answer = client.post("/predict/batch", json=body)
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert error["pointer"] == pointer
    assert expected in error["expected"]


def test_key_given_twice_in_a_bare_list_is_refused(client: httpx2.Client) -> None:
    """As in every other form."""
    body = b'[{"total_visits": 1, "total_visits": 2}]'
    answer = client.post("/predict/batch", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "twice" in answer.json()["detail"]


WRONG = [{"total_visits": 5}, {"total_visits": "many", "colour": 1}, 7, {"total_visits": 900}]


def test_wrong_leads_spoil_no_others(client: httpx2.Client) -> None:
    """With errors=item each lead is answered in its place, a wrong one by its problem."""
    assert client.post("/predict/batch", json=WRONG).status_code == 422
    answer = client.post("/predict/batch?errors=item&calls=2", json=WRONG).raise_for_status().json()
    first, wrong, no_lead, last = answer["predictions"]
    for alone, found in ((WRONG[0], first), (WRONG[3], last)):
        assert client.post("/predict?reasons=0", json=alone).json() == found
    assert [error["pointer"] for error in wrong["errors"]] == ["/1/total_visits", "/1/colour"]
    assert (wrong["status"], no_lead["errors"][0]["pointer"]) == (422, "/2")
    summary = answer["summary"]
    assert (summary["leads"], summary["errors"], sum(summary["grades"].values())) == (2, 2, 2)
    best = 0 if first["probability"] >= last["probability"] else 3
    assert summary["capacity"]["chosen"] == [best, 3 - best]


def test_batch_of_wrong_leads_alone_is_answered(client: httpx2.Client) -> None:
    """Nobody can be called, and the answer stays in measure however much is wrong."""
    lead = {str(number): number for number in range(2000)}
    answer = client.post("/predict/batch?errors=item&calls=1", json=[lead] * 20)
    assert answer.status_code == 200
    assert answer.json()["summary"]["capacity"] is None
    assert len(answer.json()["predictions"][0]["errors"]) == 5
    assert "at least 100 more" in answer.json()["predictions"][0]["detail"]


@pytest.mark.parametrize("key", ["id", "Id", "ID"])
def test_id_of_the_caller_comes_back(client: httpx2.Client, key: str) -> None:
    """Whatever system it is from, a Salesforce record too; one that cannot be written is refused."""
    record = {"attributes": {"type": "Lead", "url": "/sobjects/Lead/00Q1"}, key: "00Q1"}
    answer = client.post("/predict", json={**record, "total_visits": 3}).raise_for_status()
    assert answer.json()["ids"] == {key: "00Q1"}
    refused = client.post("/predict", json={key: {"nested": 1}})
    assert refused.json()["errors"][0]["pointer"] == f"/{key}"
    assert client.post("/predict", json={"attributes": 5}).status_code == 422


@pytest.mark.parametrize(
    "value", ["many", True, -1, 2.5, [1], {"a": None}, "x" * 500, [0] * 500, 10**30], ids=str
)
def test_value_in_a_problem_is_json(client: httpx2.Client, value: object) -> None:
    """As it was sent, unless it is long; no word of the language the service is written in."""
    wrong = value if value != 2.5 else [2.5]
    error = client.post("/predict", json={"colour": wrong}).json()["errors"][0]
    short = len(str(wrong)) < 80 and wrong != 10**30
    assert error["value"] == wrong if short else error["value"].startswith(str(wrong)[:20])


@pytest.mark.parametrize(
    "text", ['["\\ud800"]', '{"\\ud800": 1}', '"\\ud800"', "[NaN]", "NaN", "[1e999]", "9" * 400]
)
def test_value_that_cannot_be_written_is_shown_as_it_can(client: httpx2.Client, text: str) -> None:
    """Half a surrogate pair, what is no number, and a number nobody reads: a 422, never a 500."""
    body = f'{{"colour": {text}}}'
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["status"] == answer.status_code
