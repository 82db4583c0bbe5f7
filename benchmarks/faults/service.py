"""The service under attack: started, asked, limited."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import MODEL, ROOT
from benchmarks.processes import free_port
from leadscore.scorer import Scorer

# What runs predict.py: SERVE_PYTHON may name an environment with requirements-serve.txt alone.
PYTHON = os.environ.get("SERVE_PYTHON", sys.executable)

CLIENTS = 8
PATIENCE = 60  # seconds until the program gives up on something

KEY = "key"
STARTED = "Application startup complete"  # in the log, once for each worker
LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}


class Caller:
    """A connection that is kept alive."""

    def __init__(self, port: int, patience: float = PATIENCE) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send without waiting for an answer."""
        self._socket.sendall(content)

    def vanish(self) -> None:
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    def ask(self, request: bytes, times: int = 1) -> list[int]:
        """The statuses of the answers to a request sent so many times at once. OSError: cut off."""
        if request:
            with contextlib.suppress(OSError):  # it may be answered, and cut off, before all is sent
                self.send(request * times)
        received = b""
        while len(statuses := re.findall(rb"HTTP/1\.1 (\d{3}) ", received)) < times:
            if not (piece := self._socket.recv(2**20)):
                raise ConnectionResetError("closed without an answer")
            received += piece
        return [int(status) for status in statuses]


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def status(self, request: bytes, patience: float = PATIENCE) -> int:
        """The status of the answer to one request; 0: cut off, or none in time."""
        try:
            with Caller(self.port, patience) as caller:
                return caller.ask(request)[0]
        except OSError:
            return 0

    def statuses(self, requests: int) -> Counter[int]:
        """The statuses of so many requests, each on its own connection, so that all workers answer."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            return Counter(pool.map(self.status, [scoring()] * requests))

    def workers(self) -> set[int]:
        """The process ids of the worker processes."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        return {child for child, command in commands.items() if b"spawn_main" in command}

    def logged(self, text: str) -> int:
        """How often the log says something."""
        return self.log.read_text().count(text)

    def reload(self) -> int:
        """The status of a request to read the model file again."""
        return self.status(request("POST /model/reload"))

    @contextlib.contextmanager
    def load(self) -> Iterator[Counter[str]]:
        """Clients that ask without a pause; yields what they count: answered, refused, cut off."""
        counted: Counter[str] = Counter()
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                try:
                    with Caller(self.port) as caller:
                        while not stop.is_set():
                            counted["answered" if caller.ask(scoring()) == [200] else "refused"] += 1
                except OSError:
                    counted["cut off"] += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [pool.submit(run) for _ in range(CLIENTS)]
            try:
                yield counted
            finally:
                stop.set()
        for one in running:
            one.result()


@contextlib.contextmanager
def started(*wrapper: str, log: str | Path | None = None, **environment: str) -> Iterator[Service]:
    """A service on a free port, stopped at the end. `wrapper` is a command that starts a command."""
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LEADSCORE_")}
    own = {"LEADSCORE_PORT": str(port), "LEADSCORE_API_KEYS": KEY}
    command = [*wrapper, PYTHON, "predict.py"]
    with _running(command, port, request("GET /ready"), log, {**clean, **own, **environment}) as service:
        if workers := int(environment.get("LEADSCORE_WORKERS", 0)):
            until(lambda: service.logged(STARTED) == workers)
        yield service


@contextlib.contextmanager
def plain(*wrapper: str) -> Iterator[Service]:
    """The same model behind FastAPI and uvicorn as one writes them in an hour, for comparison."""
    port = free_port()
    missing = {column.name: column.read(None) for column in Scorer(MODEL).card.dictionary.features}
    environment = {**os.environ, "MODEL": str(MODEL), "MISSING": json.dumps(missing)}
    app = ["benchmarks.peers.fastapi_graph:app", "--port", str(port), "--no-access-log"]
    command = [*wrapper, sys.executable, "-m", "uvicorn", *app]
    with _running(command, port, scoring(), None, environment) as service:
        yield service


@contextlib.contextmanager
def _running(
    command: list[str], port: int, ready: bytes, log: str | Path | None, environment: dict[str, str]
) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(log or Path(scratch, "log"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        service = Service(process, port, log)
        try:
            until(lambda: process.poll() is not None or service.status(ready) == 200)
            if process.poll() is not None:
                raise RuntimeError(f"the service does not start: exit code {process.returncode}")
            yield service
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition. TimeoutError: for too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE} s")
        time.sleep(0.02)


def request(start: str, body: bytes | None = None, *headers: str) -> bytes:
    """An HTTP request: method and path, headers, body."""
    lines = [f"{start} HTTP/1.1", "host: localhost", f"x-api-key: {KEY}", *headers]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def scoring() -> bytes:
    """A request that must be answered."""
    return json_request(LEAD)


def json_request(document: object, path: str = "/predict") -> bytes:
    """A request that posts a document."""
    return request(f"POST {path}", json.dumps(document).encode(), "content-type: application/json")
