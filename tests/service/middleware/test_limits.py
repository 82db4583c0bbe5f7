"""Limits: what is too much is refused, and does not harm the others."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine, Leads, Scored
from leadscore.service.app import create_service
from leadscore.service.middleware.keys import Keys
from leadscore.settings import Settings
from tests.conftest import Serve, Server

BATCH = json.dumps({"leads": [{"city": "Mumbai"}] * 10_000}).encode()
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def narrow(serve: Serve) -> Iterator[Server]:
    """A service with little room and little patience."""
    with serve(LEADSCORE_MAX_CONCURRENCY="4", LEADSCORE_MAX_LARGE="1", LEADSCORE_TIMEOUT="2") as server:
        yield server


def _connect(server: Server, head: bytes) -> socket.socket:
    url = server.base_url
    connection = socket.create_connection((url.host, url.port), timeout=20)
    connection.sendall(head)
    return connection


def _post(length: int) -> bytes:
    return (
        f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def test_beyond_the_limit_the_answer_is_503_at_once(narrow: Server) -> None:
    """Forty requests in one moment, room for four: some are answered, the others told to come again."""
    request = _post(2) + b"{}"
    connections = [_connect(narrow, request[:-1]) for _ in range(40)]
    time.sleep(0.2)
    narrow.process.send_signal(19)  # SIGSTOP: all of them are complete before one is read
    for connection in connections:
        connection.sendall(request[-1:])
    narrow.process.send_signal(18)  # SIGCONT
    answers = [connection.recv(65536) for connection in connections]
    statuses = sorted(answer.split()[1] for answer in answers)
    assert set(statuses) == {b"200", b"503"}
    refused = next(answer for answer in answers if b" 503 " in answer[:20])
    assert b"retry-after: 1" in refused
    assert b"application/problem+json" in refused
    for connection in connections:
        connection.close()
    assert narrow.post("/predict", json={}).status_code == 200


def test_large_requests_have_places_of_their_own(narrow: Server) -> None:
    """Of several large batches at once only as many as may be are in work; single leads pass."""
    with ThreadPoolExecutor(6) as pool:
        batches = [
            pool.submit(narrow.post, "/predict/batch", content=BATCH, headers=JSON) for _ in range(6)
        ]
        single = narrow.post("/predict", json={})
        found = {batch.result().status_code for batch in batches}
    assert single.status_code == 200
    assert found == {200, 503}


def test_slow_clients_take_nobody_s_place(narrow: Server) -> None:
    """Fifty bodies and fifty heads that never end: others are answered, and they get a 408 or closed."""
    bodies = [_connect(narrow, _post(100) + b"{") for _ in range(50)]
    heads = [_connect(narrow, b"POST /predict HTTP/1.1\r\nhost:") for _ in range(50)]
    for _ in range(5):
        assert narrow.post("/predict", json={}).status_code == 200
    for connection in bodies:
        assert b" 408 " in connection.recv(65536)[:20]
        connection.close()
    for connection in heads:
        assert connection.recv(65536) == b""
        connection.close()


def test_large_body_is_refused_where_it_becomes_too_large(narrow: Server) -> None:
    """The answer does not wait for the rest."""
    with _connect(narrow, _post(2**30)) as connection:
        piece = b" " * 2**20
        sender = threading.Thread(target=lambda: _until_closed(connection, piece))
        sender.start()
        assert b" 413 " in connection.recv(65536)[:20]
        connection.close()
        sender.join(timeout=10)


def test_body_declared_too_large_is_refused_before_it_is_sent(narrow: Server) -> None:
    """A client that waits to be told to go on gets the 413 at once, and nothing else."""
    head = _post(2**30).replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n")
    with _connect(narrow, head) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_slow_uploads_do_not_take_the_places_of_large_requests(narrow: Server) -> None:
    """Large bodies that never end hold the memory they fill, not the place of one that is complete."""
    uploads = [_connect(narrow, _post(2**20) + b" " * 2**17) for _ in range(20)]
    answer = narrow.post("/predict/batch", content=BATCH, headers=JSON)
    assert answer.status_code == 200
    for connection in uploads:
        connection.close()


def test_bodies_that_come_in_hold_no_more_than_there_is_room_for(serve: Serve) -> None:
    """Many large bodies at once: those beyond the room are told to come again."""
    with serve(LEADSCORE_MAX_LARGE="1", LEADSCORE_MAX_BODY="1000000") as server:
        uploads = [_connect(server, _post(900_000) + b" " * 600_000) for _ in range(3)]
        answers = []
        for connection in uploads:
            connection.settimeout(2)
            try:
                answers.append(connection.recv(65536)[:13])
            except TimeoutError:
                answers.append(b"")
        assert sorted(answers) == [b"", b"HTTP/1.1 503 ", b"HTTP/1.1 503 "]
        for connection in uploads:
            connection.close()


@pytest.mark.parametrize("path", ["/predict", "/v2/models/lead_conversion/infer"])
def test_client_that_hangs_up_is_no_failure_of_ours(narrow: Server, path: str) -> None:
    """A connection lost in the middle of a body is noted as the client's error, without a trace."""
    name = f"gone-{path.count('/')}"
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nx-request-id: {name}\r\ncontent-length: 100\r\n\r\n"
    _connect(narrow, head.encode() + b"{").close()
    narrow.wait_for(lambda: name in narrow.log.read_text(), "the request's line")
    lines = [line for line in narrow.lines() if line.get("id") == name]
    assert [(line["message"], line.get("status")) for line in lines] == [("request", 400)]
    assert 'status="500"' not in narrow.get("/metrics").text


def _until_closed(connection: socket.socket, piece: bytes) -> None:
    try:
        for _ in range(64):
            connection.sendall(piece)
    except OSError:
        pass


def test_requests_in_flight_are_answered_before_the_end(serve: Serve) -> None:
    """SIGTERM: what has begun is answered, and the process ends in time."""
    with serve(LEADSCORE_SHUTDOWN_TIMEOUT="2") as server:
        answers = []
        worker = threading.Thread(
            target=lambda: answers.append(server.post("/predict/batch", content=BATCH, headers=JSON))
        )
        slow = _connect(server, _post(100) + b"{")
        worker.start()
        time.sleep(0.1)
        server.process.terminate()
        server.process.wait(timeout=15)
        worker.join(timeout=15)
        slow.close()
    assert [answer.status_code for answer in answers] == [200]


def test_time_for_an_answer_is_limited(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long gets a 503 while the service goes on."""
    score, settings = Engine.score, Settings(timeout=0.5)

    def slowly(self: Engine, leads: Leads, reasons: int = 0) -> Scored:
        time.sleep(1 if len(leads[0]) == 10_000 else 0)
        return score(self, leads, reasons)

    monkeypatch.setattr(Engine, "score", slowly)
    client = TestClient(create_service(scorer, settings, Keys(settings)))
    late = client.post("/predict/batch", content=BATCH, headers=JSON)
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    assert "No answer within 0.5 s; try again." in late.json()["detail"]
    assert client.post("/predict", json={}).status_code == 200
