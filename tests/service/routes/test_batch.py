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
