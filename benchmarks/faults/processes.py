"""Processes that die, models that change, and what long use makes of them."""

import os
import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks import MODEL
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.service import CLIENTS, STARTED, Caller, scoring, started, until
from benchmarks.processes import resident

REQUESTS = 200_000  # over which memory must stay flat
WARM = 20_000  # before: caches, and the window that drift is computed from
GROWTH = 0.05  # that counts as flat
RELOADS = 10
EACH = 1000  # requests on one connection, so that every worker gets its share
PIPELINED = 50  # of them sent at once


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

                    def reloaded(times: int = 2 * reload) -> bool:
                        return service.logged("model reloaded") == times

                    until(reloaded)
            same = service.workers() == before
    failed = counted["refused"] + counted["cut off"]
    return Outcome(
        f"{RELOADS} reloads of the model under load",
        f"{RELOADS} in each of 2 workers; {counted['answered']:,} requests answered, {failed} failed",
        not failed and same and counted["answered"] > 0,
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
