"""What operators ask for."""

import json

import httpx2

from leadscore.scorer import Scorer


def test_health_ready_and_model(client: httpx2.Client, scorer: Scorer) -> None:
    """Probes answer, and /model is the card in the file."""
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json() == {"status": "ready", "model_version": scorer.card.version}
    assert client.get("/model").json() == json.loads(scorer.card.to_json())


def test_without_keys_there_is_no_reload(client: httpx2.Client) -> None:
    """The one route that changes something is there only where someone is let in."""
    assert client.post("/model/reload").status_code in {404, 405}
    assert "/model/reload" not in client.get("/openapi.json").json()["paths"]


def test_card_that_has_not_changed_is_not_sent_again(client: httpx2.Client) -> None:
    """A client that names what it has gets a 304, and may keep it."""
    first = client.get("/model")
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = client.get("/model", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/model", headers={"if-none-match": '"other"'}).status_code == 200
