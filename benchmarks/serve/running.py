"""A server's processes: started on a core of their own until they answer, measured, ended."""

import contextlib
import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import MODEL, ROOT
from benchmarks.processes import descendants, free_port, occupied
from benchmarks.serve import BUILD
from benchmarks.serve.environments import programs
from benchmarks.serve.loads import DICTIONARY, Lead
from benchmarks.serve.servers import Server

PIPELINE: Final = BUILD / "pipeline.joblib"
SERVER_CORE, LOAD_CORE = 0, 1
PATIENCE: Final = 120  # seconds for a server to answer first
SUBREAPER: Final = 36  # prctl's PR_SET_CHILD_SUBREAPER


@dataclass(frozen=True)
class Running:
    """A running server: its port, its first process, and seconds until it answered first."""

    port: int
    pid: int
    start: float


def prepare() -> None:
    """Take the core of the load; adopt what a server leaves behind, to find and end it."""
    os.sched_setaffinity(0, {LOAD_CORE})
    ctypes.CDLL(None).prctl(SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def run(server: Server, command: str) -> str:
    """Run a program in a server's environment and return what it prints."""
    done = subprocess.run(
        _words(server, command),
        cwd=ROOT,
        env=_variables(server, 0),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command}:\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def started(server: Server, lead: Lead, spared: Running | None = None) -> Iterator[Running]:
    """A server, from its first answer on; ended with all its processes, but for one that is spared."""
    port, begun = free_port(), time.perf_counter()
    said = BUILD / ("server.log" if spared else "ours.log")
    with said.open("wb") as log:
        process = subprocess.Popen(
            _words(server, server.command, port),
            cwd=ROOT,
            env=_variables(server, port),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _answers(server, lead, port):
            if process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                raise RuntimeError(f"{server.name} does not start:\n{said.read_text()[-4000:]}")
            time.sleep(0.02)
        yield Running(port, process.pid, time.perf_counter() - begun)
    finally:
        _end(process, spared)


def memory(spared: Running | None) -> int:
    """Bytes of what was started last."""
    return sum(map(occupied, _processes(spared)))


def post(port: int, path: str, document: Any) -> tuple[int, bytes]:
    """The status and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(
            "POST", path, json.dumps(document).encode(), {"content-type": "application/json"}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _answers(server: Server, lead: Lead, port: int) -> bool:
    try:
        status, _ = post(port, *server.request([lead]))
    except (OSError, http.client.HTTPException):
        return False
    return status == http.HTTPStatus.OK


def _processes(spared: Running | None) -> list[int]:
    """The processes of what was started last: all of ours but one server."""
    return [pid for pid in descendants(os.getpid()) if not spared or pid != spared.pid]


def _end(process: subprocess.Popen[bytes], spared: Running | None) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    while left := _processes(spared):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    process.poll()


def _words(server: Server, command: str, port: int = 0) -> list[str]:
    filled = command.format(port=port, bin=programs(server.environment), build=BUILD)
    return ["taskset", "--cpu-list", str(SERVER_CORE), *filled.split()]


def _variables(server: Server, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{programs(server.environment)}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PIPELINE": str(PIPELINE),
        "MODEL": str(MODEL),
        "MISSING": json.dumps({c.name: c.read(None) for c in DICTIONARY.features}),
        "OMP_NUM_THREADS": "1",
        # Nothing is told to anyone, nothing is left elsewhere.
        "DO_NOT_TRACK": "1",
        "BENTOML_HOME": str(BUILD / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
        # MLServer reads nothing else.
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": "0",
        "MLSERVER_METRICS_PORT": "0",
        "MLSERVER_DEBUG": "false",
        "MLSERVER_MODEL_NAME": "lead_conversion",
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
        "MLSERVER_MODEL_URI": str(PIPELINE),
        "MLSERVER_MODEL_CONTENT_TYPE": "pd",
        "MLSERVER_MODEL_EXTRA": '{"predict_fn": "predict_proba"}',
        **server.variables,
    }
