"""Several worker processes, their shared folder, and the signal they share."""

import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from leadscore.serving import metrics

# In memory: a full disk would kill a worker that writes to a mapped file.
MEMORY: Final = Path("/dev/shm")  # noqa: S108

# A worker that has not started by then, or has not answered the supervisor for as long, is replaced.
START_SECONDS: Final = 30

log = logging.getLogger(__name__)


class Workers(Multiprocess):
    """Uvicorn's supervisor, but SIGHUP goes to the workers, and one that cannot start ends nothing.

    Uvicorn would replace the workers at SIGHUP, which closes connections, and stop all of them when the
    replacement of one that died cannot start, as with a model file that is bad by now.
    """

    def handle_hup(self) -> None:
        """Have every worker reload its model."""
        for process in self.processes:
            if process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that have died or hang."""
        for index, process in enumerate(self.processes):
            if self.should_exit.is_set() or process.is_alive(self.config.timeout_worker_healthcheck):
                continue
            process.kill()
            process.join()
            log.error("worker %s died (exit code %s); starting another", process.pid, process.exitcode)
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()


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
