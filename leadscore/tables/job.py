"""Jobs: one file of leads scored in the terminal, whatever its size, in constant memory."""

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, Self

from leadscore.card import Card
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings
from leadscore.tables import contents, coverage, outputs
from leadscore.tables.block import Totals, check_reasons
from leadscore.tables.choice import Choice
from leadscore.tables.csv_answers import CsvScorer, choose, header
from leadscore.tables.csv_file import CsvFile, Dialect
from leadscore.tables.mapping import ColumnMap, TableError
from leadscore.tables.pool import Score, scored
from leadscore.tables.ranking import ranking
from leadscore.tables.streams import STANDARD, source, target
from leadscore.tables.workbook import Sheets

INTERRUPTED: Final = 130  # the exit code of a run stopped by Ctrl-C, as a shell reports it
REDRAW: Final = 0.2  # seconds between two lines of progress


@dataclass(frozen=True)
class Job:
    """What to score, where to, and how: `source` and `target` are paths or "-".

    `top`: only the best so many leads, ranked. `ranked`: all leads, the best first. `columns`: those to
    hand back, all if none are named. `decimal`: the mark of a CSV's numbers, if its cells are not to
    show it. `sheet`: of a workbook; the first visible one with cells if none is named. `mapping`: for a
    header, the column it is. `partial`: also score a file that lacks much of what the model goes by.
    """

    source: str
    target: str
    reasons: int
    top: int | None
    ranked: bool
    columns: tuple[str, ...] = ()
    decimal: str | None = None
    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False


def run(job: Job, scorer: Scorer, settings: Settings) -> Totals:
    """Score the file; the target is written under a temporary name and renamed once it is complete.

    Raises TableError for a file that cannot be scored, OSError for one that cannot be read or written.
    """
    check_reasons(job.reasons, scorer)
    outputs.check(job.source, job.target)
    if _is_parquet(job.source) or _is_parquet(job.target):
        return _parquet(job, scorer, settings)
    return _csv(job, scorer, settings)


def _csv(job: Job, scorer: Scorer, settings: Settings) -> Totals:
    with (
        source(job.source) as stream,
        target(job.target) as place,
        contents.text(stream, job.sheet, note=say_sheet) as leads,
    ):
        file = CsvFile(leads, scorer.card.dictionary, job.decimal, job.mapping)
        _accept(job, scorer, file.columns)
        if file.dialect.decimal == "," and not job.decimal:
            say("Its numbers show a decimal comma; --decimal . if it is none.")
        choice = choose(job.columns, file.dialect, file.columns, job.reasons)
        build = partial(_csv_scorer, file.dialect, file.columns, job.reasons, choice)
        share = None if job.source == STANDARD else partial(_share, stream.tell, Path(job.source))
        with (
            outputs.packed(place, job.target, file.dialect.delimiter) as answers,
            Progress(share) as progress,
            tempfile.TemporaryFile() as waiting,
        ):
            ranked = ranking(job.top, waiting) if job.ranked or job.top is not None else None
            answers.write(header(file.dialect, file.columns, job.reasons, choice))
            for lines in scored(file.blocks(), build, scorer, settings):
                if ranked is None:
                    answers.write(lines.text)
                else:
                    ranked.add(lines)
                progress.add(lines.totals)
            if ranked is not None:
                answers.writelines(ranked.pieces())
        if left_out := file.furniture.left_out:
            say(f"Left out, for they are no leads: {left_out}.")
        return progress.totals


def say_sheet(sheets: Sheets) -> None:
    """Say which sheet of a workbook was read, if it has several."""
    if sheets.told:
        say(sheets.told)


def _csv_scorer(
    dialect: Dialect, columns: ColumnMap, reasons: int, choice: Choice | None, engine: Engine
) -> Score:
    return CsvScorer(engine, dialect, columns, reasons, choice=choice).score


def _parquet(job: Job, scorer: Scorer, settings: Settings) -> Totals:
    if not (_is_parquet(job.source) and _is_parquet(job.target)):
        raise TableError("Parquet is written from Parquet: both names should end in .parquet")
    if job.ranked or job.top is not None or job.columns:
        raise TableError("of Parquet all columns and rows are written: sort and select them afterwards")
    if job.decimal or job.sheet:
        raise TableError("Parquet has neither sheets nor decimal marks: leave out --sheet and --decimal")
    try:
        from leadscore.tables import parquet  # noqa: PLC0415  (optional)
    except ModuleNotFoundError:
        raise TableError("Parquet needs pyarrow (pip install pyarrow), or a CSV instead") from None
    with target(job.target) as answers:
        accept = partial(_accept, job, scorer)
        return parquet.score(
            Path(job.source), answers, job.reasons, scorer, settings, job.mapping, accept
        )


def _accept(job: Job, scorer: Scorer, columns: ColumnMap) -> None:
    """Say what the columns of a file are taken for; PartialError if they are too few."""
    report(columns, scorer.card)
    if not job.partial:
        coverage.check(columns, scorer.card)


class Progress:
    """A line with rate and share on a terminal, renewed as blocks come; `totals` adds them up.

    `share`: tells how much of the file has been read, from 0 to 1; None if nobody knows.
    """

    def __init__(self, share: Callable[[], float] | None) -> None:
        self.totals = Totals()
        self._share, self._shown = share, sys.stderr.isatty()
        self._started = self._drawn = time.monotonic()

    def __enter__(self) -> Self:
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
            line = (
                f"{self.totals.leads:,} leads, {self.totals.leads / (now - self._started):,.0f} a second"
            )
            line += f", {self._share():.0%}" if self._share else ""
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _share(tell: Callable[[], int], path: Path) -> float:
    return min(tell() / max(path.stat().st_size, 1), 1)


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(".parquet")


def report(columns: ColumnMap, card: Card) -> None:
    """Say what the columns of the file are taken for."""
    for sentence in coverage.sentences(columns, card):
        say(sentence)


def summary(totals: Totals, seconds: float) -> str:
    """What was done, in one line."""
    rate = totals.leads / seconds if seconds else 0.0
    good = totals.leads - totals.wrong
    text = f"Scored {good:,} lead{'s' if good != 1 else ''} in {seconds:,.1f} s ({rate:,.0f} a second): "
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
    with ending(job.source, job.target):
        totals = run(job, scorer, settings)
    say(summary(totals, time.monotonic() - started))
    if totals.nothing:
        sys.exit(f"{job.source}: no lead could be scored; the first: {totals.error}")


@contextlib.contextmanager
def ending(source: str, target: str) -> Iterator[None]:
    """Work on files that ends with the reason why not, if it cannot be done."""
    try:
        yield
    except BrokenPipeError:
        _leave_pipe()
    except coverage.PartialError as error:
        sys.exit(f"{source}: {error}. Name them by --map 'HEADER=COLUMN', or add --partial.")
    except TableError as error:
        sys.exit(f"{source}: {error}")
    except OSError as error:
        sys.exit(f"{error.filename or source}: {error.strerror or error}")
    except BrokenProcessPool:
        say(f"{source}: a worker process was killed (out of memory?); nothing was kept")
        sys.stderr.flush()
        os._exit(1)  # as the interpreter would wait for the pool: see `scored`
    except KeyboardInterrupt:
        say("Interrupted: nothing was kept." if target != STANDARD else "Interrupted.")
        raise SystemExit(INTERRUPTED) from None


def _leave_pipe() -> NoReturn:
    """The reader has seen enough, like `head`: end without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)
