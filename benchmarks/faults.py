"""What the service does when something goes wrong: each fault is caused, and its outcome counted.

    python -m benchmarks.faults                                   # five to ten minutes; prints the table
    python -m benchmarks.faults --output benchmarks/faults.json   # and writes it, also into its page

Exit code 1 if any fault did not hold. A full disk and a read-only root are tried only by root on Linux,
in a mount namespace of their own, so nothing else sees them.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random

import onnx

from benchmarks import MODEL, ROOT
from benchmarks.documents import fill
from benchmarks.processes import free_port, resident
from leadscore.__main__ import CANNOT_START
from leadscore.files import replace_file

# What runs predict.py: SERVE_PYTHON may name an environment with requirements-serve.txt alone.
PYTHON = os.environ.get("SERVE_PYTHON", sys.executable)
MARK = "<!-- the faults, written by benchmarks/faults.py -->"

MALFORMED = 10_000
REQUESTS = 200_000  # over which memory must stay flat
WARM = 20_000  # before: caches, and the window that drift is computed from
GROWTH = 0.05  # that counts as flat
SLOW = 200  # clients
RELOADS = 10
DAMAGED = 200  # model files with one bit changed
CLIENTS = 8
EACH = 1000  # requests on one connection, so that every worker gets its share
PIPELINED = 50  # of them sent at once
PATIENCE = 60  # seconds until the program gives up on something

KEY = "key"
STARTED = "Application startup complete"  # in the log, once for each worker
LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}
CSV_ROW = b"5,Google," + b"x" * 1000 + b"\n"
CSV_ROWS = 20_000  # more than the service holds in memory

# In a mount namespace of its own: every place for temporary files is full, the root is read-only.
FULL = """
for folder in /tmp /var/tmp; do
    mount -t tmpfs -o size=64k full "$folder" || exit 77
    dd if=/dev/zero of="$folder/full" bs=4k 2> /dev/null
done
mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" || exit 77
exec "$@"
"""
READ_ONLY = """
mount -o remount,bind,ro / && mount -o remount,bind,ro /dev/shm || exit 77
exec "$@"
"""


@dataclass(frozen=True)
class Outcome:
    """What happened, and whether it is what was promised; None: not tried."""

    fault: str
    outcome: str
    held: bool | None


class Caller:
    """A connection that is kept alive."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)

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

    def status(self, request: bytes) -> int:
        """The status of the answer to one request; 0: cut off."""
        try:
            with Caller(self.port) as caller:
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
def started(*wrapper: str, log: Path | None = None, **environment: str) -> Iterator[Service]:
    """A service on a free port, stopped at the end. `wrapper` is a command that starts a command."""
    with tempfile.TemporaryDirectory() as scratch:
        port = free_port()
        log = log or Path(scratch) / "log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LEADSCORE_")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*wrapper, PYTHON, "predict.py"],
                cwd=ROOT,
                env={**clean, "LEADSCORE_PORT": str(port), "LEADSCORE_API_KEYS": KEY, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = Service(process, port, log)
        try:
            until(lambda: process.poll() is not None or service.status(request("GET /ready")) == 200)
            if process.poll() is not None:
                raise RuntimeError(f"the service does not start: exit code {process.returncode}")
            if workers := int(environment.get("LEADSCORE_WORKERS", 0)):
                until(lambda: service.logged(STARTED) == workers)
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
    return _json(LEAD)


# Malformed requests: of each kind one, other at every `rng`.


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
    return {name: _json(lead) for name, lead in leads.items()} | {
        f"batch: {name}": _json(batch, "/predict/batch") for name, batch in batches.items()
    }


def tensor_faults(rng: Random) -> dict[str, bytes]:
    """Tensors that do not fit their columns."""
    number = rng.randrange(2, 10**6)
    tensor = {"name": "total_visits", "shape": [1, 1], "datatype": "FP32", "data": [number]}
    wrong = {
        "no tensors": [],
        "no such column": [{**tensor, "name": f"x{number}"}],
        "another type": [{**tensor, "datatype": rng.choice(["INT64", "BOOL", ""])}],
        "another shape": [{**tensor, "shape": [number, 1]}],
        "a negative shape": [{**tensor, "shape": [-number]}],
        "a column twice": [tensor, tensor],
        "nested data": [{**tensor, "data": [[[number]]]}],
        "binary data that is not there": [{**tensor, "parameters": {"binary_data_size": number}}],
    }
    path = "/v2/models/lead_conversion/infer"
    return {f"tensors: {name}": _json({"inputs": one}, path) for name, one in wrong.items()}


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


def malformed(number: int = MALFORMED) -> Outcome:
    """Every malformed request is refused, and no worker is lost."""
    rng = Random(0)  # noqa: S311  (nothing secret)
    requests = list(islice((one for _ in range(number) for one in kinds(rng).items()), number))

    def send(port: int, name: str, content: bytes) -> str:
        try:
            with Caller(port) as caller:
                caller.send(content)
                if name.endswith("cut off"):
                    caller.vanish()
                (status, *_) = caller.ask(b"")
        except TimeoutError:
            return f"no answer: {name}"
        except OSError:
            return "closed"
        return "4xx" if 400 <= status < 500 else f"{status}: {name}"

    limits = {"LEADSCORE_MAX_BATCH": "100", "LEADSCORE_MAX_BODY": str(2**17)}
    with started(LEADSCORE_WORKERS="2", **limits) as service, ThreadPoolExecutor(CLIENTS) as pool:
        before = service.workers()
        counted = Counter(pool.map(lambda one: send(service.port, *one), requests))
        same = service.workers() == before
        alive = service.statuses(100) == {200: 100}
    refused, closed = counted.pop("4xx", 0), counted.pop("closed", 0)
    return Outcome(
        f"{number:,} malformed requests of {len(kinds(rng))} kinds",
        f"{refused:,} refused with 4xx, {closed:,} connections closed, "
        f"{_listed(counted) or 'none answered otherwise'}; {'no' if same else 'a'} worker lost",
        not counted and same and alive,
    )


def killed_worker() -> Outcome:
    """The others answer, and it comes back."""
    with started(LEADSCORE_WORKERS="2") as service:
        before = service.workers()
        with service.load() as counted:
            time.sleep(1)
            os.kill(min(before), signal.SIGKILL)
            begun, answered = time.monotonic(), counted["answered"]
            until(lambda: service.logged(STARTED) == 3)
            seconds, meanwhile = time.monotonic() - begun, counted["answered"] - answered
            time.sleep(1)
        back = len(after := service.workers()) == 2 and len(after - before) == 1
        well = service.statuses(100) == {200: 100}
    return Outcome(
        "`kill -9` of one of 2 workers under load",
        f"{counted['cut off']} of {CLIENTS} clients cut off, {counted['refused']} requests refused; "
        f"{meanwhile:,} answered until it was back {seconds:.1f} s later",
        back and well and meanwhile > 0 and not counted["refused"] and counted["cut off"] <= CLIENTS,
    )


def reload_under_load() -> Outcome:
    """No request fails."""
    with tempfile.TemporaryDirectory() as folder:
        model = shutil.copy(MODEL, folder)
        with started(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=model) as service:
            before = service.workers()
            with service.load() as counted:
                for reload in range(1, RELOADS + 1):
                    service.process.send_signal(signal.SIGHUP)
                    until(lambda reloads=2 * reload: service.logged("model reloaded") == reloads)
            same = service.workers() == before
    failed = counted["refused"] + counted["cut off"]
    return Outcome(
        f"{RELOADS} reloads of the model under load",
        f"{RELOADS} in each of 2 workers; {counted['answered']:,} requests answered, {failed} failed",
        not failed and same and counted["answered"] > 0,
    )


def slow_clients() -> Outcome:
    """Fast ones are answered still."""
    whole, requests = scoring(), 2000
    head = whole.index(b"\r\n\r\n") + 4
    with started() as service, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(Caller(service.port)) for _ in range(SLOW)]
        for place, caller in enumerate(slow):
            caller.send(whole[: head // 2 if place % 2 else head + 1])
        times = []
        with Caller(service.port) as fast:
            for _ in range(requests):
                begun = time.perf_counter()
                answered = fast.ask(whole) == [200]
                times.append((answered, time.perf_counter() - begun))
    well = sum(answered for answered, _ in times)
    slowest = statistics.quantiles([seconds for _, seconds in times], n=100)[98]
    return Outcome(
        f"{SLOW} clients that never end their request",
        f"{well:,} of {requests:,} requests of a fast one answered, 99 % within {1000 * slowest:.0f} ms",
        well == requests,
    )


def memory(number: int = REQUESTS, warm: int = WARM) -> Outcome:
    """What the workers occupy does not grow with what they have answered."""
    with started(LEADSCORE_WORKERS="2") as service, ThreadPoolExecutor(CLIENTS) as pool:

        def ask(requests: int) -> int:
            with Caller(service.port) as caller:
                answers = [caller.ask(scoring(), PIPELINED) for _ in range(requests // PIPELINED)]
            return sum(statuses.count(200) for statuses in answers)

        def resident_after(requests: int) -> tuple[int, int]:
            answered = sum(pool.map(ask, [EACH] * (requests // EACH)))
            return answered, sum(resident(worker) for worker in service.workers())

        _, before = resident_after(warm)
        answered, after = resident_after(number)
    growth = after / before - 1
    return Outcome(
        f"{number:,} requests to 2 workers",
        f"{answered:,} answered; their memory from {before / 1e6:.1f} to {after / 1e6:.1f} MB "
        f"({growth:+.1%})",
        answered == number and growth < GROWTH,
    )


def full_disk() -> Outcome:
    """A lead is scored as ever; a file for which there is no room is refused, and only that."""
    name = "a full disk"
    with _namespace(FULL) as service:
        if service is None:
            return Outcome(name, "not tried: nothing can be mounted here", None)
        content = b"TotalVisits,Lead Source,x\n" + CSV_ROW * CSV_ROWS
        large = service.status(request("POST /predict/csv?partial=1", content, "content-type: text/csv"))
        counted = service.statuses(1000)
        metrics = service.status(request("GET /metrics"))
    return Outcome(
        name,
        f"{counted[200]:,} of 1,000 requests answered; one with a file of {len(content) / 1e6:.0f} MB "
        f"got a {large}",
        counted == {200: 1000} and large == 507 and metrics == 200,
    )


def full_log() -> Outcome:
    """What cannot be logged is answered."""
    with started(log=Path("/dev/full")) as service:
        counted = service.statuses(1000)
    return Outcome(
        "a log whose disk is full",
        f"{counted[200]:,} of 1,000 requests answered",
        counted == {200: 1000},
    )


def read_only() -> Outcome:
    """Nothing needs to be written."""
    name = "a read-only root, with no folder that can be written"
    with _namespace(READ_ONLY) as service:
        if service is None:
            return Outcome(name, "not tried: nothing can be mounted here", None)
        counted = service.statuses(1000)
        metrics = service.status(request("GET /metrics"))
    return Outcome(
        name, f"{counted[200]:,} of 1,000 requests answered", counted == {200: 1000} and metrics == 200
    )


def deleted_model(requests: int = 1000) -> Outcome:
    """The model in use stays."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(shutil.copy(MODEL, folder))
        with started(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=str(model)) as service:
            model.unlink()
            reloaded = service.reload()
            counted = service.statuses(requests)
    return Outcome(
        "the model file deleted while it serves",
        f"{counted[200]:,} of {requests:,} requests answered; a reload got a {reloaded}",
        counted == {200: requests} and reloaded == 409,
    )


def truncated_model(number: int = 20) -> Outcome:
    """Refused, however much is there."""
    whole = MODEL.read_bytes()
    sizes = [len(whole) * part // number for part in range(number - 1)] + [len(whole) - 1]
    return _refused("the model file truncated", [whole[:size] for size in sizes])


def swapped_model() -> Outcome:
    """Refused: another kind of file, another program's ONNX file, columns in each other's place."""
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    opset = [onnx.helper.make_opsetid("", 18)]
    graph = onnx.helper.make_graph([node], "other", value[:1], value[1:])
    other = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    exchanged = onnx.load(MODEL)
    pair = ["total_visits", "page_views_per_visit"]
    names = dict(zip(pair, reversed(pair), strict=True))
    for node in exchanged.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    files = [(ROOT / "README.md").read_bytes(), *(m.SerializeToString() for m in (other, exchanged))]
    return _refused("the model file replaced by something else", files)


def tampered_model(number: int = DAMAGED) -> Outcome:
    """Refused, whichever bit of it is another."""
    whole, rng = MODEL.read_bytes(), Random(0)  # noqa: S311  (nothing secret)
    files = []
    for _ in range(number):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        files.append(bytes(content))
    return _refused("the model file tampered with: one bit changed", files)


FAULTS: tuple[Callable[[], Outcome], ...] = (
    malformed,
    killed_worker,
    reload_under_load,
    slow_clients,
    memory,
    full_disk,
    full_log,
    read_only,
    deleted_model,
    truncated_model,
    swapped_model,
    tampered_model,
)


def table(outcomes: list[Outcome]) -> list[str]:
    """Rows of Markdown."""
    said = {True: "yes", False: "**no**", None: "not tried"}
    return [
        "| fault | outcome | held |",
        "| --- | --- | --- |",
        *(f"| {one.fault} | {one.outcome} | {said[one.held]} |" for one in outcomes),
    ]


def main() -> None:
    """Cause every fault, print the table, write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the results there, and the table into its page",
    )
    output = parser.parse_args().output
    outcomes = []
    for fault in FAULTS:
        begun = time.monotonic()
        outcomes.append(fault())
        print(f"{time.monotonic() - begun:6.1f} s  {table(outcomes)[-1]}", flush=True)
    if output:
        document = [asdict(outcome) for outcome in outcomes]
        replace_file(output, (json.dumps(document, indent=1) + "\n").encode())
        fill(MARK, table(outcomes))
    sys.exit(any(outcome.held is False for outcome in outcomes))


def _refused(fault: str, files: list[bytes]) -> Outcome:
    """No file is taken: not by a running service, and the last one not at a start."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(shutil.copy(MODEL, folder))
        environment = {"LEADSCORE_MODEL": str(model)}
        statuses: Counter[int] = Counter()
        with started(**environment) as service:
            for content in files:
                model.write_bytes(content)
                statuses[service.reload()] += 1
            counted = service.statuses(100)
        start = subprocess.run(
            [PYTHON, "predict.py"],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    refused = statuses[409]
    return Outcome(
        fault,
        f"{refused} of {len(files)} files refused by a running service, which answered on; "
        f"a new one {'refused' if start.returncode == CANNOT_START else 'took'} the last",
        refused == len(files) and counted == {200: 100} and start.returncode == CANNOT_START,
    )


@contextlib.contextmanager
def _namespace(script: str) -> Iterator[Service | None]:
    """Two workers behind a script that mounts; None where that is not possible."""
    wrapper = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    may = os.geteuid() == 0 and shutil.which("unshare")
    if not may or subprocess.run([*wrapper, "true"], cwd=ROOT, check=False).returncode:
        yield None
        return
    with started(*wrapper, LEADSCORE_WORKERS="2") as service:
        yield service


def _json(document: object, path: str = "/predict") -> bytes:
    return request(f"POST {path}", json.dumps(document).encode(), "content-type: application/json")


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{number:,} x {what}" for what, number in counted.items())


if __name__ == "__main__":
    main()
