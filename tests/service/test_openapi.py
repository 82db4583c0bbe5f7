"""The OpenAPI document: of the routes as they are, and of the model in use."""

import httpx2
import pytest

from leadscore.scorer import Scorer


@pytest.fixture(scope="module")
def document(client: httpx2.Client) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    """As the service gives it."""
    return client.get("/openapi.json").raise_for_status().json()


def test_documentation_comes_from_the_card(
    client: httpx2.Client, scorer: Scorer, document: dict[str, dict]
) -> None:
    """It names every column with its why, and its example lead is scored."""
    lead = document["components"]["schemas"]["Lead"]
    for column in scorer.card.dictionary.features:
        assert lead["properties"][column.name]["description"] == column.why
    (example,) = lead["examples"]
    assert set(example) == {column.name for column in scorer.card.dictionary.features}
    assert client.post("/predict", json=example).status_code == 200
    assert scorer.card.version in document["info"]["summary"]


def test_every_reference_leads_somewhere(document: dict[str, dict]) -> None:
    """No tool that reads the document stumbles over a schema that is not there."""
    names, waiting = set(), [document]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if isinstance(reference := found.get("$ref"), str):
                names.add(reference.removeprefix("#/components/schemas/"))
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
    assert {"Lead", "Batch", "Problem", "Inference"} <= names
    assert names <= document["components"]["schemas"].keys()


def test_documentation_names_the_queries(document: dict[str, dict], scorer: Scorer) -> None:
    """What the routes read from a query, with its bounds, and what they answer."""
    batch = document["paths"]["/predict/batch"]["post"]
    parameters = {entry["name"]: entry["schema"] for entry in batch["parameters"]}
    assert set(parameters) == {"reasons", "calls"}
    assert parameters["reasons"]["maximum"] == len(scorer.card.dictionary.features)
    assert batch["requestBody"]["required"]
    answer = batch["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/BatchPrediction"}


def test_documentation_says_how_an_upload_fails(document: dict[str, dict]) -> None:
    """The route's own ways to fail, each a problem document."""
    answers = document["paths"]["/predict/csv"]["post"]["responses"]
    for status, word in (("400", "the form cannot be read"), ("415", "as CSV"), ("507", "No room")):
        assert word in answers[status]["description"]
        assert list(answers[status]["content"]) == ["application/problem+json"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_pages_show_the_document(client: httpx2.Client, path: str) -> None:
    """For people, in two ways."""
    assert "/openapi.json" in client.get(path).raise_for_status().text
