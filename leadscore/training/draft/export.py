"""A file of leads with no dictionary yet -> its header and its cells."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from leadscore.columns import Column
from leadscore.dictionary import Dictionary
from leadscore.names import fold, nearest
from leadscore.tables import contents
from leadscore.tables.csv_file import CsvFile, Rows
from leadscore.tables.heading import DELIMITERS
from leadscore.tables.mapping import TableError
from leadscore.training.cells import DataError
from leadscore.values import decimal_mark

FEWEST: Final = 100  # leads, for figures that mean anything
LINE: Final = 2**16  # bytes of the first line that are looked at for names


@dataclass(frozen=True)
class Export:
    """The cells of a file by header, trimmed, in the order of its rows. `decimal`: the mark of its
    numbers, see `values.number`. `left_out`: rows that are no leads, in words.
    """

    columns: dict[str, list[str]]
    decimal: str
    left_out: str

    def find(self, name: str, option: str) -> str:
        """The header that is meant by a name, in any spelling; DataError names the option."""
        for header in self.columns:
            if fold(header) == fold(name):
                return header
        raise _no_such(name, option, list(self.columns))


def read(path: Path, target: str, sheet: str | None = None) -> Export:
    """Read a file as it is read to be scored; the header is the line that has the target.
    `sheet`: of a workbook, if it is not the first visible one with cells.

    Raises DataError for a file that is no table, has two columns of one name, rows of another length,
    or hardly any leads.
    """
    try:
        with path.open("rb") as stream, contents.text(stream, sheet) as text:
            try:
                file = CsvFile(text, _dictionary(target))
            except TableError as error:
                text.seek(0)
                names = _names(text.readline(LINE).decode(errors="replace"))
                if any(fold(name) == fold(target) for name in names):
                    raise
                raise _no_such(target, "--target", names) from error
            columns = _cells(file)
    except (TableError, DataError) as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    mark = decimal_mark(columns.values(), file.dialect.delimiter)
    return Export(columns, mark, file.furniture.left_out)


def _cells(file: CsvFile) -> dict[str, list[str]]:
    """The cells by header; columns without a name are left out."""
    header = [name.strip() for name in file.columns.names]
    taken: dict[str, str] = {}
    for name in filter(fold, header):
        if fold(name) in taken:
            raise DataError(f"the columns {taken[fold(name)]!r} and {name!r} have one name, rename one")
        taken[fold(name)] = name
    every = {name: place for place, name in enumerate(header) if fold(name)}
    columns = replace(file.columns, positions=every)
    cells: dict[str, list[str]] = {name: [] for name in every}
    leads = 0
    for records in file.blocks():
        rows = Rows.of(records, file.dialect, columns)
        if rows.wrong:
            number = min(rows.wrong)
            raise DataError(f"row {leads + number + 2}: {rows.wrong[number]}")
        for name, found in rows.columns.items():
            cells[name] += map(str.strip, found)
        leads += len(rows.texts)
    if leads < FEWEST:
        raise DataError(f"{leads} leads, expected at least {FEWEST}")
    return cells


def _names(line: str) -> list[str]:
    delimiter = max(DELIMITERS, key=line.count)
    return [name.strip().strip('"') for name in line.split(delimiter)]


def _no_such(name: str, option: str, names: list[str]) -> DataError:
    near = nearest(name, names)
    hint = f"did you mean {near!r}? " if near else ""
    return DataError(f"{option} {name!r}: no such column; {hint}There are {', '.join(names)}")


def _dictionary(target: str) -> Dictionary:
    """A dictionary by which a header that has the target is found."""
    columns = (
        Column("target", target, "feature", "category", "capture"),
        Column("none", "\0", "target", "category", "capture"),
    )
    return Dictionary(columns)
