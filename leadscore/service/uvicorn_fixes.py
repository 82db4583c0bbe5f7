"""What is mended in uvicorn. Its classes are no public interface: this file alone uses them, and
pyproject.toml pins the minor version it was tested with.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from socket import socket
from typing import Any, Final, cast

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from leadscore.service import metrics, problems

HEAD_BYTES: Final = 16 * 2**10  # of a request's head
HEAD_FIELDS: Final = 100
DRAIN_BYTES: Final = 2**20  # read of a body that was answered before its end
DRAIN_SECONDS: Final = 5.0

# In memory: a full disk would kill a worker that writes to a mapped file.
MEMORY: Final = Path("/dev/shm")  # noqa: S108

# A worker that has not started by then, or has not answered the supervisor for as long, is replaced.
START_SECONDS: Final = 30
END_SECONDS: Final = 1  # beyond the time for requests in flight, in which a worker has to end
MOST_DELAY: Final = 60.0  # seconds between two starts of a worker that keeps dying

log = logging.getLogger(__name__)


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol with limits, and with offers to upgrade passed over.

    - Kludex/uvicorn#157: a connection whose request head does not come in within `seconds` is closed; a
      head of more than HEAD_BYTES or HEAD_FIELDS is a 431. Fields behind a body (trailers) are left
      out. A body that was answered before its end is read on, for DRAIN_BYTES and DRAIN_SECONDS.
    - Kludex/uvicorn#2722: curl and Java offer an upgrade to HTTP/2. A server may pass it over (RFC
      9110, 7.8), but the parser then drops the body: a new one gets the head without the offer.
    """

    def __init__(self, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._ended = False  # a message, in the data that is read
        self._skipped = False  # the message in work, which has no cycle
        self._too_large = False  # a head; from then on nothing is answered but that
        self._head_bytes = self._drained = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._start(self._seconds)

    def data_received(self, data: bytes) -> None:
        """Read on; what is behind an offer to upgrade by a new parser."""
        self._unset_keepalive_if_required()
        self._ended = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if not self._too_large:
                head = self._head_without_offer()
                self.parser = httptools.HttpRequestParser(self)
                self.data_received(head + data[offer.args[0] :])
                return
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if self._in_head and not self._ended:
            self._start(self._seconds)
            self._head_bytes += len(data)
            self._too_large |= self._head_bytes > HEAD_BYTES
        if self._too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """From here on `Limits` watches."""
        self._in_head = False
        self._stop()
        size = sum(len(name) + len(value) for name, value in self.headers)
        self._too_large |= size > HEAD_BYTES or len(self.headers) > HEAD_FIELDS
        self._skipped = self._too_large or self.parser.should_upgrade()
        if not self._skipped:
            super().on_headers_complete()
            self.headers = []  # for trailers, which are no fields of the head

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body, or drop it if nobody waits for it."""
        if self._skipped:
            return
        super().on_body(body)
        if self.cycle.response_complete:
            self._drained += len(body)
            if self._drained > DRAIN_BYTES:
                self.transport.close()

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._in_head, self._ended, self._head_bytes = True, True, 0
        self._stop()
        if not self._skipped:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """If the body is still coming in, read on for a while."""
        super().on_response_complete()
        if not self._in_head:
            self._drained = 0
            self._start(DRAIN_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _head_without_offer(self) -> bytes:
        """The head that was read, without its offer to upgrade."""
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        for name, value in self.headers:
            if name == b"connection":
                options = [o for o in value.split(b",") if o.strip().lower() != b"upgrade"]
                lines.append(b"connection: " + b",".join(options))
            elif name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what the app never sees, and close the connection."""
        answer = problems.refusal({"path": ""}, status, f"The request cannot be read: {status.phrase}.")
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), b"connection: close"]
        lines += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()

    def _start(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def protocol(seconds: float) -> type[HttpToolsProtocol]:
    """`Protocol` as uvicorn takes one; worker processes get it, too, so it can be pickled."""
    return cast("type[HttpToolsProtocol]", partial(Protocol, seconds))


class Workers(Multiprocess):
    """Uvicorn's supervisor, but one worker's trouble is no other's.

    - Kludex/uvicorn#517: at SIGHUP the workers read their model again; uvicorn would replace them.
    - Kludex/uvicorn#2987: a worker that cannot start, as with a model file that is bad by now, ends
      nothing. It is tried again, at once and then each time after twice the seconds.
    - A worker that does not answer is not waited for: meanwhile the others are looked after.
    """

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._heard: dict[int | None, float] = {}  # process id -> when it last said that it serves
        self._due: dict[int, float] = {}  # place of a worker that died -> when the next one starts
        self._delays = [0.0] * self.processes_num  # seconds until then, the next time

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._started() for _ in range(self.processes_num)]

    def handle_hup(self) -> None:
        """Have every worker reload its model."""
        for process in self.processes:
            if process.pid and process.exitcode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that have died or hang."""
        now = time.monotonic()
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if place in self._due:
                if now >= self._due[place]:
                    del self._due[place]
                    self.processes[place] = self._started()
            elif process.exitcode is None and process.is_ready(0):
                self._heard[process.pid], self._delays[place] = now, 0.0
            elif process.exitcode is not None or self._silent(process, now):
                process.kill()
                process.join()
                log.error("worker %s died (exit code %s)", process.pid, process.exitcode)
                self._heard.pop(process.pid, None)
                self._due[place] = now + self._delays[place]
                self._delays[place] = min(2 * self._delays[place] + 1, MOST_DELAY)

    def join_all(self) -> None:
        """Wait for the workers to end; one that hangs is killed."""
        seconds = (self.config.timeout_graceful_shutdown or 0) + END_SECONDS
        deadline = time.monotonic() + seconds
        for process in self.processes:
            process.process.join(max(0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
            process.join()

    def _silent(self, process: Process, now: float) -> bool:
        return now - self._heard.setdefault(process.pid, now) > START_SECONDS

    def _started(self) -> Process:
        """A new worker. SIGHUP, which would kill it, waits until it listens (`ModelInUse.listen`)."""
        process = Process(self.config, self.sockets)
        masks = hasattr(signal, "pthread_sigmask")  # not on Windows
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP}) if masks else None
        try:
            process.start()
        finally:
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        process.child_conn.close()  # its end of the pipe, so that its death ends a check at once
        return process


def leave_with_parent() -> None:
    """Stop this worker when the process that started it is gone."""
    if parent := multiprocessing.parent_process():

        def watch() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, daemon=True).start()


def run(config: Config) -> None:
    """Serve with `config.workers` processes until told to stop."""
    with _shared_folder():
        Workers(config, sockets=[config.bind_socket()]).run()


@contextlib.contextmanager
def _shared_folder() -> Iterator[None]:
    """A folder for the numbers of all workers, gone in the end; named in the environment."""
    if metrics.folder():
        yield
        return
    memory = str(MEMORY) if os.access(MEMORY, os.W_OK) else None
    try:
        folder = tempfile.TemporaryDirectory(prefix="leadscore-", dir=memory)
    except OSError:
        log.warning("no temporary folder can be made: each worker's /metrics tells of itself alone")
        yield
        return
    with folder as name:
        os.environ[metrics.FOLDER] = name
        yield
