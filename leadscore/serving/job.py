"""Jobs: one file of leads scored in the terminal, whatever its size, in constant memory."""

import contextlib
import gc
import multiprocessing
import os
import signal
import stat
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from leadscore.scorer import Scorer
from leadscore.serving.csv_text import Block, CsvScorer, CsvText, Header
from leadscore.serving.ranking import All, Best, Ranking
from leadscore.serving.settings import Settings
from leadscore.serving.table import TableError, TableScorer, Totals, check_reasons

STANDARD: Final = "-"  # the name of standard input and output
INTERRUPTED: Final = 130  # the exit code of a run stopped by Ctrl-C, as a shell reports it
REDRAW: Final = 0.2  # seconds between two drawings of the progress bar
BAR: Final = 30  # characters of it


@dataclass(frozen=True)
class Job:
    """What to score, where to, and how: `source` and `target` are paths or "-".

    `top`: only the best so many leads, ranked. `ranked`: all leads, the best first.
    """

    source: str
    target: str
    reasons: int
    top: int | None
    ranked: bool


def run(job: Job, scorer: Scorer, settings: Settings) -> Totals:
    """Score the file; the target is written under a temporary name and renamed once it is complete.

    Raises TableError for a file that cannot be scored, OSError for one that cannot be read or written.
    """
    check_reasons(job.reasons, scorer)
    if _is_parquet(job.source) or _is_parquet(job.target):
        return _parquet(job, scorer, settings)
    gc.freeze()  # the model and the libraries stay; the collector need not look at them for each block
    with _source(job.source) as source, _target(job.target) as target:
        text = CsvText(source, scorer.card.dictionary)
        report(text.header)
        with (
            Progress(source, _size(job.source)) as progress,
            tempfile.TemporaryFile() as waiting,
        ):
            ranking: Ranking | None = All(waiting) if job.ranked else None
            ranking = Best(job.top) if job.top is not None else ranking
            added = CsvScorer(
                TableScorer(scorer, job.reasons, settings.max_text), text.header, job.reasons
            )
            target.write(added.header.encode())
            for block in _scored(text, added, job.reasons, settings, scorer.card.version):
                if ranking is None:
                    target.write(block.text)
                else:
                    ranking.add(block)
                progress.add(block.totals)
            if ranking is not None:
                target.writelines(ranking.pieces())
        return progress.totals


def _parquet(job: Job, scorer: Scorer, settings: Settings) -> Totals:
    if not (_is_parquet(job.source) and _is_parquet(job.target)):
        raise TableError("Parquet is written from Parquet: both names should end in .parquet")
    if job.ranked or job.top is not None:
        raise TableError("only CSV can be ranked here; sort the Parquet file by its probability")
    try:
        from leadscore.serving import parquet  # noqa: PLC0415  (optional)
    except ModuleNotFoundError:
        raise TableError("Parquet needs pyarrow (pip install pyarrow), or a CSV instead") from None
    with _target(job.target) as target:
        return parquet.score(Path(job.source), target, scorer, job.reasons, settings.max_text)


class Progress:
    """A bar with rate and remaining time, on a terminal only; `totals` adds up the blocks."""

    def __init__(self, source: BinaryIO, size: int | None) -> None:
        self.totals = Totals()
        self._source, self._size = source, size
        self._shown = sys.stderr.isatty()
        self._started = self._drawn = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def add(self, totals: Totals) -> None:
        """Count a block."""
        self.totals += totals
        now = time.monotonic()
        if self._shown and now - self._drawn >= REDRAW:
            self._drawn = now
            print(f"\r\x1b[K{self._line(now - self._started)}", end="", file=sys.stderr, flush=True)

    def _line(self, seconds: float) -> str:
        rate = f"{self.totals.leads:,} leads, {self.totals.leads / seconds:,.0f} a second"
        if not self._size:
            return rate
        share = min(self._source.tell() / self._size, 1)
        left = seconds / share - seconds if share else 0
        bar = "█" * round(BAR * share)
        return f"{bar:░<{BAR}} {share:4.0%}  {rate}, {left:,.0f} s left"


def _scored(
    text: CsvText, added: CsvScorer, reasons: int, settings: Settings, version: str
) -> Iterator[Block]:
    """The scored blocks in order, by this process or by several; `version` is the model's."""
    if settings.workers == 1:
        yield from added.blocks(text.pieces())
        return
    with ProcessPoolExecutor(
        settings.workers,
        multiprocessing.get_context("spawn"),
        _prepare,
        (settings, text.header, reasons, version),
    ) as pool:
        under_way: deque[Future[list[Block]]] = deque()
        try:
            for piece in text.pieces():
                with _ctrl_c_waits():
                    under_way.append(pool.submit(_score, piece))
                if len(under_way) > 2 * settings.workers:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
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


_scorer: CsvScorer | None
"""What a worker process scores with; made by `_prepare`. None: the file holds another model by now."""


def _prepare(settings: Settings, header: Header, reasons: int, version: str) -> None:
    global _scorer  # noqa: PLW0603  (a process has one job)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and stops its workers
    scorer = Scorer(settings.model)
    table = TableScorer(scorer, reasons, settings.max_text)
    _scorer = CsvScorer(table, header, reasons) if scorer.card.version == version else None
    gc.freeze()


def _score(piece: bytes) -> list[Block]:
    if _scorer is None:
        raise TableError("the model file was replaced meanwhile; nothing was kept")
    return list(_scorer.blocks([piece]))


@contextlib.contextmanager
def _source(name: str) -> Iterator[BinaryIO]:
    if name == STANDARD:
        yield sys.stdin.buffer
    else:
        with Path(name).open("rb") as stream:
            yield stream


@contextlib.contextmanager
def _target(name: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears when it is complete; what is no file is written to."""
    path = Path(name)
    if name == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        with _opened(path, name) as stream:
            yield stream
    else:
        with replacing(path.resolve()) as temporary, _opened(temporary, name) as stream:
            yield stream


def _opened(path: Path, name: str) -> BinaryIO:
    """A file to write; if it cannot be, the error has the name that was asked for."""
    try:
        return path.open("wb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside a path, which replaces it if all goes well and vanishes if not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(".parquet")


def _size(name: str) -> int | None:
    return None if name == STANDARD else Path(name).stat().st_size


def report(header: Header) -> None:
    """Say what the columns of the file are taken for."""
    found = len(header.positions)
    say(f"Columns: {found} of the {found + len(header.absent)} the model reads.")
    for what, names in (
        ("Not in the file, scored as missing", header.absent),
        ("Known to the model and left out on purpose", header.ignored),
        ("Unknown to the model", header.unknown),
    ):
        if names:
            say(f"{what}: {', '.join(names)}.")


def summary(totals: Totals, seconds: float) -> str:
    """What was done, in one line."""
    rate = totals.leads / seconds if seconds else 0.0
    text = f"Scored {totals.leads - totals.wrong:,} leads in {seconds:,.1f} s ({rate:,.0f} a second): "
    text += f"{totals.converts:,} reach the threshold, {totals.expected_conversions:,.1f} conversions"
    text += " expected."
    if totals.wrong:
        text += f" {totals.wrong:,} could not be scored: see the column error."
    return text


def say(text: str) -> None:
    """Tell the person at the terminal; standard output belongs to the leads."""
    print(text, file=sys.stderr)


def command(job: Job, scorer: Scorer, settings: Settings) -> None:
    """Run a job from the command line: a summary, or the reason why not, on standard error."""
    for name in ("SIGTERM", "SIGHUP"):  # the terminal is gone; nohup ignores it, Windows has none
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda received, _: sys.exit(128 + received))
    started = time.monotonic()
    try:
        totals = run(job, scorer, settings)
    except BrokenPipeError:
        _leave_pipe()
    except TableError as error:
        sys.exit(f"{job.source}: {error}")
    except OSError as error:
        sys.exit(f"{error.filename or job.source}: {error.strerror or error}")
    except BrokenProcessPool:
        sys.exit(f"{job.source}: a worker process was killed (out of memory?); nothing was kept")
    except KeyboardInterrupt:
        say("Interrupted: nothing was kept." if job.target != STANDARD else "Interrupted.")
        raise SystemExit(INTERRUPTED) from None
    say(summary(totals, time.monotonic() - started))


def _leave_pipe() -> NoReturn:
    """The reader has seen enough, like `head`: end without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)
