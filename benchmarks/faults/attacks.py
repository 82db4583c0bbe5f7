"""Attacks, on the service and on plain FastAPI: on its memory, its places, the answers of others."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks import ROOT
from benchmarks.faults.confined import MEMORY, SMALL, limited, namespace
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.service import (
    KEY,
    LEAD,
    Caller,
    Service,
    json_request,
    plain,
    request,
    scoring,
    started,
)

Attack = Callable[[Service], tuple[str, bool]]

TRIES = 100
DESCRIPTORS = 1024
SILENT = 1010  # connections
TIMEOUT = 2  # seconds, LEADSCORE_TIMEOUT of the attacked service
SOON = 10  # seconds in which a place must be free again
TINY = 5_500_000  # empty objects: 16 MB
BATCHES = 4  # at once
UPLOADS = 8
CLIENTS = 200
ROUNDS = 3
SECONDS = 4
GOODPUT = 0.8  # of the answers to a tenth of the clients


def smuggling() -> Outcome:
    """A body that looks like requests is a body, however early it is answered."""
    body = b"\r\nUpgrade: h2c\r\n" * 200 + b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"
    offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABk")

    def attack(service: Service) -> tuple[str, bool]:
        more = 0
        for _ in range(TRIES):
            with contextlib.suppress(OSError), Caller(service.port) as caller:
                caller.ask(request("POST /nowhere", body, *offer))
                more += len(caller.ask(request("GET /nowhere"))) - 1
        return f"{TRIES} tries, {more} answers to a request that nobody sent", not more

    return _both("a request inside the body of another that is refused early", attack)


def silent_connections() -> Outcome:
    """They are closed, and others get in."""

    def attack(service: Service) -> tuple[str, bool]:
        with contextlib.ExitStack() as stack:
            for _ in range(SILENT):
                stack.enter_context(Caller(service.port))
            begun = time.monotonic()
            while service.status(scoring(), patience=SOON) != 200:
                if time.monotonic() - begun > SOON:
                    return f"nobody else is answered for {SOON} s", False
            return f"others are answered after {time.monotonic() - begun:.1f} s", True

    wrapper = ("prlimit", f"--nofile={DESCRIPTORS}")
    name = f"{SILENT:,} silent connections, {DESCRIPTORS:,} descriptors"
    return _both(name, attack, wrapper, LEADSCORE_TIMEOUT=str(TIMEOUT))


def slow_uploads() -> Outcome:
    """Bodies that never end take no place of those that do."""
    large = json_request({"leads": [LEAD] * 2_000}, "/predict/batch")

    def attack(service: Service) -> tuple[str, bool]:
        with contextlib.ExitStack() as stack:
            for _ in range(UPLOADS):
                stack.enter_context(Caller(service.port)).send(large[:-1])
            status = service.status(large)
        return f"another one got a {status}", status == 200

    return _both(f"{UPLOADS} slow uploads of large batches", attack)


def endless_head() -> Outcome:
    """Refused where it becomes too long."""
    head = b"GET / HTTP/1.1\r\n" + b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 700_000
    return _in_little_memory("a head of 25 MB", lambda service: _statuses(service, head, 1, {431, 0}))


def tiny_values() -> Outcome:
    """Refused before they are read."""
    body = b'{"leads":[' + b",".join([b"{}"] * TINY) + b"]}"
    content = request("POST /predict/batch", body, "content-type: application/json")
    return _in_little_memory(
        "a body of 16 MB of empty leads", lambda service: _statuses(service, content, 1, {413})
    )


def large_batches() -> Outcome:
    """Answered, one after the other."""
    content = json_request({"leads": [LEAD] * 10_000}, "/predict/batch?reasons=11")
    return _in_little_memory(
        f"{BATCHES} batches of 10,000 leads at once, all reasons (plain: none)",
        lambda service: _statuses(service, content, BATCHES, {200}),
    )


def file_without_room() -> Outcome:
    """A 507 before the answer begins."""
    name = "a CSV of 1 GB, 64 MiB for temporary files"
    content = b"TotalVisits,Lead Source\n" + b"5,Google\n" * 110_000_000
    with namespace(SMALL) as service:
        if service is None:
            return Outcome(name, "not tried: nothing can be mounted here", None)
        text, held = _statuses(
            service, request("POST /predict/csv?partial=1", content, "content-type: text/csv"), 2, {507}
        )
    return Outcome(name, text, held)


def overload() -> Outcome:
    """Ten times the clients get hardly fewer answers."""
    fault = f"{10 * CLIENTS:,} connections that ask without a pause"
    if not shutil.which("wrk"):
        return Outcome(fault, "not tried: wrk is not here", None)

    def attack(service: Service) -> tuple[str, bool]:
        rounds = [(_answers(service, CLIENTS), _answers(service, 10 * CLIENTS)) for _ in range(ROUNDS)]
        few, many = map(max, zip(*rounds, strict=True))
        return f"{many / few:.0%} of the answers a second that {CLIENTS} get", many >= GOODPUT * few

    return _both(fault, attack)


def _answers(service: Service, connections: int) -> float:
    """Leads scored a second; what is refused does not count."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as bodies:
        bodies.write(json.dumps(LEAD) + "\n")
        bodies.flush()
        load = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-H", f"x-api-key: {KEY}"]
        script = ["-s", str(ROOT / "benchmarks" / "serve.lua")]
        url = f"http://127.0.0.1:{service.port}/predict"
        command = [*load, *script, url, "--", bodies.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    counted = json.loads(done.stdout.splitlines()[-1])
    return float((counted["answers"] - counted["failed"]) / counted["seconds"])


def _both(fault: str, attack: Attack, wrapper: tuple[str, ...] = (), **environment: str) -> Outcome:
    with started(*wrapper, **environment) as service:
        text, held = attack(service)
    with plain(*wrapper) as service:
        other, _ = attack(service)
    return Outcome(fault, text, held, other)


def _in_little_memory(fault: str, attack: Attack) -> Outcome:
    fault = f"{fault}, {MEMORY} MiB"
    with limited() as wrapper:
        if wrapper is None:
            return Outcome(fault, "not tried: no memory can be limited here", None)
        return _both(fault, attack, wrapper)


def _statuses(service: Service, content: bytes, times: int, right: set[int]) -> tuple[str, bool]:
    """What so many requests at once get, and whether the service lives on."""
    with ThreadPoolExecutor(times) as pool:
        counted = Counter(pool.map(service.status, [content] * times))
    said = ", ".join(f"{number} x {status or 'no answer'}" for status, number in counted.items())
    alive = service.process.poll() is None and service.status(scoring()) == 200
    return f"{said}; the service {'answers on' if alive else 'is dead'}", alive and set(counted) <= right
