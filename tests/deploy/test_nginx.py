"""deploy/nginx.conf as it is: real nginx before the real service, over TLS, on kept connections."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from benchmarks.processes import free_port
from tests.conftest import ROOT, TWIN, Serve, Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("nginx") and shutil.which("openssl")), reason="nginx or openssl is not here"
    ),
]

KEY = {"x-api-key": "key"}


@pytest.fixture(scope="module")
def service(serve: Serve) -> Iterator[Server]:
    """The service that nginx asks."""
    with serve(LEADSCORE_API_KEYS="key") as server:
        yield server


@pytest.fixture(scope="module")
def proxy(service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of nginx with the shipped file, but for addresses and the certificate."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    certificate, key = folder / "leads.example.com.pem", folder / "leads.example.com.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=leads.example.com",
    ]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    shipped = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    replaced = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:8000;": f"127.0.0.1:{service.base_url.port};",
        "/etc/ssl/": f"{folder}/",
    }
    for old, new in replaced.items():
        assert old in shipped
        shipped = shipped.replace(old, new)
    process = _started(folder, shipped)
    try:
        with httpx2.Client(base_url=f"https://127.0.0.1:{port}", verify=False, timeout=60) as client:
            _wait(client)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


def _started(folder: Path, server: str) -> subprocess.Popen[bytes]:
    places = " ".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off; {places}\n{server}\n}}\n"
    )
    folder.chmod(0o755)
    return subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"])


def _wait(client: httpx2.Client) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            client.get("/health").raise_for_status()
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def test_lead_is_scored(proxy: httpx2.Client, service: Server) -> None:
    """The answer is the service's own, with the id that nginx gave the request."""
    lead = {"total_visits": 5, "lead_source": "Google"}
    answer = proxy.post("/predict", json=lead, headers=KEY).raise_for_status()
    assert answer.json() == service.post("/predict", json=lead, headers=KEY).json()
    assert len(answer.headers["x-request-id"]) == 32


def test_file_is_scored(proxy: httpx2.Client, service: Server) -> None:
    """A CSV comes back as without nginx, also where its cells look like heads."""
    content = TWIN.read_bytes() + b"Upgrade: h2c\r\nUpgrade: h2c\r\n" * 100
    answers = [
        one.post("/predict/csv", content=content, headers={**KEY, "content-type": "text/csv"})
        for one in (proxy, service)
    ]
    assert answers[0].raise_for_status().content == answers[1].raise_for_status().content


def test_no_request_is_smuggled(proxy: httpx2.Client) -> None:
    """On kept connections nobody gets the answer to what stands in the body of another's request."""
    inner = b"\r\nUpgrade: h2c\r\n" * 200 + b"GET /metrics HTTP/1.1\r\nhost: x\r\nx-api-key: key\r\n\r\n"
    upgrade = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABk"}
    for path, status in (("/predict", 401), ("/nowhere", 401), ("/predict/csv", 401), ("/health", 405)):
        refused = proxy.post(path, content=inner, headers=upgrade)
        assert refused.status_code == status
        assert set(proxy.get("/ready").json()) == {"status", "model_version"}


@pytest.mark.parametrize("path", ["", "/v1", "/./v1", "/%761"])
def test_what_is_for_those_inside_stays_there(proxy: httpx2.Client, path: str) -> None:
    """Metrics and reloads do not pass, whatever the key, and by whichever of their paths."""
    assert proxy.get(f"{path}/metrics", headers=KEY).status_code == 403
    assert proxy.post(f"{path}/model/reload", headers=KEY).status_code == 403


@pytest.mark.parametrize("path", ["/predict/csv", "/v1/predict/csv", "/v1/changes"])
def test_file_goes_through_as_it_comes(proxy: httpx2.Client, path: str) -> None:
    """By whichever of its paths: a file that is refused is refused before it was sent to its end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = f"POST {path} HTTP/1.1\r\nhost: leads.example.com\r\ncontent-length: 1000000\r\n\r\n"
    address = (proxy.base_url.host, proxy.base_url.port)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain) as connection,
    ):
        connection.sendall(head.encode() + b"City\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_rate_of_a_client_is_limited(proxy: httpx2.Client) -> None:
    """Some requests at once pass, more do not, and a moment later they do again."""
    statuses = {proxy.get("/health").status_code for _ in range(200)}
    assert statuses == {200, 429}
    time.sleep(1)
    assert proxy.get("/health").status_code == 200
