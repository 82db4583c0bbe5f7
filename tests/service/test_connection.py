"""Connections: heads and bodies that uvicorn would take, or answer otherwise."""

import json
import re
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscore.service.connection import DRAIN_BYTES, HEAD_BYTES, HEAD_FIELDS
from tests.conftest import Server

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


def test_many_offers_may_come_at_once(client: Server) -> None:
    """As many requests, each with an offer, as one packet holds: each has its answer."""
    request = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h\r\n\r\n"
    last = b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n"
    with _connect(client) as connection:
        connection.sendall(request * 2_000 + last)
        assert _answer(connection).count(b"HTTP/1.1 200 OK") == 2_001


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


@pytest.mark.parametrize(
    "content",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nz\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}{}",
        b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    ],
    ids=["TLS", "HTTP/2", "length", "chunk", "more than declared", "CONNECT", "CONNECT with an offer"],
)
def test_what_is_no_http_is_a_problem_like_any_other(client: Server, content: bytes) -> None:
    """A 400 problem document that tells nothing of the inside, with an id, a line and a count."""
    before = _counted(client, "400")
    with _connect(client) as connection:
        connection.sendall(content)
        head, _, body = _answer(connection, b"never").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert json.loads(body)["detail"] == "The request cannot be read: Bad Request."
    (name,) = re.findall(rb"x-request-id: (\w+)", head)
    client.wait_for(lambda: name.decode() in client.log.read_text(), "its line")
    (line,) = [line for line in client.lines() if line.get("id") == name.decode()]
    assert (line["message"], line["status"]) == ("request", 400)
    assert _counted(client, "400") > before


def test_answer_on_its_way_is_not_broken_into(client: Server) -> None:
    """What is no HTTP, sent while a file is answered, ends the connection and adds nothing to it."""
    rows = b"City\n" + b"Mumbai\n" * 200_000
    head = f"POST /predict/csv?partial=1 HTTP/1.1\r\nhost: x\r\ncontent-length: {len(rows)}\r\n"
    with _connect(client) as connection:
        connection.sendall(f"{head}content-type: text/csv\r\n\r\n".encode() + rows)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"\xff\xff\r\n\r\n")
        assert b"HTTP/1.1" not in _answer(connection, b"never")


def _counted(server: Server, status: str) -> float:
    families = text_string_to_metric_families(server.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.labels == {"status": status})


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
