"""CSV text: any common dialect read in constant memory, and handed back with the answers added.

A record keeps its text as it came; what is added is appended to it.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Dictionary
from leadscore.serving.table import BLOCK, DECIMALS, Scored, TableError, TableScorer, Totals

DELIMITERS: Final = ",;\t|"
CHUNK: Final = 2**18  # characters read at once
LONGEST_LINE: Final = 2**20  # characters; a longer line is read in pieces, each of which is an error
BOM: Final = "\ufeff"

Row = tuple[list[str], str]
"""A record's cells and its text without the line end; no cells: the text is not valid CSV."""

Record = tuple[tuple[str, ...], str, str]
"""The cells the model reads, the text with as many cells as the header, what is wrong (mostly "")."""


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are not UTF-8 as Windows-1252, which is Latin-1 and a few more characters."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:  # five bytes it has no character for
        return wrong.decode("latin-1"), error.end


codecs.register_error("leadscore.windows", _from_windows)


@dataclass(frozen=True)
class Header:
    """The first record, and what its columns are to the model.

    `positions`: cell of each feature by name. `ignored`: columns the model knows and refuses.
    `unknown`: columns it has never heard of. `absent`: features without a column. `taken`: all names, in
    lower case, for Spark and databases tell no case apart.
    """

    text: str
    delimiter: str
    newline: str
    width: int
    positions: dict[str, int]
    ignored: tuple[str, ...]
    unknown: tuple[str, ...]
    absent: tuple[str, ...]
    taken: frozenset[str]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        dictionary: Dictionary,
        text: str = "",
        delimiter: str = ",",
        newline: str = "\n",
    ) -> Self:
        """The header of columns of these names; TableError if the model reads none of them."""
        known = dictionary.by_key
        keys = [name.strip() for name in names]
        positions: dict[str, int] = {}
        for index, key in enumerate(keys):
            if key in known and known[key].role == "feature":
                if (name := known[key].name) in positions:
                    raise TableError(f"the column {key!r} is there twice, or under both of its names")
                positions[name] = index
        if not positions:
            some = ", ".join(column.source for column in dictionary.features[:3])
            raise TableError(f"the first line names no column the model reads, such as {some}")
        return cls(
            text=text,
            delimiter=delimiter,
            newline=newline,
            width=len(keys),
            positions=positions,
            ignored=tuple(key for key in keys if key in known and known[key].role == "excluded"),
            unknown=tuple(key for key in keys if key not in known),
            absent=tuple(c.title for c in dictionary.features if c.name not in positions),
            taken=frozenset(map(str.casefold, keys)),
        )

    def records(self, rows: Iterable[Row]) -> Iterator[Record]:
        """Rows as the model needs them, picked at once: a block of whole rows outgrows the caches."""
        places, width = list(self.positions.values()), self.width
        pick = _picker(places)
        blank = ("",) * len(places)
        for row, text in rows:
            if len(row) == width:
                yield pick(row), text, ""
            else:
                yield blank, self._padded(row or [text]), _wrong_width(len(row), width)

    def _padded(self, row: list[str]) -> str:
        """A row of another width, cut or filled so that the added columns stay in line."""
        output = io.StringIO()
        row = row[: self.width] + [""] * (self.width - len(row))
        csv.writer(output, delimiter=self.delimiter).writerow(row)
        return output.getvalue().removesuffix("\r\n")

    def added(self, reasons: int) -> list[str]:
        """The names of the added columns; one that is taken gets a number."""
        ranks = [f"reason_{rank}" for rank in range(1, reasons + 1)]
        names = ["probability", "score", "grade", "converts", *ranks, "warnings", "error"]
        return [_free(name, self.taken) for name in names]


class CsvText:
    """A CSV file: its header, and its rows.

    Raises TableError when the first record is no header the model can use.
    """

    def __init__(self, stream: BinaryIO, dictionary: Dictionary) -> None:
        self._lines = Lines(io.TextIOWrapper(stream, "utf-8", "leadscore.windows", newline=""))
        self.header = self._header(dictionary)

    def rows(self) -> Iterator[Row]:
        """The rows that are not blank."""
        return rows(self._lines, self.header.delimiter)

    def _header(self, dictionary: Dictionary) -> Header:
        first = next(iter(self._lines), "")
        if "\0" in first:
            raise TableError("not a CSV in UTF-8 or Latin-1 (in UTF-16 perhaps): save it as CSV UTF-8")
        line = first.removeprefix(BOM)
        delimiter = max(DELIMITERS, key=lambda mark: _known(line, mark, dictionary))
        self._lines.back.append(line)
        names, text = next(rows(self._lines, delimiter), ([], ""))
        return Header.of(
            names,
            dictionary,
            text=BOM * first.startswith(BOM) + text,
            delimiter=delimiter,
            newline="\r\n" if first.endswith("\r") else "\n",
        )


def rows(lines: "Lines", delimiter: str) -> Iterator[Row]:
    """Each row that is not blank.

    A quote that is never closed, or closed in the middle of a cell, spoils its own line and no other:
    reading goes on with the next line.
    """
    while True:
        for line in lines:
            text = line.rstrip("\r")
            if '"' not in text and "\r" not in text:  # several times as fast as csv.reader
                if text:
                    yield text.split(delimiter), text
                continue
            taken = [line]
            try:
                row = next(csv.reader(lines.noted(taken), delimiter=delimiter, strict=True))
            except csv.Error:
                lines.back.extend(reversed(taken[1:]))
                yield [], text
            else:
                yield row, "\n".join(taken).rstrip("\r")
        if not lines.back:  # some may have been put back when the end was reached
            return


class Lines:
    r"""The lines of a text without their ends, which can be put back: the last of `back` comes next.

    A line ends with "\n", before which a "\r" is left, or with "\r" in a file that has nothing else.
    """

    def __init__(self, stream: io.TextIOBase) -> None:
        self.back: list[str] = []
        self._stream = stream
        self._rest = stream.read(CHUNK)
        self._end = "\r" if "\r" in self._rest and "\n" not in self._rest else "\n"
        self._ready: Iterator[str] = iter(())
        self._ended = False

    def __iter__(self) -> Iterator[str]:
        while True:
            while self.back:
                yield self.back.pop()
            if (line := next(self._ready, None)) is not None:
                yield line
            elif self._ended:
                return
            else:
                self._fill()

    def noted(self, taken: list[str]) -> Iterator[str]:
        """The first of `taken` and the lines after it, added to it, as csv.reader wants them."""
        yield f"{taken[0]}\n"
        for line in self:
            taken.append(line)
            yield f"{line}\n"

    def _fill(self) -> None:
        more = self._stream.read(CHUNK)
        found = (self._rest + more).split(self._end)
        self._ended = not more
        # The last is not complete, unless the text ends here or it is longer than any line should be.
        self._rest = found.pop() if more and len(found[-1]) < LONGEST_LINE else ""
        self._ready = iter(found)


@dataclass(frozen=True)
class Block:
    """Scored records: finished lines, their probabilities (NaN: an error), and what they add up to."""

    lines: list[str]
    probability: NDArray[np.float64]
    totals: Totals


class CsvScorer:
    """Scores records and writes them as lines with the answers appended."""

    def __init__(self, table: TableScorer, header: Header, reasons: int) -> None:
        self._table, self._header = table, header
        self.header = header.delimiter.join([header.text, *header.added(reasons)]) + header.newline

    def blocks(self, rows: Iterable[Row]) -> Iterator[Block]:
        """Score rows, BLOCK at a time."""
        records = self._header.records(rows)
        while block := list(islice(records, BLOCK)):
            yield self._block(block)

    def _block(self, block: list[Record]) -> Block:
        rows, texts, wrong = zip(*block, strict=True)
        columns = zip(*rows, strict=True)
        scored = self._table.score(dict(zip(self._header.positions, columns, strict=True)), len(rows))
        for index, why in enumerate(wrong):
            if why:
                scored.refuse(index, why)
        return Block(self._lines(texts, scored), scored.probability, scored.totals())

    def _lines(self, texts: Sequence[str], scored: Scored) -> list[str]:
        wrong = np.isnan(scored.probability)
        good = not wrong.any()
        cells: list[Sequence[str]] = [
            [f"{p:.{DECIMALS}f}" for p in scored.probability.tolist()],
            list(map(str, scored.score.tolist())),
            scored.grade,
            ["true" if converts else "false" for converts in scored.converts.tolist()],
            *(list(map(_quoted, sentences)) for sentences in scored.reasons),
        ]
        if not good:
            cells = [_blanked(column, wrong) for column in cells]
        cells += [list(map(_quoted, scored.warnings)), list(map(_quoted, scored.errors))]
        join, end = self._header.delimiter.join, self._header.newline
        return [f"{line}{end}" for line in map(join, zip(texts, *cells, strict=True))]


def _known(line: str, delimiter: str, dictionary: Dictionary) -> int:
    """How many columns of the dictionary a header names if it is separated so."""
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return 0
    return sum(name.strip() in dictionary.by_key for name in names)


def _picker(places: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: (row[places[0]],)


def _free(name: str, taken: frozenset[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _quoted(text: str) -> str:
    """A text cell: quoted whatever it holds, but for an empty one."""
    if '"' in text:
        text = text.replace('"', '""')
    return f'"{text}"' if text else ""


def _blanked(column: Sequence[str], wrong: NDArray[np.bool_]) -> list[str]:
    return ["" if bad else cell for cell, bad in zip(column, wrong.tolist(), strict=True)]


def _wrong_width(found: int, expected: int) -> str:
    if not found:
        return "this line is not valid CSV: a quote is not closed, or closed within a cell"
    lost = f"; the last {found - expected} are left out" if found > expected else ""
    return f"got {found} cells, expected {expected}{lost}"
