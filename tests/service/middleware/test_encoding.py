"""Bodies that come packed, and answers that go out so."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from tests.conftest import Serve, Server

LEAD = json.dumps({"total_visits": 5, "lead_source": "Google"}).encode()


def _headless(content: bytes) -> bytes:
    """`deflate` as some clients send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def _gzip(content: bytes) -> bytes:
    """Packed, without the time of day, which would be in the names of tests."""
    return gzip.compress(content, mtime=0)


def _members(content: bytes) -> bytes:
    return _gzip(content[:9]) + _gzip(content[9:])


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", _gzip),
        ("GZIP", _members),
        ("x-gzip", _gzip),
        ("deflate", zlib.compress),
        ("deflate", _headless),
        ("identity", bytes),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/predict/csv?partial=1"])
def test_packed_body_is_read(
    client: Server, path: str, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """As if it had come plain, a large one too."""
    csv = "csv" in path
    content = b"Lead Source\n" + b"Google\n" * 50_000 if csv else LEAD
    headers = {"content-type": "text/csv" if csv else "application/json"}
    plain = client.post(path, content=content, headers=headers).raise_for_status()
    headers["content-encoding"] = encoding
    assert client.post(path, content=pack(content), headers=headers).content == plain.content


@pytest.mark.parametrize("encoding", ["br", "gzip, deflate", "zstd", "\xff"])
def test_other_encoding_is_named(client: Server, encoding: str) -> None:
    """A 415, with those that are taken."""
    headers = {b"content-encoding": encoding.encode("latin-1"), b"content-type": b"application/json"}
    answer = client.post("/predict", content=LEAD, headers=headers)
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert "expected gzip or deflate" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", LEAD),
        ("gzip", _gzip(LEAD)[:-4]),
        ("gzip", _gzip(LEAD) + b"more"),
        ("deflate", LEAD),
        ("deflate", zlib.compress(LEAD) + b"more"),
        ("deflate", zlib.compress(LEAD)[:5]),
    ],
)
def test_damaged_body_is_refused(client: Server, encoding: str, content: bytes) -> None:
    """A 400 that says which encoding it is not; no lead of half a body."""
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    answer = client.post("/predict", content=content, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, f"The body is not {encoding}.")


@pytest.mark.parametrize("path", ["/predict", "/predict/csv?partial=1"])
def test_bomb_is_too_large(serve: Serve, path: str) -> None:
    """Limits hold for what comes out: 100 MB of blanks in 100 kB are a 413."""
    bomb = _gzip(b" " * 100_000_000)
    kind = "text/csv" if "csv" in path else "application/json"
    with serve(LEADSCORE_MAX_CSV="20000000") as server:
        answer = server.post(
            path, content=bomb, headers={"content-encoding": "gzip", "content-type": kind}
        )
        assert answer.status_code == 413
        assert server.post("/predict", json={}).status_code == 200


def test_answers_are_packed_if_asked(client: Server) -> None:
    """Those over a kilobyte; a stream of rows is the same file."""
    for path, asked, packed in (
        ("/model", "gzip", True),
        ("/model", "identity", False),
        ("/health", "gzip", False),
    ):
        answer = client.get(path, headers={"accept-encoding": asked})
        assert ("content-encoding" in answer.headers) == packed, path
        assert path == "/health" or answer.headers["vary"] == "Accept-Encoding"
    leads: dict[str, list[dict[str, object]]] = {"leads": [{}] * 100}
    headers = {"accept-encoding": "gzip"}
    plain = client.post("/predict/batch", json=leads, headers={"accept-encoding": "identity"})
    small = client.post("/predict/batch", json=leads, headers=headers)
    assert small.headers["content-encoding"] == "gzip"
    assert small.json() == plain.json()
    csv = b"City\n" + b"Mumbai\n" * 30_000
    headers["content-type"] = "text/csv"
    with client.stream("POST", "/predict/csv?partial=1", content=csv, headers=headers) as stream:
        assert stream.headers["content-encoding"] == "gzip"
        assert "content-length" not in stream.headers
        assert stream.read().count(b"\n") == 30_001
