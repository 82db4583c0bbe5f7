"""The image as it is run: what is in it, how soon it answers, what it occupies, how it stops.

    IMAGE_BUILDER=... python -m benchmarks.image    # writes the table of the container's page

IMAGE_BUILDER is a program that builds an image and starts it: `$IMAGE_BUILDER FOLDER TAG --run PORT
--json FILE`. It publishes the port on 127.0.0.1, passes IMG_RUN_FLAGS to the engine, waits until
IMG_HEALTH_PATH answers, writes the sizes and the start time as JSON, and prints the container's name,
its process id and the engine's command.
"""

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import ROOT
from benchmarks.documents import fill
from benchmarks.processes import free_port, resident

BUILDER = os.environ.get("IMAGE_BUILDER", "")
KEY = "key"
FLAGS = "--read-only --cap-drop ALL --security-opt no-new-privileges --memory 256m"
STARTS = 5
REQUESTS = 20  # on their way at the end
LONGEST_STOP = 30  # seconds
LISTENING = "0A"  # in /proc/net/tcp

PACKAGES = r"usr/local/lib/python3\.\d+/site-packages"
# What a path of the image belongs to: the first that fits.
PARTS = {
    f"{PACKAGES}/onnxruntime": "onnxruntime",
    f"{PACKAGES}/numpy": "numpy with OpenBLAS",
    f"{PACKAGES}/pydantic": "pydantic",
    f"{PACKAGES}/": "other packages",
    "usr/local": "Python and its standard library",
    "app/models": "the model",
    "app": "the service",
    "": "shared libraries of the system",
}
MARK = "<!-- the image, written by benchmarks/image.py -->"


@dataclass
class Container:
    """A running container of the image."""

    name: str
    engine: list[str]
    port: int
    figures: dict[str, Any]

    def ask(self, *command: str) -> str:
        """What the engine answers."""
        return subprocess.run(
            [*self.engine, *command], capture_output=True, text=True, check=True
        ).stdout.strip()

    @property
    def pid(self) -> int:
        """The service's process, as the host sees it."""
        return int(self.ask("inspect", "--format", "{{.State.Pid}}", self.name))

    @property
    def root(self) -> Path:
        """The container's root folder, as the host sees it."""
        return Path(f"/proc/{self.pid}/root")

    def ready(self) -> bool:
        """Whether the service says so."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def restart(self) -> float:
        """Seconds from a start of the stopped container to its first answer."""
        self.ask("stop", "--time", "10", self.name)
        begun = time.perf_counter()
        self.ask("start", self.name)
        while not self.ready():
            time.sleep(0.02)
        return time.perf_counter() - begun

    def resident(self) -> int:
        """Bytes of memory the service occupies."""
        return resident(self.pid)

    def paths(self) -> Iterator[Path]:
        """Everything in the image, relative to its root."""
        root = self.root
        for folder, folders, files in os.walk(root):
            if Path(folder) == root:  # what the engine puts there
                folders[:] = [name for name in folders if name not in {"dev", "proc", "run", "sys"}]
            yield from (Path(folder, name).relative_to(root) for name in (*folders, *files))

    def computed(self) -> float:
        """Seconds of a core that the service has used since its start."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def contents(self) -> Counter[str]:
        """Part of the image -> bytes, as they lie in a layer's archive."""
        found: Counter[str] = Counter()
        root = self.root
        for path in self.paths():
            part = next(part for start, part in PARTS.items() if re.match(start, str(path)))
            found[part] += _archived(root / path)
        return found

    def stop(self, *requests: bytes) -> tuple[list[tuple[int, bytes]], float]:
        """Send SIGTERM while the requests are on their way.

        Each is an HTTP request with a body, of which all but the first byte is sent only when the
        service has stopped listening. Returns the status and body of each answer, and the seconds
        until the process ended.
        """
        pid = self.pid
        with contextlib.ExitStack() as stack:
            callers = [
                stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=30))
                for _ in requests
            ]
            for caller, request in zip(callers, requests, strict=True):
                caller.sendall(request[: _head(request)])
            time.sleep(0.3)  # the heads have arrived
            os.kill(pid, signal.SIGTERM)
            begun = time.perf_counter()
            while _listens(pid):
                time.sleep(0.01)
            for caller, request in zip(callers, requests, strict=True):
                caller.sendall(request[_head(request) :])
            answers = [_answer(caller) for caller in callers]
        while Path(f"/proc/{pid}").exists():
            if time.perf_counter() - begun > LONGEST_STOP:
                raise TimeoutError("the service does not stop")
            time.sleep(0.01)
        return answers, time.perf_counter() - begun


@contextlib.contextmanager
def started() -> Iterator[Container]:
    """The image, built and started as its page advises; removed at the end."""
    with tempfile.TemporaryDirectory() as scratch:
        port = free_port()
        figures = Path(scratch) / "figures.json"
        built = subprocess.run(
            [*shlex.split(BUILDER), ROOT, "lead-conversion", "--run", str(port), "--json", figures],
            env={
                **os.environ,
                "IMG_RUN_FLAGS": f"{FLAGS} --env LEADSCORE_API_KEYS={KEY}",
                "IMG_HEALTH_PATH": "/ready",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(built.stdout)
        if built.returncode:
            raise RuntimeError(f"the image was not built or does not start:\n{built.stdout[-4000:]}")
        *engine, _, name = shlex.split(re.findall(r"logs: (.*)", built.stdout)[0])
        container = Container(name, engine, port, json.loads(figures.read_text()))
        try:
            yield container
        finally:
            container.ask("rm", "--force", "--time", "1", name)


def post(path: str, document: object) -> bytes:
    """An HTTP request that posts a document."""
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n"
    head += "content-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def table(contents: Counter[str], figures: dict[str, Any]) -> list[str]:
    """Rows of Markdown, megabytes of 10^6 bytes."""
    total, packed = figures["uncompressed_bytes"] / 1e6, figures["gzip_bytes"] / 1e6
    return [
        "| in the image | MB |",
        "| --- | --- |",
        *(f"| {part} | {size / 1e6:.1f} |" for part, size in contents.most_common()),
        f"| **all** ({packed:.1f} compressed) | **{total:.1f}** |",
    ]


def main() -> None:
    """Build, measure, write the table."""
    if not BUILDER:
        sys.exit("IMAGE_BUILDER does not name a program that builds images")
    lead = {"lead_source": "Google"}
    with started() as container:
        rows = table(container.contents(), container.figures)
        starts = [container.restart() for _ in range(STARTS)]
        computed, memory = container.computed(), container.resident()
        _, seconds = container.stop(*[post("/predict", lead)] * REQUESTS)
    rows += [
        "",
        f"First answer {median(starts):.1f} s after a start, {computed:.1f} s of it computing.",
        f"One idle worker occupies {memory / 1e6:.0f} MB.",
        f"Stopped with {REQUESTS} requests on their way: all answered, gone in {seconds:.1f} s.",
    ]
    print("\n".join(rows))
    fill(MARK, rows)


def _archived(path: Path) -> int:
    """Bytes of a file in an archive: a header, and the content in blocks of 512."""
    size = path.lstat().st_size if path.is_file() and not path.is_symlink() else 0
    return 512 + -(-size // 512) * 512


def _head(request: bytes) -> int:
    return request.index(b"\r\n\r\n") + 5


def _listens(pid: int) -> bool:
    """Whether a process still accepts connections, in its own network."""
    connections = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[3] == LISTENING for line in connections)


def _answer(caller: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(caller)
    response.begin()
    return response.status, response.read()


if __name__ == "__main__":
    main()
