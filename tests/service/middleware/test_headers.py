"""Headers: what a browser is told."""

import pytest

from tests.conftest import Serve, Server


@pytest.mark.parametrize("path", ["/health", "/model", "/docs", "/nowhere", "/metrics"])
def test_every_answer_has_security_headers(client: Server, path: str) -> None:
    """Also errors. What a browser may keep, it asks for again: the page at /docs, and the card."""
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    kept = {"/docs": "no-cache", "/model": "private, no-cache"}
    assert headers["cache-control"] == kept.get(path, "no-store")
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "server" not in headers


def test_other_origins_may_not_ask_by_default(client: Server) -> None:
    """No CORS header on any answer."""
    origin = {"origin": "https://crm.example"}
    assert "access-control-allow-origin" not in client.get("/health", headers=origin).headers
    preflight = client.options("/predict", headers={**origin, "access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in preflight.headers


def test_configured_origins_may_ask(serve: Serve) -> None:
    """A preflight needs no key, the request itself does; other origins stay out."""
    with serve(LEADSCORE_CORS_ORIGINS="https://crm.example", LEADSCORE_API_KEYS="key") as server:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
        ours = server.options("/predict", headers={"origin": "https://crm.example", **asked})
        assert ours.headers["access-control-allow-origin"] == "https://crm.example"
        other = server.options("/predict", headers={"origin": "https://other.example", **asked})
        assert "access-control-allow-origin" not in other.headers
        answer = server.post("/predict", json={}, headers={"origin": "https://crm.example"})
        assert answer.status_code == 401
