"""A CSV of historical leads -> its cells by column, or one clear error."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeAlias

from leadscore.columns import show
from leadscore.dictionary import Dictionary
from leadscore.matching import Matched, match
from leadscore.training.errors import TrainingError

Cells: TypeAlias = Mapping[str, Sequence[str]]
"""A column's name -> its cells as text, in the order of the rows."""


@dataclass(frozen=True)
class Table:
    """The columns of a CSV. `unlisted`: headers that the dictionary does not list."""

    cells: Cells
    unlisted: list[str]


class DataError(TrainingError):
    """The CSV cannot be trained on; the message names column, row and value where there is one."""


def content(path: Path) -> bytes:
    """The bytes of a file; DataError names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def table(content: bytes, dictionary: Dictionary) -> Table:
    """The columns of a CSV that a dictionary lists.

    Raises DataError for what is no such table: empty, another encoding or separator, missing columns, a
    row of another length.
    """
    return _by_header(_text(content), dictionary)


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        guess = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "Latin-1 or Windows-1252"
        raise DataError(
            f"row {row}: byte 0x{content[error.start]:02x} is not UTF-8; the file looks like {guess}, "
            "save it as UTF-8"
        ) from None
    if not text.strip():
        raise DataError("the file is empty")
    return text


def _by_header(text: str, dictionary: Dictionary) -> Table:
    """Cells by column, every row as long as the header."""
    rows = _rows(text.rstrip("\r\n"))
    header = next(rows)
    found = _matched(header, dictionary)
    body = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            _refuse_row(number, row, header)
        body.append(row)
    if not body:
        raise DataError("the file has a header but no leads")
    columns = list(zip(*body, strict=True))
    cells = {name: columns[place] for name, place in found.places.items()}
    return Table(cells, [name for name in found.unknown if name])


def _rows(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"line {reader.line_num}: {error}") from None


def _matched(header: list[str], dictionary: Dictionary) -> Matched:
    """The columns of a header, which has all that training reads."""
    found = match(header, dictionary)
    needed = [
        column
        for column in (
            *dictionary.features,
            *dictionary.wholes,
            dictionary.target,
            *dictionary.needed_ids,
        )
        if column.name not in found.places
    ]
    if len(needed) > 1 and len(header) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            if separator in header[0]:
                raise DataError(f"the columns are separated by {name}, expected commas")
    if found.errors:
        raise DataError(found.errors[0])
    if needed:
        hint = "".join(
            f"; did you mean {source!r} by {name!r}?" for name, source in found.suggestions.items()
        )
        raise DataError(f"missing columns {[c.source for c in needed]}{hint}")
    return found


def _refuse_row(number: int, row: list[str], header: list[str]) -> NoReturn:
    if len(row) == 1 and row[0].count(",") >= len(header) - 1:
        raise DataError(
            f"row {number}: the whole row stands in one pair of quotes; this looks like the Kaggle copy "
            "in which 338 rows are quoted twice"
        )
    raise DataError(f"row {number} has {len(row)} cells, expected {len(header)}: {show(','.join(row))}")
