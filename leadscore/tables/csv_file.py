"""CSV files: any common dialect, read in constant memory."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, Final, Self

from leadscore.dictionary import Dictionary
from leadscore.names import fold
from leadscore.tables.block import BLOCK
from leadscore.tables.encoding import decoded
from leadscore.tables.furniture import TOTAL, CsvRecord, Furniture
from leadscore.tables.heading import heading
from leadscore.tables.mapping import UNMAPPED, ColumnMap, TableError
from leadscore.values import decimal_mark

CHUNK: Final = 2**18  # bytes read at once
LONGEST_RECORD: Final = 2**20  # characters
SPLIT: Final = 100  # records whose cells are in one list at a time, few enough for the caches
MOST_COLUMNS: Final = 2_000  # a short row is filled to as many cells

csv.field_size_limit(LONGEST_RECORD)  # Python's own is an eighth of it


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `marked`: with a byte order mark. `header`: its first record's text, the
    mark apart. `decimal`: as in `values.number`.
    """

    marked: bool
    header: str
    delimiter: str
    newline: str
    decimal: str


@dataclass(frozen=True)
class Records:
    """n records as they stand in the file: the text of each, and by number the cells of those that are
    not simply split at each delimiter. Whoever scores them splits the others. `refused`: by number, why
    a record is no lead.
    """

    texts: list[str]
    parsed: dict[int, list[str]]
    refused: dict[int, str]


@dataclass(frozen=True)
class Rows:
    """n records: the text of each, the raw cells of each feature, and by number what is wrong."""

    texts: list[str]
    columns: dict[str, list[str]]
    wrong: dict[int, str]

    @classmethod
    def of(cls, records: Records, dialect: Dialect, columns: ColumnMap) -> Self:
        """The rows of some records of a file."""
        texts, parsed = records.texts.copy(), records.parsed
        delimiter, width = dialect.delimiter, columns.width
        blank = delimiter * (width - 1)
        simple = [blank if number in parsed else text for number, text in enumerate(texts)]
        widths = [text.count(delimiter) + 1 for text in simple]
        for number, cells in parsed.items():
            widths[number] = len(cells)
        wrong = {n: _wrong_width(found, width) for n, found in enumerate(widths) if found != width}
        for number in wrong:
            cells = parsed.get(number, texts[number].split(delimiter)) or [texts[number]]
            simple[number], texts[number] = blank, _fitted(cells, width, delimiter)
        cells_of: dict[str, list[str]] = {name: [] for name in columns.positions}
        for start in range(0, len(simple), SPLIT):
            # The cells of these records in one list, in which each column is every width-th.
            flat = delimiter.join(simple[start : start + SPLIT]).split(delimiter)
            for name, place in columns.positions.items():
                cells_of[name] += flat[place::width]
        for number in parsed.keys() - wrong.keys():
            for name, place in columns.positions.items():
                cells_of[name][number] = parsed[number][place]
        return cls(texts, cells_of, records.refused | wrong)


def cells_of(records: Records, rows: Rows, dialect: Dialect, columns: ColumnMap) -> Iterator[list[str]]:
    """The cells of each of some records, as many as the header has."""
    for number, text in enumerate(records.texts):
        cells = records.parsed.get(number) or text.split(dialect.delimiter)
        yield cells if number not in rows.wrong else (cells + [""] * columns.width)[: columns.width]


class CsvFile:
    """A CSV file that is being read: its dialect, its columns, and its records in blocks.

    `decimal`: the decimal mark of its numbers; if none is given, the one that the first BLOCK records
    show. `mapping` and `some`: see `ColumnMap.of`. `cut`: to some of its columns, so that what it lacks
    of the mapping is passed over. Raises TableError when there is no header the model can use.
    """

    def __init__(
        self,
        stream: BinaryIO,
        dictionary: Dictionary,
        decimal: str | None = None,
        mapping: Mapping[str, str] = UNMAPPED,
        some: bool = True,
        cut: bool = False,
    ) -> None:
        found = heading(_lines(stream), dictionary, mapping)
        first, lines = next(found.lines, ""), found.lines
        if "\0" in first:
            raise TableError("not a CSV: it holds bytes that no text has")
        self._records = records(_chained(first, lines), found.delimiter)
        names, text = next(self._records, ([], ""))
        names = text.split(found.delimiter) if names is None else names
        if len(names) > MOST_COLUMNS:
            raise TableError(f"the header has {len(names):,} columns, at most {MOST_COLUMNS:,} are read")
        if cut:
            present = set(map(fold, names))
            mapping = {header: column for header, column in mapping.items() if fold(header) in present}
        self.columns = ColumnMap.of(names, dictionary, mapping, some)
        newline = "\r\n" if first.endswith("\r") else "\n"
        self.furniture = Furniture(found.delimiter, len(names), found.titles)
        self._leads = self.furniture.without(self._records)
        self._begin = list(islice(self._leads, BLOCK))
        numbers = [c.name for c in dictionary.features if c.kind == "number"]
        places = [self.columns.positions[name] for name in numbers if name in self.columns.positions]
        decimal = decimal or _decimal(self._begin, found.delimiter, places)
        self.dialect = Dialect(found.marked, text, found.delimiter, newline, decimal)

    def blocks(self) -> Iterator[Records]:
        """The leads below the header, BLOCK at a time. `furniture` counts the rows that are none."""
        leads, doubtful = chain(self._begin, self._leads), self.furniture.doubtful
        start = 0
        while block := list(islice(leads, BLOCK)):
            parsed = {number: cells for number, (cells, _) in enumerate(block) if cells is not None}
            refused = {number - start: TOTAL for number in doubtful}
            yield Records([text for _, text in block], parsed, refused)
            doubtful.clear()
            start += len(block)


def _decimal(records: Sequence[CsvRecord], delimiter: str, places: Sequence[int]) -> str:
    """The decimal mark that records show in some of their columns, or their delimiter does."""
    quoted = (cell for cells, _ in records for cell in cells or ())
    if delimiter == "," and not any("," in cell for cell in quoted):
        return "."
    rows = [text.split(delimiter) if cells is None else cells for cells, text in records]
    return decimal_mark(([row[p] for row in rows if p < len(row)] for p in places), delimiter)


def _fitted(row: list[str], width: int, delimiter: str) -> str:
    """A row of another width, cut or filled so that the added columns stay in line."""
    output = io.StringIO()
    csv.writer(output, delimiter=delimiter).writerow(row[:width] + [""] * (width - len(row)))
    return output.getvalue().removesuffix("\r\n")


def _lines(stream: BinaryIO) -> Iterator[str]:
    r"""The lines of a text without their "\n"; in a file from an old Mac, which has none, without "\r".

    A line longer than any record may be is cut, wherever the parts end in which it is read: whoever
    reads an answer would stumble over a longer cell.
    """
    parts = decoded(stream, CHUNK)
    end, rest, ended = "\n", "", False
    started = False
    while not ended:
        part = next(parts, None)
        ended = part is None
        rest += part or ""
        if not started:
            if "\n" not in rest and len(rest) < LONGEST_RECORD and not ended:
                continue
            started = True
            if "\n" not in rest and "\r" in rest:
                end = "\r"
        lines = rest.split(end)
        if len(rest) > LONGEST_RECORD:
            lines = [piece for line in lines for piece in _pieces(line)]
        *lines, rest = lines
        yield from lines
    if rest:
        yield rest


def _pieces(line: str) -> list[str]:
    starts = range(0, len(line), LONGEST_RECORD)
    return [line[start : start + LONGEST_RECORD] for start in starts] or [line]


def records(lines: Iterator[str], delimiter: str) -> Iterator[CsvRecord]:
    r"""Each record, from lines without their "\n", which may end with "\r".

    A quote that is never closed, or closed in the middle of a cell, spoils its own line and no other:
    reading goes on with the next one. Of the lines such a record was followed over, none but the last
    starts a record of several lines: it would break at the same place. So no line is looked at more
    than three times: alone, as the start of a record, and as a part of one.
    """
    held: deque[str] = deque()  # lines that were looked at, and belong to later records
    behind = 0  # how many of them come after those that start no record of several lines
    while (line := held.popleft() if held else next(lines, None)) is not None:
        text = line.rstrip("\r")
        if '"' not in text and "\r" not in text:  # several times as fast as csv.reader
            yield None, text
            continue
        if cells := _parsed(iter([text]), delimiter):
            yield cells, text
            continue
        if len(held) <= behind:
            further: list[str] = []
            if cells := _parsed(_record_lines(line, held, lines, further), delimiter):
                yield cells, "\n".join([line, *further]).rstrip("\r")
                continue
            behind = len(held)
            held.extendleft(reversed(further))
        yield [], text


def _record_lines(
    line: str, held: deque[str], lines: Iterator[str], further: list[str]
) -> Iterator[str]:
    """A line and as many of those after it as are asked for, which go to `further`; to a limit."""
    length = 0
    while length <= LONGEST_RECORD:
        yield f"{line}\n"
        following = held.popleft() if held else next(lines, None)
        if following is None:
            return
        line = following
        further.append(line)
        length += len(line)


def _parsed(lines: Iterator[str], delimiter: str) -> list[str]:
    """The cells of the record that starts on the first line; none if it is not valid CSV."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _wrong_width(found: int, expected: int) -> str:
    if not found:
        return "this line is not valid CSV: a quote is not closed, or closed within a cell"
    lost = f"; the last {found - expected} are left out" if found > expected else ""
    return f"got {found} cells, expected {expected}{lost}"
