"""What is mended in uvicorn: heads and bodies of connections, and workers that die."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscore.files import replace_file
from leadscore.service.uvicorn_fixes import DRAIN_BYTES, HEAD_BYTES, HEAD_FIELDS
from tests.conftest import MODEL, Serve, Server
from tests.models import rewritten

LEAD = b'{"city":"Mumbai"}'


def _request(body: bytes, *fields: str, path: str = "/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", "content-type: application/json", *fields]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def _connect(server: Server) -> socket.socket:
    return socket.create_connection((server.base_url.host, server.base_url.port), timeout=20)


def _answer(connection: socket.socket, end: bytes = b"model_version") -> bytes:
    """What comes in, until it holds a text or the connection is closed."""
    answer = b""
    while end not in answer and (part := connection.recv(65536)):
        answer += part
    return answer


@pytest.mark.parametrize("name", ["Upgrade", "upgrade"])
def test_offer_to_upgrade_is_passed_over(client: Server, name: str) -> None:
    """What curl and Java send to speak HTTP/2 if they may: the body is read, twice on a connection."""
    offer = ["connection: Upgrade, HTTP2-Settings", f"{name}: h2c", "http2-settings: AAMAAABk"]
    with _connect(client) as connection:
        for _ in range(2):
            connection.sendall(_request(LEAD, *offer))
            assert b" 200 " in _answer(connection)[:20]


@pytest.mark.parametrize("step", [1, 7, 100])
def test_offer_to_upgrade_may_come_in_pieces(client: Server, step: int) -> None:
    """Wherever the network cuts the head, and the body behind it."""
    request = _request(LEAD, "connection: upgrade", "upgrade: h2c", "x-request-id: in-pieces")
    with _connect(client) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), step):
            connection.sendall(request[start : start + step])
        assert b" 200 " in (answer := _answer(connection))[:20]
        assert b"x-request-id: in-pieces" in answer


@pytest.mark.parametrize(
    "fields",
    [
        [f"x-{number}: {'y' * 90}" for number in range(HEAD_FIELDS + 1)],
        [f"x: {'y' * HEAD_BYTES}"],
        [f"x-{number}: y" for number in range(HEAD_FIELDS + 1)],
    ],
    ids=["both", "bytes", "fields"],
)
def test_endless_head_is_refused(client: Server, fields: list[str]) -> None:
    """A 431 problem document and the end of the connection, whatever the head is made of."""
    with _connect(client) as connection:
        connection.sendall(_request(LEAD, *fields))
        answer = _answer(connection)
    assert b" 431 " in answer[:20]
    assert b"application/problem+json" in answer
    assert client.get("/health").status_code == 200


def test_head_that_never_ends_is_refused(client: Server) -> None:
    """Also one of a single field, before it is complete."""
    with _connect(client) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx: " + b"y" * 2 * HEAD_BYTES)
        assert b" 431 " in _answer(connection)[:20]


def test_body_is_no_head(client: Server) -> None:
    """A body larger than any head, in the same packet as its head or behind it, again and again."""
    body = b'{"leads": [' + b", ".join([LEAD] * 2 * (HEAD_BYTES // len(LEAD))) + b"]}"
    request = _request(body, path="/predict/batch")
    with _connect(client) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert b" 200 " in _answer(connection, b'"summary"')[:20]


def test_what_is_no_http_is_refused(client: Server) -> None:
    """A 400 that tells nothing of the inside, and the end of the connection."""
    with _connect(client) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")  # as TLS begins
        answer = _answer(connection)
    assert b" 400 " in answer[:20]
    assert b"Traceback" not in answer


def test_fields_behind_a_body_are_left_out(client: Server) -> None:
    """Trailers neither reach a log or a key nor break the connection."""
    head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    body = b"%x\r\n%s\r\n0\r\nx-request-id: behind\r\n\r\n" % (len(LEAD), LEAD)
    with _connect(client) as connection:
        for _ in range(2):
            connection.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode() + body)
            answer = _answer(connection)
            assert b" 200 " in answer[:20]
            assert b"behind" not in answer


def test_body_nobody_waits_for_is_read_on(client: Server) -> None:
    """Whoever sends all before it reads finds the answer, and a connection fit for the next request."""
    with _connect(client) as connection:
        connection.sendall(_request(b" " * (DRAIN_BYTES // 2), path="/nowhere"))
        assert b" 404 " in _answer(connection, b"errors")[:20]
        connection.sendall(_request(LEAD))
        assert b" 200 " in _answer(connection)[:20]


def test_endless_body_is_not_read_for_ever(client: Server) -> None:
    """After the answer, and a little more of the body, the connection is closed."""
    head = _request(b"", path="/nowhere").replace(b"content-length: 0", b"content-length: 9999999")
    with _connect(client) as connection:
        connection.sendall(head)
        assert b" 404 " in _answer(connection, b"errors")[:20]
        with pytest.raises(ConnectionError):  # noqa: PT012  (the network may take one more piece)
            for _ in range(9):
                connection.sendall(b" " * DRAIN_BYTES)


def _children(server: Server) -> set[int]:
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in path.read_text().split()}
    return {pid for pid, command in commands.items() if "spawn_main" in command}


def _starts(server: Server) -> int:
    return server.log.read_text().count("Application startup complete")


def _leads(server: Server) -> float:
    families = text_string_to_metric_families(server.anew.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "leadscore_leads_total")


def _score(server: Server, times: int) -> None:
    def ask(_: int) -> None:
        server.anew.post("/predict", json={}).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(times)))


def test_killed_worker_is_replaced_and_what_it_counted_stays(serve: Serve) -> None:
    """Any worker tells the sum over all, those that are gone included; the folder goes at the end."""
    with serve(LEADSCORE_WORKERS="2") as server:
        _score(server, 40)
        assert _leads(server) == 40
        before = _children(server)
        assert len(before) == 2
        victim = min(before)
        folder = _folder(victim)
        os.kill(victim, signal.SIGKILL)
        server.wait_for(
            lambda: len(_children(server)) == 2 and _children(server) != before, "another worker"
        )
        _score(server, 40)
        assert _leads(server) == 80
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.slow
def test_reload_while_workers_start_kills_none(serve: Serve, tmp_path: Path) -> None:
    """A SIGHUP that comes before a worker listens waits for it: then the worker has the new model."""
    model = tmp_path / "model.onnx"
    model.write_bytes(MODEL.read_bytes())
    with serve(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=str(model)) as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        before = _children(server)
        os.kill(min(before), signal.SIGKILL)
        server.wait_for(lambda: len(_children(server) - before) == 1, "another worker")
        starting = _children(server)
        replace_file(model, rewritten(version="another"))
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: _starts(server) == 3, "its start")
        server.wait_for(lambda: server.log.read_text().count("model reloaded") >= 2, "two reloads")
        assert _children(server) == starting
        with ThreadPoolExecutor(8) as pool:
            ready = pool.map(lambda _: server.anew.get("/ready").json()["model_version"], range(24))
        assert set(ready) == {"another"}


@pytest.mark.slow
def test_worker_that_cannot_come_back_stops_nobody(serve: Serve, tmp_path: Path) -> None:
    """The model file is deleted, a worker killed: the others serve on, and it is back with the file."""
    model = tmp_path / "model.onnx"
    content = MODEL.read_bytes()
    model.write_bytes(content)
    with serve(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=str(model)) as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        before = _children(server)
        model.unlink()
        os.kill(min(before), signal.SIGKILL)
        server.wait_for(lambda: server.log.read_text().count("exit code 3") >= 1, "a vain attempt")
        _score(server, 10)
        model.write_bytes(content)
        server.wait_for(lambda: _starts(server) == 3, "a third start")
        _score(server, 10)


def test_worker_that_hangs_holds_up_no_end(serve: Serve) -> None:
    """One of two workers is stopped for good: SIGTERM ends the service all the same."""
    with serve(LEADSCORE_WORKERS="2", LEADSCORE_SHUTDOWN_TIMEOUT="1") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        victims = _children(server)
        os.kill(min(victims), signal.SIGSTOP)
        server.process.terminate()
        server.process.wait(timeout=30)
    assert not any(Path(f"/proc/{victim}").exists() for victim in victims)


def test_workers_leave_with_their_parent(serve: Serve) -> None:
    """`kill -9` of the parent process leaves no worker behind that holds the port."""
    with serve(LEADSCORE_WORKERS="2") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        workers = _children(server)
        server.process.kill()
        server.process.wait(timeout=30)
        server.wait_for(lambda: not any(map(_alive, workers)), "the end of both workers")


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


@pytest.mark.slow
def test_every_worker_says_that_there_are_no_keys(serve: Serve) -> None:
    """Also where somebody else's supervisor starts them, and ours has said nothing before."""
    with serve("-m", "uvicorn", "predict:app", "--port", "0", "--workers", "2") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        assert server.log.read_text().count("NO API KEYS") == 2


def _folder(process: int) -> Path:
    environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    (found,) = [entry for entry in environment if entry.startswith(b"PROMETHEUS_MULTIPROC_DIR=")]
    return Path(found.partition(b"=")[2].decode())
