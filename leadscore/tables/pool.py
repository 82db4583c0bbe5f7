"""Blocks scored in order, by this process or by several that have the model each."""

import contextlib
import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeAlias

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings
from leadscore.tables.mapping import TableError

Score: TypeAlias = Callable[[Any], Any]
"""A block -> the scored block."""

Build: TypeAlias = Callable[[Engine], Score]
"""Makes a Score in the process that uses it; it is sent there."""


def scored(blocks: Iterable[Any], build: Build, scorer: Scorer, settings: Settings) -> Iterator[Any]:
    """The scored blocks, in the order of `blocks`, which are read here."""
    if settings.workers == 1:
        gc.freeze()  # model and libraries stay; the collector need not look at them for each block
        yield from map(build(Engine(scorer, settings.max_text)), blocks)
        return
    pool = ProcessPoolExecutor(
        settings.workers,
        multiprocessing.get_context("spawn"),
        _prepare,
        (settings, build, scorer.card.version),
    )
    under_way: deque[Future[Any]] = deque()
    broken = False
    try:
        for block in blocks:
            with _sigint_deferred():
                under_way.append(pool.submit(_score_here, block))
            if len(under_way) > 2 * settings.workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool:
        broken = True
        raise
    finally:
        # To wait for a broken pool may never end before Python 3.11.5 (python/cpython#94777).
        pool.shutdown(wait=not broken, cancel_futures=True)


_score: Score | None
"""What a worker process scores with; made by `_prepare`. None: the file holds another model by now."""


def _prepare(settings: Settings, build: Build, version: str) -> None:
    global _score  # noqa: PLW0603  (a process has one job)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and stops its workers
    scorer = Scorer(settings.model)
    same = scorer.card.version == version
    _score = build(Engine(scorer, settings.max_text)) if same else None
    gc.freeze()


def _score_here(block: Any) -> Any:
    if _score is None:
        raise TableError("the model file was replaced meanwhile; nothing was kept")
    return _score(block)


@contextlib.contextmanager
def _sigint_deferred() -> Iterator[None]:
    """Hold Ctrl-C back, also in processes that start meanwhile: it would end them before they know."""
    held: list[int] = []
    # For the kernel may hand the signal to a thread that does not block it, such as one of numpy's.
    handler = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else None
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        for number in held:
            signal.raise_signal(number)
