"""A CSV of historical leads -> its cells by header, or one clear error."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

from leadscore.columns import Dictionary, show
from leadscore.training.errors import TrainingError

Cells: TypeAlias = dict[str, Sequence[str]]
"""CSV header -> its cells as text, in the order of the rows."""


class DataError(TrainingError):
    """The CSV cannot be trained on; the message names column, row and value where there is one."""


def content(path: Path) -> bytes:
    """The bytes of a file; DataError names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def cells(content: bytes, dictionary: Dictionary) -> Cells:
    """The cells of a CSV, every row as long as the header, which is the dictionary's in any order.

    Raises DataError for what is no such table: empty, another encoding or separator, missing or extra
    columns, a row of another length.
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


def _by_header(text: str, dictionary: Dictionary) -> Cells:
    """Cells by header, every row as long as the header."""
    rows = _rows(text.rstrip("\r\n"))
    header = next(rows)
    _check_header(header, dictionary)
    body = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            _refuse_row(number, row, header)
        body.append(row)
    if not body:
        raise DataError("the file has a header but no leads")
    return dict(zip(header, zip(*body, strict=True), strict=True))


def _rows(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"line {reader.line_num}: {error}") from None


def _check_header(header: list[str], dictionary: Dictionary) -> None:
    sources = [column.source for column in dictionary.columns]
    missing = [source for source in sources if source not in header]
    extra = [name for name in header if name not in sources]
    if missing == sources and len(header) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            if separator in header[0]:
                raise DataError(f"the columns are separated by {name}, expected commas")
    if repeated := [name for name, times in Counter(header).items() if times > 1]:
        raise DataError(f"column {repeated[0]!r} stands in the header twice")
    if not missing and extra == [""]:
        raise DataError(
            f"column {header.index('') + 1} has no header: this looks like the Kaggle copy with a "
            f"trailing empty column; remove it, expected {len(sources)} columns"
        )
    if missing and extra:
        pairs = ((old, new) for old in missing for new in extra if _fold(new) in _fold(old))
        hint = "".join(f"; {new!r} looks like a renamed {old!r}" for old, new in pairs)
        raise DataError(f"missing columns {missing}, unexpected columns {extra}{hint}")
    if missing or extra:
        what = f"missing columns {missing}" if missing else f"unexpected columns {extra}"
        raise DataError(f"{what}, expected the {len(sources)} columns of the data dictionary")


def _fold(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _refuse_row(number: int, row: list[str], header: list[str]) -> NoReturn:
    if len(row) == 1 and row[0].count(",") >= len(header) - 1:
        raise DataError(
            f"row {number}: the whole row stands in one pair of quotes; this looks like the Kaggle copy "
            "in which 338 rows are quoted twice"
        )
    raise DataError(f"row {number} has {len(row)} cells, expected {len(header)}: {show(','.join(row))}")
