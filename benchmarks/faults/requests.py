"""Requests that are wrong or never end."""

import contextlib
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from random import Random

from benchmarks.faults.kinds import kinds
from benchmarks.faults.outcome import Outcome, listed
from benchmarks.faults.service import CLIENTS, Caller, scoring, started

MALFORMED = 10_000
SLOW = 200  # clients


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
        f"{listed(counted) or 'none answered otherwise'}; {'no' if same else 'a'} worker lost",
        not counted and same and alive,
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
