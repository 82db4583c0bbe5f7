"""Rows of a report that are no leads: blank ones, totals, and what stands below the last lead."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from leadscore.tables.heading import blank

CsvRecord: TypeAlias = tuple[list[str] | None, str]
"""A record's cells and its text without the line end. None: the text is split at each delimiter; no
cells: it is not valid CSV."""

Kind: TypeAlias = Literal["lead", "total", "footer"]

TOTAL: Final = "this row looks like a total: its first cell says so, and the others hold numbers alone"
MOST_HELD: Final = 100  # records that wait to see whether the file ends

_SAYS_TOTAL: Final = re.compile(
    r"((grand|sub)[\s-]*)?totals?|total\s+general|totale|totaal|sum|somme|suma|summe"
    r"|(gesamt|zwischen)(summe)?",
    re.IGNORECASE,
)
_REMARK: Final = re.compile(r"\s*:?\s*(\([^)]*\))?\s*")  # as in "Grand Totals (3 records)"
_NUMBER: Final = re.compile(r"[^\w\s]{0,3}\s?\d[\d.,'\s]*[^\d\s]{0,3}")  # or an amount

# How no total begins, which tells nearly every row of most files to be a lead.
_HARMLESS: Final = frozenset("0123456789abcdefhijklmnopqruvwxyABCDEFHIJKLMNOPQRUVWXY")


@dataclass
class Furniture:
    """Takes the records of a file that are no leads out of it, and counts them.

    `titles`: lines above the header. `blanks`: rows without a value. `totals` and `footers`: below the
    last lead. `doubtful`: the numbers of records that look like a total and stand between leads, from 0
    on; they are left in.
    """

    delimiter: str
    width: int
    titles: int = 0
    blanks: int = 0
    totals: int = 0
    footers: int = 0
    passed: int = 0
    doubtful: set[int] = field(default_factory=set)

    def without(self, records: Iterable[CsvRecord]) -> Iterator[CsvRecord]:
        """The records that are leads, or may be."""
        delimiter, single = self.delimiter, self.width == 1
        held: list[tuple[CsvRecord, Kind]] = []  # they are no leads, if none follows
        apart = False  # from the last lead, by a blank row or by what is held
        for record in records:
            cells, text = record
            if text[:1] not in _HARMLESS or not (single or delimiter in text):
                if cells != [] and blank(text, delimiter):
                    self.blanks += 1
                    apart = True
                    continue
                kind = "lead" if single else self._kind(record, apart)
                if kind != "lead" and len(held) < MOST_HELD:
                    held.append((record, kind))
                    apart = True
                    continue
            if apart:
                yield from self._kept(held)
                held, apart = [], False
            self.passed += 1
            yield record
        self.totals = sum(kind == "total" for _, kind in held)
        self.footers = len(held) - self.totals

    @property
    def left_out(self) -> str:
        """What was left out, in words; empty if nothing was."""
        counted = (
            (self.titles, "line above the header", "lines above the header"),
            (self.blanks, "blank row", "blank rows"),
            (self.totals, "row of totals", "rows of totals"),
            (self.footers, "line below the leads", "lines below the leads"),
        )
        return ", ".join(f"{n:,} {one if n == 1 else many}" for n, one, many in counted if n)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind were left out."""
        return {
            "titles": self.titles,
            "blanks": self.blanks,
            "totals": self.totals,
            "footers": self.footers,
        }

    def _kept(self, held: Iterable[tuple[CsvRecord, Kind]]) -> Iterator[CsvRecord]:
        for record, kind in held:
            if kind == "total":
                self.doubtful.add(self.passed)
            self.passed += 1
            yield record

    def _kind(self, record: CsvRecord, apart: bool) -> Kind:
        """What a record is, if no lead follows."""
        cells, text = record
        cells = text.split(self.delimiter) if cells is None else cells
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not filled:
            return "lead"  # it is not valid CSV, and gets an error
        first, *others = filled
        said = _SAYS_TOTAL.match(first)
        if said and _REMARK.fullmatch(first, said.end()) and all(map(_NUMBER.fullmatch, others)):
            return "total"
        # A lead of which only the id is known has as many cells as the header, and no sentence in it.
        sentence = " " in first or len(cells) != self.width
        return "footer" if apart and not others and cells[0].strip() and sentence else "lead"
