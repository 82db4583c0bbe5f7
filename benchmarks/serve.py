"""Our service beside others that serve the same model: requests a second, latency, memory, start.

    python benchmarks/serve.py                                # all of it; writes RESULTS.md
    python benchmarks/serve.py --only ours echo --rounds 1    # a quick look; writes nothing
    python benchmarks/serve.py --report                       # RESULTS.md again, from serve.json

Needs Linux with two cores, `taskset`, and `wrk` (a Debian package). Each server runs on core 0, with
everything that belongs to it, and the load generator on core 1. A round starts every server, compares
its probabilities with the model's, loads it with each size of request, and stops it; the next round
begins with another server. A figure is the median of its rounds, a ratio the median of the rounds' ratios.
"""

import argparse
import contextlib
import csv
import ctypes
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import joblib  # noqa: E402
import numpy as np  # noqa: E402

from leadscore.columns import Dictionary, clean  # noqa: E402
from leadscore.scorer import Scorer  # noqa: E402
from leadscore.training.dataset import load  # noqa: E402
from leadscore.training.models import CANDIDATES, SERVED  # noqa: E402

HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "serve"
MODEL = ROOT / "models" / "lead_conversion.onnx"
LEADS = ROOT / "data" / "leads.csv"
SERVER_CORE, LOAD_CORE = 0, 1
PATIENCE = 120  # seconds for a server to answer first
CLOSE = 1e-4  # two runtimes' probabilities
WARM_UP = 1  # seconds of load before what is measured

Lead = dict[str, Any]
Route = tuple[str, Any]
"""Path and document of a request."""


@dataclass(frozen=True)
class Load:
    """Requests of one size, from so many connections at once."""

    name: str
    leads: int
    connections: int


LOADS = (
    Load("alone", 1, 1),
    Load("single", 1, 16),
    Load("batch of 10", 10, 4),
    Load("batch of 100", 100, 4),
    Load("batch of 1,000", 1000, 4),
)


def routes(leads: list[Lead]) -> Route:
    """A route for one lead and one for many."""
    return ("/predict", leads[0]) if len(leads) == 1 else ("/predict/batch", {"leads": leads})


def always_many(leads: list[Lead]) -> Route:
    """One route, one lead is a batch of one."""
    return "/predict", {"leads": leads}


def probabilities(answer: Any) -> list[float]:
    """What the apps of benchmarks/peers answer."""
    return answer["probabilities"]


def predictions(answer: Any) -> list[float]:
    """What we answer."""
    return [one["probability"] for one in answer.get("predictions", [answer])]


@dataclass(frozen=True)
class Server:
    """A way to serve the model. `{port}` in a command stands for its port, {bin} for its environment."""

    name: str
    environment: str
    command: str
    route: Callable[[list[Lead]], Route] = routes
    read: Callable[[Any], list[float]] | None = probabilities
    variables: dict[str, str] = field(default_factory=dict)


UVICORN = "{bin}/uvicorn --port {port} --no-access-log --log-level warning benchmarks.peers."

SERVERS = (
    Server("ours", "serve", "{bin}/python predict.py --port {port}", read=predictions),
    Server(
        "ours, no log of requests",
        "serve",
        "{bin}/python predict.py --port {port}",
        read=predictions,
        variables={"LEADSCORE_LOG_REQUESTS": "0"},
    ),
    Server("FastAPI, pipeline", "fastapi", UVICORN + "fastapi_pipeline:app"),
    Server("FastAPI, ONNX file", "fastapi", UVICORN + "fastapi_graph:app"),
    Server(
        "LitServe, pipeline",
        "litserve",
        "{bin}/python -m benchmarks.peers.litserve_pipeline {port}",
        always_many,
    ),
    Server(
        "LitServe, ONNX file",
        "litserve",
        "{bin}/python -m benchmarks.peers.litserve_graph {port}",
        always_many,
    ),
    Server("echo", "serve", UVICORN + "echo:app", read=None),
    Server("empty", "serve", UVICORN + "empty:app", read=None),
)


def main() -> None:
    """Measure, report."""
    arguments = _arguments()
    os.sched_setaffinity(0, {LOAD_CORE})
    # What a server leaves behind becomes our child, so that it can be found and ended.
    ctypes.CDLL(None).prctl(36, 1)
    servers = [s for s in SERVERS if not arguments.only or any(o in s.name for o in arguments.only)]
    bench = Bench(arguments.seconds)
    for turn in range(arguments.rounds):
        for server in servers[turn:] + servers[:turn]:
            measured = bench.measure(server)
            print(f"{server.name:28}", _line(measured), flush=True)


def _line(measured: dict[str, Any]) -> str:
    rates = [
        f"{load.name} {load.leads * measured[load.name]['rate']:9,.0f} leads/s "
        f"p50 {1e3 * measured[load.name]['p50']:.2f} p99 {1e3 * measured[load.name]['p99']:.2f} ms"
        for load in LOADS
    ]
    return f"start {measured['start']:.1f} s, {measured['memory'] / 1e6:.0f} MB; " + "; ".join(rates)


class Bench:
    """The leads, what the model says of them, and a way to measure a server with them."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        scorer = Scorer(MODEL)
        features = scorer.card.dictionary.features
        with LEADS.open(encoding="utf-8", newline="") as file:
            raw = [
                {column.name: row[column.source] for column in features} for row in csv.DictReader(file)
            ]
        cleaned = [clean(row, scorer.card.dictionary) for row in raw]
        self.expected = scorer.probability(cleaned)
        # What is missing is left out; NaN is not equal to itself.
        self.leads = [{k: v for k, v in lead.items() if v == v and v != ""} for lead in cleaned]
        BUILD.mkdir(parents=True, exist_ok=True)
        self.pipeline = BUILD / "pipeline.joblib"
        dictionary = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
        fitted = CANDIDATES[SERVED](dictionary.features, 0).fit(*load(LEADS, dictionary).oldest())
        joblib.dump(fitted, self.pipeline)

    def measure(self, server: Server) -> dict[str, Any]:
        """Start, compare, load and stop a server."""
        with self.started(server) as (port, process, start):
            measured: dict[str, Any] = {"start": start}
            self.load(server, port, LOADS[1], WARM_UP)
            for one in LOADS:
                self.compare(server, port, one.leads)
                measured[one.name] = self.load(server, port, one, self.seconds)
                if one.name == "single":
                    measured["memory"] = _memory(process.pid)
        return measured

    @contextlib.contextmanager
    def started(self, server: Server) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
        """A running server, and the seconds until its first answer; ended with all its processes."""
        port = _free_port()
        folder = ".venv-serve" if server.environment == "serve" else f"build/peers/{server.environment}"
        command = server.command.format(port=port, bin=ROOT / folder / "bin")
        environment = {
            **os.environ,
            "PATH": f"{ROOT / folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PIPELINE": str(self.pipeline),
            "MODEL": str(MODEL),
            "OMP_NUM_THREADS": "1",
            **server.variables,
        }
        environment.pop("VIRTUAL_ENV", None)
        begun = time.perf_counter()
        with (BUILD / "server.log").open("wb") as log:
            process = subprocess.Popen(
                ["taskset", "--cpu-list", str(SERVER_CORE), *command.split()],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while not self._answers(server, port):
                if process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                    raise RuntimeError(
                        f"{server.name} does not start:\n{(BUILD / 'server.log').read_text()[-4000:]}"
                    )
                time.sleep(0.02)
            yield port, process, time.perf_counter() - begun
        finally:
            _end(process)

    def _answers(self, server: Server, port: int) -> bool:
        try:
            status, _ = _post(port, *server.route(self.leads[:1]))
        except (OSError, http.client.HTTPException):
            return False
        return status == http.HTTPStatus.OK

    def compare(self, server: Server, port: int, size: int) -> None:
        """Raise RuntimeError unless the server answers what the model says."""
        for begin in range(0, min(100 * size, 2000), size):
            status, answer = _post(port, *server.route(self.leads[begin : begin + size]))
            if status != http.HTTPStatus.OK:
                raise RuntimeError(f"{server.name} answers {status}: {answer[:1000]!r}")
            if server.read:
                expected = self.expected[begin : begin + size]
                found = np.array(server.read(json.loads(answer)))
                if found.shape != expected.shape or not np.all(np.abs(found - expected) <= CLOSE):
                    raise RuntimeError(f"{server.name} does not answer what the model says")

    def load(self, server: Server, port: int, one: Load, seconds: int) -> dict[str, float]:
        """Load the server and return what came of it; times in seconds."""
        starts = range(0, len(self.leads) - one.leads + 1, one.leads)
        sent = [server.route(self.leads[begin : begin + one.leads]) for begin in starts]
        bodies = BUILD / "bodies.jsonl"
        bodies.write_text("".join(json.dumps(document) + "\n" for _, document in sent))
        wrk = ["taskset", "--cpu-list", str(LOAD_CORE), "wrk", "--threads", "1", "--timeout", "60s"]
        wrk += ["--connections", str(one.connections), "--script", str(HERE / "serve.lua")]
        wrk += ["--duration", f"{seconds}s", f"http://127.0.0.1:{port}{sent[0][0]}", "--", str(bodies)]
        done = subprocess.run(wrk, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
        figures = json.loads(done.stdout.splitlines()[-1])
        if figures.pop("failed"):
            raise RuntimeError(f"{server.name} answered errors: {done.stdout}")
        figures["rate"] = figures["answers"] / figures["seconds"]
        return figures


def _post(port: int, path: str, document: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(
            "POST", path, json.dumps(document).encode(), {"content-type": "application/json"}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _children(pid: int) -> list[int]:
    """A process's descendants."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_children(child)]
    return found


def _memory(pid: int) -> int:
    """Bytes a server occupies with all its processes; what they share counts once."""
    total = 0
    for one in {pid, *_children(os.getpid())}:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += 1024 * int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1])
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    while left := _children(os.getpid()):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="servers whose name holds one of these")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
