"""CSV text: any common dialect read in constant memory, and handed back with the answers added.

A record keeps its text as it came; what is added is appended to it.
"""

import codecs
import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Dictionary
from leadscore.serving.csv_scan import LONGEST, Scan, record_ends
from leadscore.serving.table import BLOCK, DECIMALS, Scored, TableError, TableScorer, Totals

DELIMITERS: Final = ",;\t|"
CHUNK: Final = 2**19  # bytes read at once: some thousand leads
BOM: Final = "\ufeff"

Row = tuple[list[str], str]
"""A record's cells and its text without the line end; no cells: the text is not valid CSV."""


@dataclass(frozen=True)
class Records:
    """n records: each one's text with as many cells as the header, and the codes of its cells.

    `codes` of shape (features, n), good until the next are read; `wrong`: by the number of a record,
    what is wrong with it.
    """

    texts: list[str]
    codes: NDArray[np.intp]
    wrong: dict[int, str]


csv.field_size_limit(LONGEST)  # Python's own is an eighth of it


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
            ignored=tuple(key for key in keys if key in known and known[key].refused),
            unknown=tuple(key for key in keys if key not in known),
            absent=tuple(c.title for c in dictionary.features if c.name not in positions),
            taken=frozenset(map(str.casefold, keys)),
        )

    def padded(self, row: list[str]) -> str:
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
    """A CSV file: its header, and its records in pieces of text.

    Raises TableError when the first record is no header the model can use.
    """

    def __init__(self, stream: BinaryIO, dictionary: Dictionary) -> None:
        # Not `read`: it waits for all it is asked for, and hears no Ctrl-C between two parts of it.
        self._read = cast(io.BufferedIOBase, stream).read1
        self._rest, self._ended = b"", False
        self._old = False  # a line ends with "\r", and there is no "\n"
        self.header = self._header(dictionary)

    def pieces(self) -> Iterator[bytes]:
        """The text after the header, cut between records: what `rows` reads of each is what it would
        read of all.
        """
        while True:
            if end := self._end():
                yield self._rest[:end]
                self._rest = self._rest[end:]
            if self._ended:
                return
            self._fill()

    def _header(self, dictionary: Dictionary) -> Header:
        while b"\n" not in self._rest and len(self._rest) < LONGEST and not self._ended:
            self._fill()
        if b"\n" not in self._rest and b"\r" in self._rest:
            self._old, self._rest = True, self._rest.replace(b"\r", b"\n")
        marked = self._rest.startswith(codecs.BOM_UTF8)
        self._rest = self._rest.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
        first = decoded(self._rest.partition(b"\n")[0])
        if "\0" in first:
            raise TableError("not a CSV in UTF-8 or Latin-1 (in UTF-16 perhaps): save it as CSV UTF-8")
        self._delimiter = max(DELIMITERS, key=lambda mark: _known(first, mark, dictionary))
        while not (end := self._end()) and not self._ended:
            self._fill()
        names, text = next(rows(decoded(self._rest[:end]), self._delimiter), ([], ""))
        lines = text.count("\n") + 1
        self._rest = b"".join(self._rest.split(b"\n", lines)[lines:])
        return Header.of(
            names,
            dictionary,
            text=BOM * marked + text,
            delimiter=self._delimiter,
            newline="\r\n" if first.endswith("\r") else "\n",
        )

    def _end(self) -> int:
        """Where the last record ends that is read as a whole; 0 if none is."""
        text, end = self._rest, self._rest.rfind(b"\n") + 1
        if self._ended or (not end and len(text) >= LONGEST):
            return len(text)
        text = text[:end]
        if (ends := record_ends(text, self._delimiter)) is not None:
            return int(ends.max(initial=0))
        lines, ahead = io.BytesIO(text), 0  # see `rows`
        while (quote := text.find(b'"', lines.tell())) >= 0:
            start = lines.seek(text.rfind(b"\n", 0, quote) + 1)
            line = decoded(lines.readline()).rstrip("\r\n")
            if start < ahead or _first([line], self._delimiter)[0]:
                continue
            after = lines.tell()
            lines.seek(start)
            cells, _, too_long = _first(map(decoded, lines), self._delimiter)
            if cells:
                continue
            if lines.tell() == end:
                return start  # it may go on in what is not read yet
            if too_long:
                ahead = lines.tell()
            lines.seek(after)
        return end

    def _fill(self) -> None:
        more = b""
        while len(more) < CHUNK and not self._ended:
            part = self._read(CHUNK - len(more))
            self._ended = not part
            more += part
        self._rest += more.replace(b"\r", b"\n") if self._old else more


def decoded(text: bytes) -> str:
    """Text in UTF-8, with bytes that are not as Windows-1252."""
    return text.decode("utf-8", "leadscore.windows")


def _cell(part: bytes) -> str:
    """The cell that a part of plain text stands for."""
    return decoded(part).replace('""', '"')


def rows(text: str, delimiter: str) -> Iterator[Row]:
    r"""Each row that is not blank. A line ends with "\n", before which there may be a "\r".

    A quote that is never closed, or closed in the middle of a cell, spoils its own line and no other:
    reading goes on with the next line. Where such a record was followed to the end of the text, or to
    LONGEST, no other is followed: reading again from each of its lines would take for ever.
    """
    lines = text.split("\n")
    lines.reverse()
    ahead = len(lines)  # a record of several lines starts only when fewer than these are left
    while lines:
        line = lines.pop()
        text = line.rstrip("\r")
        if '"' not in text and "\r" not in text:  # several times as fast as csv.reader
            if text:
                yield text.split(delimiter), text
            continue
        if cells := _first([text], delimiter)[0]:
            yield cells, text
            continue
        taken = [line]
        if len(lines) < ahead:
            lines.append(line)
            cells, taken, open_to_the_end = _first(_popped(lines), delimiter)
            if open_to_the_end:
                ahead = len(lines)
            if not cells:
                lines.extend(reversed(taken[1:]))
                del taken[1:]
        yield cells, "\n".join(taken).rstrip("\r")


def _first(lines: Iterable[str], delimiter: str) -> tuple[list[str], list[str], bool]:
    """The cells of the record that starts on the first line, the lines read for it, and whether they
    ended before it did.

    No cells: the first line is not valid CSV, or no start of a record of reasonable length.
    """
    taken: list[str] = []
    ended = False

    def fed() -> Iterator[str]:
        nonlocal ended
        length = 0
        for line in lines:
            taken.append(line)
            length += len(line)
            if length > LONGEST:
                break
            yield f"{line}\n"
        ended = True

    try:
        return next(csv.reader(fed(), delimiter=delimiter, strict=True), []), taken, ended
    except csv.Error:
        return [], taken, ended


def _popped(lines: list[str]) -> Iterator[str]:
    while lines:
        yield lines.pop()


@dataclass(frozen=True)
class Block:
    """Scored records: their lines in one text, at which byte of it each ends, their probabilities (NaN:
    an error), and what they add up to.
    """

    text: bytes
    ends: NDArray[np.int64]
    probability: NDArray[np.float64]
    totals: Totals


class CsvScorer:
    """Scores records and writes them as lines with the answers appended."""

    def __init__(self, table: TableScorer, header: Header, reasons: int) -> None:
        self._table, self._header = table, header
        self.header = header.delimiter.join([header.text, *header.added(reasons)]) + header.newline

    def blocks(self, pieces: Iterable[bytes]) -> Iterator[Block]:
        """Score pieces of text, BLOCK records at a time."""
        for records in self.records(pieces):
            yield self._block(records.texts, self._table.answer(records.codes, records.wrong))

    def records(self, pieces: Iterable[bytes]) -> Iterator[Records]:
        """Read pieces of text, BLOCK records at a time."""
        for piece in pieces:
            plain = Scan.of(piece, self._header.delimiter, self._header.width)
            yield from self._plain(plain) if plain else self._any(piece)

    def _plain(self, found: Scan) -> Iterator[Records]:
        text, places, count = found.text.text, self._header.positions, len(found.starts)
        read = decoded(text)
        for some in _blocks(count):
            ends = zip(found.starts[some].tolist(), found.ends[some].tolist(), strict=True)
            if len(read) == len(text):  # each byte is a character
                texts = [read[start:end] for start, end in ends]
            else:
                texts = [decoded(text[start:end]) for start, end in ends]
            cells = {name: found.cells(place, some) for name, place in places.items()}
            yield Records(texts, self._table.encode_text(cells, len(texts), _cell), {})

    def _any(self, piece: bytes) -> Iterator[Records]:
        found, header = rows(decoded(piece), self._header.delimiter), self._header
        while block := list(islice(found, BLOCK)):
            wrong = {
                index: _wrong_width(len(cells), header.width)
                for index, (cells, _) in enumerate(block)
                if len(cells) != header.width
            }
            for index in wrong:
                cells, text = block[index]
                block[index] = [""] * header.width, header.padded(cells or [text])
            columns = list(zip(*(cells for cells, _ in block), strict=True))
            raw = {name: columns[place] for name, place in header.positions.items()}
            yield Records([text for _, text in block], self._table.encode(raw, len(block)), wrong)

    def _block(self, texts: Sequence[str], scored: Scored) -> Block:
        lines, end = self._lines(texts, scored), self._header.newline
        text = end.join(lines) + end
        lengths = map(len, lines if text.isascii() else map(str.encode, lines))
        ends = np.cumsum(np.fromiter(lengths, np.int64, len(lines)) + len(end))
        return Block(text.encode(), ends, scored.probability, scored.totals())

    def _lines(self, texts: Sequence[str], scored: Scored) -> list[str]:
        cells: list[Sequence[str]] = [
            [f"{p:.{DECIMALS}f}" for p in scored.probability.tolist()],
            list(map(str, scored.score.tolist())),
            scored.grade,
            ["true" if converts else "false" for converts in scored.converts.tolist()],
            *([_quoted(text) for text in sentences] for sentences in scored.reasons),
        ]
        if (wrong := np.isnan(scored.probability)).any():
            cells = [_blanked(column, wrong) for column in cells]
        cells += [
            [text and _quoted(text) for text in column] for column in (scored.warnings, scored.errors)
        ]
        return list(map(self._header.delimiter.join, zip(texts, *cells, strict=True)))


def _blocks(count: int) -> Iterator[slice]:
    """Records in blocks of about the same size, for a short one costs nearly what a long one does."""
    if count:
        size = math.ceil(count / math.ceil(count / BLOCK))
        yield from (slice(start, start + size) for start in range(0, count, size))


def _known(line: str, delimiter: str, dictionary: Dictionary) -> int:
    """How many columns of the dictionary a header names if it is separated so."""
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return 0
    return sum(name.strip() in dictionary.by_key for name in names)


def _free(name: str, taken: frozenset[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _quoted(text: str) -> str:
    """A text cell, quoted whatever it holds."""
    if '"' in text:
        text = text.replace('"', '""')
    return f'"{text}"'


def _blanked(column: Sequence[str], wrong: NDArray[np.bool_]) -> list[str]:
    return ["" if bad else cell for cell, bad in zip(column, wrong.tolist(), strict=True)]


def _wrong_width(found: int, expected: int) -> str:
    if not found:
        return "this line is not valid CSV: a quote is not closed, or closed within a cell"
    lost = f"; the last {found - expected} are left out" if found > expected else ""
    return f"got {found} cells, expected {expected}{lost}"
