"""CSV text: any common dialect read in constant memory, and handed back with the answers added.

A record keeps its text as it came; what is added is appended to it.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Dictionary
from leadscore.serving.table import BLOCK, Scored, TableError, TableScorer, Totals

DELIMITERS: Final = ",;\t|"
LONGEST_LINE: Final = 2**20  # characters; a longer line is read in pieces, each of which is an error
BOM: Final = "\ufeff"

Record = tuple[list[str], str]
"""A record's cells and its text without the line end; no cells: the text is not valid CSV."""


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
    `unknown`: columns it has never heard of. `absent`: features without a column.
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

    def added(self, reasons: int) -> list[str]:
        """The names of the added columns; one that is taken gets a number."""
        ranks = [f"reason_{rank}" for rank in range(1, reasons + 1)]
        names = ["probability", "score", "grade", "converts", *ranks, "warnings", "error"]
        return [_free(name, self.taken) for name in names]


class CsvText:
    """A CSV file: its header, and its records in blocks.

    Raises TableError when the first record is no header the model can use.
    """

    def __init__(self, stream: BinaryIO, dictionary: Dictionary) -> None:
        self._lines = Lines(io.TextIOWrapper(stream, "utf-8", "leadscore.windows", newline=""))
        self.header = self._header(dictionary)

    def blocks(self) -> Iterator[list[Record]]:
        """The records that are not blank, up to BLOCK at a time."""
        found = records(self._lines, self.header.delimiter)
        while block := list(islice(found, BLOCK)):
            yield block

    def _header(self, dictionary: Dictionary) -> Header:
        first = next(self._lines, "")
        if "\0" in first:
            raise TableError("not a CSV in UTF-8 or Latin-1 (in UTF-16 perhaps): save it as CSV UTF-8")
        known = dictionary.by_key
        delimiter = max(DELIMITERS, key=lambda mark: sum(name in known for name in _names(first, mark)))
        self._lines.back.append(first.removeprefix(BOM))
        names, text = next(records(self._lines, delimiter), ([], ""))
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
        return Header(
            text=BOM * first.startswith(BOM) + text,
            delimiter=delimiter,
            newline="\r\n" if first.endswith("\r\n") else "\n",
            width=len(keys),
            positions=positions,
            ignored=tuple(key for key in keys if key in known and known[key].role == "excluded"),
            unknown=tuple(key for key in keys if key not in known),
            absent=tuple(c.title for c in dictionary.features if c.name not in positions),
            taken=frozenset(keys),
        )


def records(lines: "Lines", delimiter: str) -> Iterator[Record]:
    """Each record that is not blank.

    A quote that is never closed, or closed in the middle of a cell, spoils its own line and no other:
    reading goes on with the next line.
    """
    for line in lines:
        if '"' not in line:  # several times as fast as csv.reader
            if text := line.rstrip("\r\n"):
                yield text.split(delimiter), text
            continue
        lines.back.append(line)
        taken: list[str] = []
        try:
            row = next(csv.reader(lines.noted(taken), delimiter=delimiter, strict=True))
        except csv.Error:
            lines.back.extend(reversed(taken[1:]))
            yield [], line.rstrip("\r\n")
        else:
            yield row, "".join(taken).rstrip("\r\n")


class Lines:
    """The lines of a text, which can be put back: the last of `back` comes next."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self.back: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.back.pop() if self.back else self._stream.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        return line

    def noted(self, taken: list[str]) -> Iterator[str]:
        """The next lines, each noted as it is taken."""
        for line in self:
            taken.append(line)
            yield line


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
        # Always a tuple, one cell for each feature that has a column.
        places = list(header.positions.values())
        self._pick = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
        self.header = header.delimiter.join([header.text, *header.added(reasons)]) + header.newline

    def score(self, block: Sequence[Record]) -> Block:
        """Score up to BLOCK records."""
        header = self._header
        strange = [index for index, (row, _) in enumerate(block) if len(row) != header.width]
        rows = [row for row, _ in block]
        texts = [text for _, text in block]
        for index in strange:
            row, text = block[index]
            texts[index] = self._padded(row or [text])
            rows[index] = [""] * header.width
        columns = zip(*map(self._pick, rows), strict=True)
        scored = self._table.score(dict(zip(header.positions, columns, strict=True)), len(rows))
        for index in strange:
            scored.refuse(index, _wrong_width(len(block[index][0]), header.width))
        return Block(self._lines(texts, scored), scored.probability, scored.totals())

    def _lines(self, texts: list[str], scored: Scored) -> list[str]:
        wrong = np.isnan(scored.probability)
        good = not wrong.any()
        cells: list[Sequence[str]] = [
            [f"{p:.6f}" for p in scored.probability.tolist()],
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

    def _padded(self, row: list[str]) -> str:
        """A row of another width, cut or filled so that the added columns stay in line."""
        width = self._header.width
        output = io.StringIO()
        row = row[:width] + [""] * (width - len(row))
        csv.writer(output, delimiter=self._header.delimiter, lineterminator="").writerow(row)
        return output.getvalue()


def _names(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


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
