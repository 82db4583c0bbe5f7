"""A file of leads with no dictionary yet -> its header and its cells."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leadscore.columns import Column, show
from leadscore.dictionary import Dictionary
from leadscore.names import fold, nearest
from leadscore.tables.furniture import Furniture
from leadscore.tables.heading import heading
from leadscore.training.cells import DataError, content

FEWEST: Final = 100  # leads, for figures that mean anything


@dataclass(frozen=True)
class Export:
    """The cells of a file by header, trimmed, in the order of its rows. `left_out`: rows that are no
    leads and columns without a name, in words.
    """

    path: Path
    columns: dict[str, list[str]]
    left_out: str

    def find(self, name: str, option: str) -> str:
        """The header that is meant by a name, in any spelling; DataError names the option."""
        for header in self.columns:
            if fold(header) == fold(name):
                return header
        near = nearest(name, self.columns)
        hint = f"did you mean {near!r}? " if near else ""
        raise DataError(f"{option} {name!r}: no such column; {hint}There are {', '.join(self.columns)}")


def read(path: Path, target: str) -> Export:
    """Read a CSV; the header is the line that has the target.

    Raises DataError for a file that is no table, has two columns of one name, rows of another length,
    or hardly any leads.
    """
    text = content(path).decode("utf-8-sig", errors="replace")
    found = heading(iter(text.split("\n")), _dictionary(target))
    from leadscore.tables.csv_file import records  # noqa: PLC0415

    rows = records(found.lines, found.delimiter)
    first, line = next(rows, (None, ""))
    header = [name.strip() for name in (line.split(found.delimiter) if first is None else first)]
    furniture = Furniture(found.delimiter, len(header), found.titles)
    cells: list[list[str]] = [[] for _ in header]
    for number, (parsed, row) in enumerate(furniture.without(rows), start=1):
        values = row.split(found.delimiter) if parsed is None else parsed
        if len(values) != len(header):
            raise DataError(
                f"{path}: lead {number} has {len(values)} cells, expected {len(header)}: {show(row)}"
            )
        for column, value in zip(cells, values, strict=True):
            column.append(value.strip())
    if furniture.passed < FEWEST:
        raise DataError(f"{path}: {furniture.passed} leads, expected at least {FEWEST}")
    return Export(path, _by_name(header, cells, path), furniture.left_out)


def _by_name(header: list[str], cells: list[list[str]], path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    for name, column in zip(header, cells, strict=True):
        if not fold(name):
            continue
        if (other := taken.setdefault(fold(name), name)) is not name:
            raise DataError(f"{path}: the columns {other!r} and {name!r} have one name, rename one")
        found[name] = column
    return found


def _dictionary(target: str) -> Dictionary:
    """A dictionary that knows the target alone."""
    columns = (
        Column("target", target, "target", "category", "capture", ""),
        Column("feature", "\0feature", "feature", "category", "capture", ""),
        Column("clock", "\0clock", "id", "category", "capture", "", clock=True),
    )
    return Dictionary(columns)
