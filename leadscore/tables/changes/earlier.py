"""The earlier list: what a download says of its leads, and what today's model says of the same cells."""

import contextlib
import csv
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import show
from leadscore.scoring.engine import Engine, Leads
from leadscore.tables.block import Answered, answer
from leadscore.tables.csv_file import CsvFile, Rows, cells_of
from leadscore.tables.mapping import TableError
from leadscore.tables.workbook import Sheets
from leadscore.values import NumberError, number

EARLIER: Final = "the earlier file"
TODAY: Final = "today's file"


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Say which of the two files cannot be read, if it cannot."""
    try:
        yield
    except TableError as error:
        raise type(error)(f"{name}: {error}") from None


def opened(text: BinaryIO, engine: Engine, mapping: Mapping[str, str], name: str) -> CsvFile:
    """One of the two files. The earlier one may have been cut to few columns."""
    cut = name == EARLIER
    with naming(name):
        return CsvFile(text, engine.card.dictionary, None, mapping, some=not cut, cut=cut)


def one_sheet(sheets: Sheets) -> None:
    """TableError for an earlier workbook of several sheets: the leads of the others would look new."""
    if sheets.told:
        raise TableError(f"{sheets.told} Take one sheet with all leads, or a CSV")


class Block(NamedTuple):
    """Leads of a file: their id, text, cells, meanings and answers."""

    ids: list[str]
    texts: list[str]
    cells: list[list[str]]
    leads: Leads
    answered: Answered


def blocks(engine: Engine, file: CsvFile, column: str, most: int | None, name: str) -> Iterator[Block]:
    """The leads of a file, scored. TableError for a file without leads or with more than `most`."""
    reading, count = engine.reading(file.dialect.decimal), 0
    place = file.columns.places[column]
    for records in file.blocks():
        rows = Rows.of(records, file.dialect, file.columns)
        leads = reading.read(rows.columns, len(rows.texts))
        cells = list(cells_of(records, rows, file.dialect, file.columns))
        count += len(cells)
        if most is not None and count > most:
            raise TableError(f"{name} has more than {most:,} leads, which is the most compared here")
        ids = [row[place].strip() for row in cells]
        yield Block(ids, rows.texts, cells, leads, answer(reading, leads, 0, rows.wrong))
    if not count:
        raise TableError(f"{name} holds no leads: there is a header and nothing below it")


class Earlier:
    """The leads of an earlier download by their id. `column`: the one of the dictionary that has it.

    `given`: the probability of each in the download, NaN if it has none, shape (n,). `probability`,
    `contributions`: what today's model says of the same cells, shapes (n,) and (n, features), NaN and
    zeros for what it cannot read. `versions`: the models that the download names. `twice`: ids that
    stand more than once, `unnamed`: how many leads have none.

    TableError for a file that is no download of leads with their probability.
    """

    def __init__(self, engine: Engine, file: CsvFile, column: str, most: int | None) -> None:
        names = [name.strip() for name in file.columns.names]
        given_at, version_at = _last(names, "probability"), _last(names, "model_version")
        if given_at is None:
            raise TableError(
                f"{EARLIER} has no column 'probability': it should be a list that was scored here, with "
                "all of its columns"
            )
        self.names = names
        self.places: dict[str, int] = {}
        self.twice: set[str] = set()
        self.versions: set[str] = set()
        self.unnamed = 0
        self._delimiter, self._texts = file.dialect.delimiter, list[str]()  # cells take several times
        self._meanings: Leads = [[] for _ in engine.features]
        parts: list[tuple[list[float], NDArray[np.float64], NDArray[np.float64]]] = []
        for block in blocks(engine, file, column, most, EARLIER):
            given = [_probability(row[given_at], file.dialect.decimal) for row in block.cells]
            parts.append((given, block.answered.probability, block.answered.scored.contributions))
            for kept, column_of in zip(self._meanings, block.leads, strict=True):
                kept.extend(column_of)
            for place, lead in enumerate(block.ids, len(self._texts)):
                self._note(lead, place)
            self._texts += block.texts
            if version_at is not None:
                self.versions |= {row[version_at].strip() for row in block.cells} - {""}
        for lead in self.twice:
            del self.places[lead]
        self.given = np.concatenate([np.array(given) for given, _, _ in parts])
        self.probability = np.concatenate([probability for _, probability, _ in parts])
        self.contributions = np.concatenate([contributions for _, _, contributions in parts])

    def _note(self, lead: str, place: int) -> None:
        if not lead:
            self.unnamed += 1
        elif self.places.setdefault(lead, place) != place:
            self.twice.add(lead)

    def cells(self, lead: str) -> list[str]:
        """The cells of a lead."""
        text = self._texts[self.places[lead]]
        return next(csv.reader([text], delimiter=self._delimiter), [])

    def subject(self, place: int, feature: int) -> str:
        """The first half of a reason: a column and its value then."""
        return self._meanings[feature][place].subject


def _last(names: list[str], wanted: str) -> int | None:
    """Where a column that was added stands: the last of its name, for a name that is taken gets a
    number.
    """
    pattern = re.compile(rf"{wanted}(_\d+)?", re.IGNORECASE)
    return max((place for place, name in enumerate(names) if pattern.fullmatch(name)), default=None)


def _probability(cell: str, decimal: str) -> float:
    """A probability as a spreadsheet may have written it, NaN for a blank one."""
    if not cell.strip():
        return float("nan")
    try:
        value = number(cell.strip(), decimal, "")
    except NumberError:
        value = -1.0
    if not 0 <= value <= 1:
        raise TableError(
            f"{EARLIER} has {show(cell)} for a probability, expected 0 to 1: take the list as it was "
            "downloaded"
        )
    return value
