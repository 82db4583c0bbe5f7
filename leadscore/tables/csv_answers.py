"""CSV records handed back with the answers added. A record keeps its text; what is added follows it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.scoring.engine import Engine, Scored
from leadscore.tables.block import DECIMALS, Answered, Totals, answer
from leadscore.tables.choice import Choice
from leadscore.tables.csv_file import Dialect, Records, Rows
from leadscore.tables.heading import BOM
from leadscore.tables.mapping import ColumnMap, TableError

LOOKED_AT: Final = 10  # blocks, of which a row has to be scored before an answer begins

_SWITCH: Final = {True: "true", False: "false", None: ""}


@dataclass(frozen=True)
class Lines:
    """Scored records: n lines in one text, at which byte of it each ends, shape (n,), their
    probabilities, shape (n,), NaN for an error, and what they add up to.
    """

    text: bytes
    ends: NDArray[np.int64]
    probability: NDArray[np.float64]
    totals: Totals


def header(dialect: Dialect, columns: ColumnMap, reasons: int, choice: Choice | None = None) -> bytes:
    """The first line of the answer."""
    line = dialect.delimiter.join([dialect.header, *columns.added(reasons)]) + dialect.newline
    if choice:
        (line,) = choice.pick([line], dialect.newline)
    return (BOM * dialect.marked + line).encode()


def choose(names: Sequence[str], dialect: Dialect, columns: ColumnMap, reasons: int) -> Choice | None:
    """The columns to hand back; None, without names, for all. `score` is the one that is added, also in
    a file with a `score` of its own. Raises TableError.
    """
    available = [*map(str.strip, columns.names), *columns.added(reasons)]
    answers = {name: columns.width + n for n, name in enumerate(columns.answers(reasons))}
    return Choice(names, available, dialect.delimiter, answers) if names else None


class CsvScorer:
    """Scores the records of one file, a block at a time. `note`: see `block.answer`. `choice`: of the
    columns to hand back; None for all.
    """

    def __init__(
        self,
        engine: Engine,
        dialect: Dialect,
        columns: ColumnMap,
        reasons: int,
        note: Callable[[Scored, set[int]], None] = lambda scored, wrong: None,
        choice: Choice | None = None,
    ) -> None:
        self._engine, self._reasons, self._note = engine.reading(dialect.decimal), reasons, note
        self._dialect, self._columns, self._choice = dialect, columns, choice

    def score(self, records: Records) -> Lines:
        """Score a block of records."""
        rows = Rows.of(records, self._dialect, self._columns)
        leads = self._engine.read(rows.columns, len(rows.texts))
        answered = answer(self._engine, leads, self._reasons, rows.wrong, self._note)
        lines = self._lines(rows.texts, answered)
        if self._choice:
            lines = self._choice.pick(lines, self._dialect.newline)
        text = "".join(lines)
        lengths = map(len, lines if text.isascii() else map(str.encode, lines))
        ends = np.cumsum(np.fromiter(lengths, np.int64, len(lines)))
        return Lines(text.encode(), ends, answered.probability, answered.totals())

    def _lines(self, texts: Sequence[str], answered: Answered) -> list[str]:
        end = f"{self._dialect.delimiter}{self._engine.card.version}{self._dialect.newline}"
        cells = [
            texts,
            ["" if isnan(p) else f"{p:.{DECIMALS}f}" for p in answered.probability.tolist()],
            ["" if score is None else str(score) for score in answered.score],
            [grade or "" for grade in answered.grade],
            [_SWITCH[converts] for converts in answered.converts],
            *map(_quoted, answered.texts()),
            _quoted(answered.warnings),
            [error + end for error in _quoted(answered.errors)],
        ]
        return list(map(self._dialect.delimiter.join, zip(*cells, strict=True)))


def _quoted(texts: Sequence[str | None]) -> Iterator[str]:
    """Text cells, quoted whatever they hold; empty where there is none. Most texts repeat."""
    quoted = {text: '"{}"'.format(text.replace('"', '""')) if text else "" for text in {*texts}}
    return map(quoted.__getitem__, texts)


def begun(blocks: Iterator[Lines]) -> Iterator[Lines]:
    """The blocks, of which one or more are scored by now. TableError if all of their rows are wrong."""
    scored: list[Lines] = []
    totals = Totals()
    for lines in islice(blocks, LOOKED_AT):
        scored.append(lines)
        totals += lines.totals
        if not totals.nothing:
            break
    if totals.nothing:
        raise TableError(
            f"none of its first {totals.leads:,} rows can be scored; the first: {totals.error}"
        )
    return chain(scored, blocks)
