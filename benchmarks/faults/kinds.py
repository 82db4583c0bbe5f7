"""Malformed requests: of each kind one, another one at every `rng`."""

import json
from random import Random

from benchmarks.faults.service import LEAD, json_request, request, scoring


def transport_faults(rng: Random) -> dict[str, bytes]:
    """What is not HTTP, or not of it what it should be."""
    post_predict = "POST /predict HTTP/1.1\r\nhost: localhost\r\n"
    length, chunked = f"{post_predict}content-length:", "transfer-encoding: chunked"
    size = rng.randrange(2, 2000)
    broken = {
        "not HTTP": b"\xff" + rng.randbytes(size),
        "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(32),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "unknown HTTP version": b"POST /predict HTTP/9.%d\r\n\r\n" % rng.randrange(10),
        "unknown method": b"P%dST /predict HTTP/1.1\r\nhost: localhost\r\n\r\n" % rng.randrange(10),
        "a header without a name": f"{post_predict}: {size}\r\n\r\n".encode(),
        "a control character in a header": f"{post_predict}x: \x00{size}\r\n\r\n".encode(),
        "a negative length": f"{length} -{size}\r\n\r\n".encode(),
        "a length that is no number": f"{length} {size}x\r\n\r\n".encode(),
        "two lengths": f"{length} {size}\r\ncontent-length: {size + 1}\r\n\r\n".encode(),
        "a length and chunks": f"{length} {size}\r\n{chunked}\r\n\r\n0\r\n\r\n".encode(),
        "a chunk without a size": f"{post_predict}{chunked}\r\n\r\nz{size}\r\n".encode(),
    }
    whole = scoring()
    head = whole.index(b"\r\n\r\n") + 4
    return broken | {
        "a head cut off": whole[: rng.randrange(1, head - 4)],
        "a body cut off": whole[: rng.randrange(head, len(whole))],
    }


def routing_faults(rng: Random) -> dict[str, bytes]:
    """What asks for something that is not there."""
    number = rng.randrange(10**6)
    body = b"{}"
    kind = "content-type: application/json"
    return {
        "another method": request(f"{rng.choice(['GET', 'PUT', 'DELETE', 'PATCH'])} /predict"),
        "no such path": request(f"GET /{number}"),
        "a path that climbs": request(f"GET /{'../' * rng.randrange(1, 9)}etc/passwd"),
        "an encoded path that climbs": request(f"GET /{'..%2f' * rng.randrange(1, 9)}etc/passwd"),
        "no such model": request(f"POST /v2/models/{number}/infer", body, kind),
        "a query of the wrong type": request(f"POST /predict?reasons=x{number}", body, kind),
        "a query out of range": request(f"POST /predict?reasons=-{number + 1}", body, kind),
        "a query that is no text": request("POST /predict?reasons=%ff%00", body, kind),
        "no key": b"GET /model HTTP/1.1\r\nhost: %d\r\n\r\n" % number,
        "a wrong key": b"GET /model HTTP/1.1\r\nhost: x\r\nx-api-key: %d\xff\r\n\r\n" % number,
    }


def body_faults(rng: Random) -> dict[str, bytes]:
    """What is not the JSON that it says."""
    whole = json.dumps(LEAD).encode()
    declared = "content-type: application/json"
    bodies = {
        "an empty body": b"",
        "half of a JSON document": whole[: rng.randrange(1, len(whole))],
        "not UTF-8": b'{"city": "%s"}' % bytes([rng.randrange(0x80, 0x100)] * 3),
        "an infinite number": b'{"total_visits": 1e%d}' % rng.randrange(400, 10**6),
        "a number of many digits": b'{"total_visits": %s}' % (b"9" * rng.randrange(400, 9000)),
        "nested too deep": b"[" * rng.randrange(1000, 60_000),
        "compressed, but not told": b"\x1f\x8b\x08" + rng.randbytes(100),
        "a body that is too large": b'{"city": "%s"}' % (b"x" * 2**18),
    }
    faults = {name: request("POST /predict", body, declared) for name, body in bodies.items()}
    return faults | {
        "no content type": request("POST /predict", whole),
        "another content type": request("POST /predict", whole, f"content-type: x/{rng.randrange(99)}"),
    }


def value_faults(rng: Random) -> dict[str, bytes]:
    """JSON that holds no lead."""
    number = rng.randrange(10**6)
    leads = {
        "not an object": rng.choice([[], [LEAD], 5, "lead", None, True]),
        "an unknown column": {f"column {number}": number},
        "a column of the sales team": {"Tags": f"{number}"},
        "text for a number": {"total_visits": f"many {number}"},
        "a number out of range": {"total_visits": -number - 1},
        "an object for a text": {"city": {"name": number}},
        "a text that is too long": {"city": "x" * rng.randrange(1001, 5000)},
        "half a character": {"city": f"\ud800{number}", "nothing": number},
    }
    batches = {
        "no leads": {"leads": []},
        "too many leads": {"leads": [{}] * 101},
        "leads that are no list": {"leads": number},
        "one wrong lead of many": {"leads": [LEAD] * rng.randrange(50) + [{"total_visits": "x"}]},
        "an unknown field": {"leads": [LEAD], f"field {number}": number},
    }
    return {name: json_request(lead) for name, lead in leads.items()} | {
        f"batch: {name}": json_request(batch, "/predict/batch") for name, batch in batches.items()
    }


def tensor_faults(rng: Random) -> dict[str, bytes]:
    """Tensors that do not fit their columns."""
    number = rng.randrange(2, 10**6)
    tensor = {"name": "total_visits", "shape": [1, 1], "datatype": "FP32", "data": [number]}
    wrong = {
        "no tensors": [],
        "no such column": [{**tensor, "name": f"x{number}"}],
        "another type": [{**tensor, "datatype": rng.choice(["INT65", "STRING", ""])}],
        "another shape": [{**tensor, "shape": [number, 1]}],
        "a negative shape": [{**tensor, "shape": [-number]}],
        "a column twice": [tensor, tensor],
        "nested data": [{**tensor, "data": [[[number]]]}],
        "binary data that is not there": [{**tensor, "parameters": {"binary_data_size": number}}],
    }
    path = "/v2/models/lead_conversion/infer"
    return {f"tensors: {name}": json_request({"inputs": one}, path) for name, one in wrong.items()}


def csv_faults(rng: Random) -> dict[str, bytes]:
    """Files that are no table of leads."""
    files = {
        "empty": ("text/csv", b""),
        "no known column": ("text/csv", b"%d,b\n1,2\n" % rng.randrange(10**6)),
        "another type": ("image/png", rng.randbytes(100)),
        "a form without a boundary": ("multipart/form-data", rng.randbytes(100)),
        "a form without a file": ("multipart/form-data; boundary=x", b"--x--\r\n"),
    }
    return {
        f"CSV: {name}": request("POST /predict/csv", body, f"content-type: {kind}")
        for name, (kind, body) in files.items()
    }


def kinds(rng: Random) -> dict[str, bytes]:
    """A malformed request of every kind."""
    makers = (transport_faults, routing_faults, body_faults, value_faults, tensor_faults, csv_faults)
    return {name: made for maker in makers for name, made in maker(rng).items()}
