"""A file of historical leads -> its cells by column, read as scoring reads it, or one clear error."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from leadscore.dictionary import Dictionary
from leadscore.matching import match
from leadscore.tables import contents
from leadscore.tables.csv_file import CsvFile, Rows
from leadscore.tables.mapping import TableError
from leadscore.tables.workbook import Sheets
from leadscore.training.errors import TrainingError

Cells: TypeAlias = Mapping[str, Sequence[str]]
"""A column's name -> its cells as text, in the order of the rows."""


@dataclass(frozen=True)
class Table:
    """The columns of a file. `decimal`: as in `values.number`. `unlisted`: headers that the dictionary
    does not list. `left_out`: rows that are no leads, in words.
    """

    cells: Cells
    decimal: str
    unlisted: list[str]
    left_out: str


class DataError(TrainingError):
    """The file cannot be trained on; the message names column, row and value where there is one."""


def content(path: Path) -> bytes:
    """The bytes of a file; DataError names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def table(
    content: bytes, dictionary: Dictionary, decimal: str | None = None, sheet: str | None = None
) -> Table:
    """The columns of a file that a dictionary lists. `decimal`: the mark of a CSV's numbers, if its
    cells are not to show it. `sheet`: of a workbook, if it is not the first visible one with cells.

    Raises DataError for what is no such table: empty, no CSV or workbook, missing columns, a row of
    another length.
    """
    if not content.strip():
        raise DataError("the file is empty")
    sheets: list[Sheets] = []
    try:
        with contents.text(io.BytesIO(content), sheet, note=sheets.append) as stream:
            return _read(CsvFile(stream, dictionary, decimal), dictionary)
    except (TableError, DataError) as error:
        told = [f". {found.told} --sheet names another" for found in sheets if found.told]
        raise DataError(f"{error}{''.join(told)}") from None


def _read(file: CsvFile, dictionary: Dictionary) -> Table:
    unlisted = _unlisted(file.columns.names, dictionary)
    columns = replace(file.columns, positions=file.columns.places)
    cells: dict[str, list[str]] = {name: [] for name in columns.positions}
    texts: dict[str, str] = {}  # each once, however many cells have it
    leads = 0
    for records in file.blocks():
        rows = Rows.of(records, file.dialect, columns)
        if rows.wrong:
            number = min(rows.wrong)
            quoted = _quoted_twice(records.parsed.get(number, []), file.dialect.delimiter)
            raise DataError(f"row {leads + number + 2}: {rows.wrong[number]}{quoted}")
        for name, found in rows.columns.items():
            cells[name] += map(texts.setdefault, found, found)
        leads += len(rows.texts)
    if not leads:
        raise DataError("the file has a header but no leads")
    return Table(cells, file.dialect.decimal, unlisted, file.furniture.left_out)


def _quoted_twice(cells: Sequence[str], delimiter: str) -> str:
    """A hint for the Kaggle copy in which 338 rows are a cell each."""
    twice = len(cells) == 1 and delimiter in cells[0]
    return "; the whole row stands in one pair of quotes, take them away" if twice else ""


def _unlisted(header: Sequence[str], dictionary: Dictionary) -> list[str]:
    """The headers that are not listed; DataError if one is missing that training reads."""
    found = match(header, dictionary)
    read = (*dictionary.features, *dictionary.wholes, dictionary.target, *dictionary.needed_ids)
    if missing := [column.source for column in read if column.name not in found.places]:
        hint = "".join(
            f"; did you mean {source!r} by {name!r}?" for name, source in found.suggestions.items()
        )
        raise DataError(f"missing columns {missing}{hint}")
    return [name for name in found.unknown if name]
