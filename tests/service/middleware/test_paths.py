"""Behind a proxy: its prefix, its connections, and what it says of who asks."""

import socket
from collections.abc import Iterator

import pytest

from leadscore.settings import Settings, SettingsError
from tests.conftest import Serve, Server

SMALL = {"LEADSCORE_API_KEYS": "key", "LEADSCORE_MAX_BODY": "2000"}
KEY = {"authorization": "Bearer key"}
UVICORN = ("-m", "uvicorn", "predict:app", "--port", "0", "--root-path", "/scoring")


@pytest.fixture(scope="module", params=["LEADSCORE_ROOT_PATH", "--root-path"])
def behind(serve: Serve, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A service that a proxy shows below /scoring."""
    ours = request.param == "LEADSCORE_ROOT_PATH"
    setting = {request.param: "/scoring"} if ours else {}
    with serve(*(() if ours else UVICORN), **SMALL, **setting) as server:
        yield server


@pytest.mark.parametrize("prefix", ["", "/scoring"])
def test_prefix_changes_nothing(behind: Server, prefix: str) -> None:
    """Whether the proxy takes the prefix off or leaves it: open paths, limits, V2's errors."""
    for path in ("/health", "/ready", "/v2/health/ready", "/", "/page/main.js"):
        assert behind.get(prefix + path).status_code == 200, path
    assert behind.get(f"{prefix}/model").status_code == 401
    csv = "Lead Source\n" + "Google\n" * 1000
    headers = {"content-type": "text/csv", **KEY}
    answer = behind.post(f"{prefix}/predict/csv?partial=1", content=csv, headers=headers)
    assert answer.status_code == 200
    assert behind.post(f"{prefix}/predict", content=csv, headers=headers).status_code == 413
    answer = behind.post(f"{prefix}/v2/models/lead_conversion/infer", json={}, headers=KEY)
    assert (answer.status_code, answer.json()["error"]) == (422, answer.json()["detail"])


def test_document_names_the_prefix(behind: Server) -> None:
    """Generated clients and /docs ask below it, and the pages find the document beside them."""
    for prefix in ("", "/scoring"):
        document = behind.get(f"{prefix}/openapi.json", headers=KEY).json()
        assert document["servers"] == [{"url": "/scoring"}]


def test_prefix_alone_leads_to_the_page(behind: Server) -> None:
    """The page's links are relative: they need the slash. The host a request names has no say."""
    answer = behind.get("/scoring", headers={"host": "elsewhere.example"})
    assert (answer.status_code, answer.headers["location"]) == (308, "/scoring/")


def test_another_prefix_is_no_path(behind: Server) -> None:
    """What only begins like the prefix is not below it."""
    assert behind.get("/scoringhealth", headers=KEY).status_code == 404
    assert behind.get("/other/health", headers=KEY).status_code == 404


@pytest.mark.parametrize("prefix", ["scoring", "/scoring/", "/", "/a b", "//host"])
def test_wrong_prefix_is_refused(prefix: str) -> None:
    """One that no path could have is a mistake."""
    with pytest.raises(SettingsError, match="LEADSCORE_ROOT_PATH: got"):
        Settings(root_path=prefix)


def test_connections_outlast_those_of_load_balancers() -> None:
    """Who closes first decides: it must not be the service, or a request meets a closed connection."""
    assert Settings().keep_alive > 60


def test_keep_alive_can_be_set(serve: Serve) -> None:
    """A connection that is silent for longer is closed."""
    with (
        serve(LEADSCORE_KEEP_ALIVE="1") as server,
        socket.create_connection((server.base_url.host, server.base_url.port), timeout=20) as connection,
    ):
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        received = b""
        while part := connection.recv(10_000):
            received += part
        assert received.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("believed", "said", "client"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", '"}, {"', None),
        ("192.0.2.1", "203.0.113.7", "127.0.0.1"),
    ],
)
def test_log_names_who_asks(serve: Serve, believed: str, said: str, client: str | None) -> None:
    """By the word of a proxy that is believed; what is no address is not written."""
    with serve(LEADSCORE_FORWARDED_ALLOW_IPS=believed) as server:
        server.get("/model", headers={"x-forwarded-for": said})

        def clients() -> list[object]:
            return [line["client"] for line in server.lines() if line.get("route") == "/model"]

        server.wait_for(clients, "the line of the request")
        assert clients()[0] == client


@pytest.mark.parametrize("prefix", ["/v1", "/scoring/v1"])
def test_routes_are_also_below_their_version(behind: Server, prefix: str) -> None:
    """With the same keys and limits; what has a version of its own, and pages, are not."""
    assert behind.get(f"{prefix}/health").status_code == 200
    assert behind.get(f"{prefix}/model").status_code == 401
    answers = [
        behind.post(path, json={}, headers=KEY).json() for path in ("/predict", f"{prefix}/predict")
    ]
    assert answers[0] == answers[1]
    csv = "Lead Source\n" + "Google\n" * 1000
    headers = {"content-type": "text/csv", **KEY}
    scored = behind.post(f"{prefix}/predict/csv?partial=1", content=csv, headers=headers)
    assert scored.status_code == 200
    for path in ("/v2", "/v1/health", "health", "/docs", "/"):
        assert behind.get(prefix + path, headers=KEY).status_code == 404, path
