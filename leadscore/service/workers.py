"""Worker processes: uvicorn's supervisor with what it lacks; connection.py tells of its classes."""

import contextlib
import logging
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from typing import Final

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from leadscore.service import metrics

# In memory: a full disk would kill a worker that writes to a mapped file.
MEMORY: Final = Path("/dev/shm")  # noqa: S108
PREFIX: Final = "leadscore-"  # of the folder there

# A worker that has not started by then, or has not answered the supervisor for as long, is replaced.
START_SECONDS: Final = 30
END_SECONDS: Final = 1  # beyond the time for requests in flight, in which a worker has to end
MOST_DELAY: Final = 60.0  # seconds between two starts of a worker that keeps dying

log = logging.getLogger(__name__)


class Workers(Multiprocess):
    """Uvicorn's supervisor, but one worker's trouble is no other's.

    - Kludex/uvicorn#517: at SIGHUP the workers read their model again; uvicorn would replace them.
    - Kludex/uvicorn#2987: a worker that cannot start, as with a model file that is bad by now, ends
      nothing. It is tried again, at once and then each time after twice the seconds.
    - A worker that does not answer is not waited for: meanwhile the others are looked after.
    """

    def __init__(self, config: Config, sockets: list[socket], drain: float) -> None:
        super().__init__(config, sockets)
        self._drain = drain  # seconds for which a worker goes on after SIGTERM
        self._heard: dict[int | None, float] = {}  # process id -> when it last said that it serves
        self._due: dict[int, float] = {}  # place of a worker that died -> when the next one starts
        self._delays = [0.0] * self.processes_num  # seconds until then, the next time

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._started(place) for place in range(self.processes_num)]

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
                    self.processes[place] = self._started(place)
            elif process.exitcode is None and process.is_ready(0):
                self._heard[process.pid], self._delays[place] = now, 0.0
            elif process.exitcode is not None or self._silent(process, now):
                process.kill()
                process.join()
                log.error("worker %s died (exit code %s)", process.pid, process.exitcode)
                self._heard.pop(process.pid, None)
                metrics.forget(process.pid or 0)
                self._due[place] = now + self._delays[place]
                self._delays[place] = min(2 * self._delays[place] + 1, MOST_DELAY)

    def join_all(self) -> None:
        """Wait for the workers to end; one that hangs is killed."""
        seconds = self._drain + (self.config.timeout_graceful_shutdown or 0) + END_SECONDS
        deadline = time.monotonic() + seconds
        for process in self.processes:
            process.process.join(max(0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
            process.join()

    def _silent(self, process: Process, now: float) -> bool:
        return now - self._heard.setdefault(process.pid, now) > START_SECONDS

    def _started(self, place: int) -> Process:
        """A new worker. SIGHUP, which would kill it, waits until it listens (`ModelInUse.listen`)."""
        os.environ[metrics.PLACE] = str(place)
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


def run(config: Config, drain: float) -> None:
    """Serve with `config.workers` processes until told to stop."""
    with _shared_folder():
        Workers(config, [config.bind_socket()], drain).run()


@contextlib.contextmanager
def _shared_folder() -> Iterator[None]:
    """A folder for the numbers of all workers, gone in the end; named in the environment."""
    if metrics.folder():
        yield
        return
    memory = str(MEMORY) if os.access(MEMORY, os.W_OK) else None
    try:
        if memory:
            _remove_leftovers()
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=memory)
    except OSError:
        log.warning("no temporary folder can be made: each worker's /metrics tells of itself alone")
        yield
        return
    with folder as name, _locked(Path(name)) if memory else contextlib.nullcontext():
        os.environ[metrics.FOLDER] = name
        yield


def _remove_leftovers() -> None:
    """Remove the folders of services that were killed: nobody holds them, and they are not new."""
    for path in MEMORY.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > START_SECONDS:
                with _locked(path):
                    shutil.rmtree(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder as long as this process lives, whatever ends it. OSError: another one does."""
    import fcntl  # noqa: PLC0415  (not on Windows, where MEMORY is not either)

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
