"""The OpenAPI document: of the routes as they are, and of the model in use."""

import json
import re
from typing import Any

import httpx2
import pytest
from openapi_spec_validator import validate

from docs import openapi as shipped
from leadscore.scorer import Scorer


@pytest.fixture(scope="module")
def document(client: httpx2.Client) -> Any:
    """As the service gives it."""
    return client.get("/openapi.json").raise_for_status().json()


def test_documentation_comes_from_the_card(client: httpx2.Client, scorer: Scorer, document: Any) -> None:
    """It names every column with its why, and its example lead is scored."""
    lead = document["components"]["schemas"]["Lead"]
    for column in scorer.card.dictionary.features:
        assert lead["properties"][column.name]["description"] == column.why
    (example,) = lead["examples"]
    assert set(example) == {column.name for column in scorer.card.dictionary.features}
    assert client.post("/predict", json=example).status_code == 200
    assert scorer.card.version in document["info"]["summary"]


def test_document_is_valid(document: Any) -> None:
    """By the JSON schema of OpenAPI 3.1, and every reference leads somewhere."""
    validate(document)


def test_committed_document_is_current() -> None:
    """Whoever reads docs/openapi.json reads what a service answers; if not: `make openapi`.

    But for the model's version, which is another one where another version of Python trained it.
    """
    committed, current = (
        re.sub("Model [0-9a-f]{12}", "Model", text)
        for text in (shipped.FILE.read_text(encoding="utf-8"), shipped.text())
    )
    assert committed == current


def test_operations_have_names(document: Any) -> None:
    """Generated clients have functions that are called as a person would call them."""
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    assert {"predict", "predictBatch", "predictCsv", "getModel", "modelInfer"} <= set(names)


def test_operations_say_who_may_ask(document: Any) -> None:
    """Probes need no key; all else takes one in either way, and says that it may be refused."""
    assert document["security"] == [{}, {"bearer": []}, {"apiKey": []}]
    health, predict = document["paths"]["/health"]["get"], document["paths"]["/predict"]["post"]
    assert health["security"] == []
    assert "security" not in predict
    assert ("401" in health["responses"], "401" in predict["responses"]) == (False, True)
    assert "503" in health["responses"]
    assert "503" in predict["responses"]


def test_documentation_names_the_queries(document: Any, scorer: Scorer) -> None:
    """What the routes read from a query, with its bounds, and what they answer."""
    batch = document["paths"]["/predict/batch"]["post"]
    parameters = {entry["name"]: entry["schema"] for entry in batch["parameters"]}
    assert set(parameters) == {"reasons", "calls", "errors"}
    assert parameters["reasons"]["maximum"] == len(scorer.card.dictionary.features)
    assert batch["requestBody"]["required"]
    answer = batch["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/BatchPrediction"}


def test_documented_card_is_the_card(client: httpx2.Client, document: Any) -> None:
    """What a card's dictionary and its columns hold is described there, and nothing else is."""
    found = client.get("/model").raise_for_status().json()["dictionary"]
    schemas = document["components"]["schemas"]
    dictionary, column = schemas["Dictionary"], schemas["Column"]
    assert set(dictionary["required"]) <= set(found) <= set(dictionary["properties"])
    assert set(dictionary["properties"]) == {"missing", "moments", "grades", "column"}
    assert set().union(*found["column"]) <= set(column["properties"])
    assert not {"missing", "levels", "decimal"} & set(column["properties"])
    assert "actions" not in dictionary["description"]


def test_documentation_says_what_is_no_body(client: httpx2.Client, document: Any) -> None:
    """A 415 is described as the route means it: tensors may be declared as anything."""
    infer = "/v2/models/lead_conversion/infer"
    path = infer.replace("lead_conversion", "{name}")
    words = {"/predict": "as JSON", "/predict/csv": "as CSV", "/changes": "as a form", path: "packed"}
    for route, word in words.items():
        assert word in document["paths"][route]["post"]["responses"]["415"]["description"]
    assert "JSON" not in document["paths"][path]["post"]["responses"]["415"]["description"]
    tensor = {"name": "city", "shape": [1], "datatype": "BYTES", "data": ["Pune"]}
    content, headers = json.dumps({"inputs": [tensor]}), {"content-type": "text/csv"}
    assert client.post(infer, content=content, headers=headers).status_code == 200
    headers["content-encoding"] = "br"
    assert client.post(infer, content=content, headers=headers).status_code == 415


def test_documentation_says_how_an_upload_fails(document: Any) -> None:
    """The route's own ways to fail, each a problem document."""
    answers = document["paths"]["/predict/csv"]["post"]["responses"]
    for status, word in (("400", "the form cannot be read"), ("415", "as CSV"), ("507", "No room")):
        assert word in answers[status]["description"]
        assert list(answers[status]["content"]) == ["application/problem+json"]
