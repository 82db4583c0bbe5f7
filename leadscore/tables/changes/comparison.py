"""Two lists compared: which leads are new, have risen, have fallen or are gone, and what moved them."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Column, show
from leadscore.scoring.engine import Engine
from leadscore.scoring.reasons import A_POINT
from leadscore.tables import coverage
from leadscore.tables.changes.earlier import EARLIER, TODAY, Block, Earlier, blocks
from leadscore.tables.changes.moves import Moves
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.mapping import TableError

A_MOVE: Final = 5
"""Points by which a lead has risen or fallen, if its grade has not changed."""

UNCHANGED: Final = "unchanged"
KINDS: Final = ("new", "risen", "fallen", "gone", UNCHANGED)


class Change(NamedTuple):
    """What became of one lead: one of KINDS, then and now. `reasons`: what moved it, the most first."""

    id: str
    change: str
    score_before: int | None = None
    grade_before: str | None = None
    score: int | None = None
    grade: str | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Two lists compared. `id`: the header of the column that names the leads in today's file.

    `notes`: what to know first, such as that another model scored the earlier list. `counts`: how many
    leads there are of each of KINDS; `changes`: those that have changed. `names`: the columns of the
    earlier file; `gone`: the cells of leads that are, by their id.
    """

    id: str
    notes: list[str]
    counts: dict[str, int]
    changes: list[Change]
    names: list[str]
    gone: dict[str, list[str]]

    def lines(self) -> Iterator[bytes]:
        """JSON, a line each: what to know first, then each lead that changed; gone ones with cells."""
        head = {"id": self.id, "points": A_MOVE, "notes": self.notes, "counts": self.counts}
        yield _line({**head, "columns": self.names})
        for change in self.changes:
            line = {key: value for key, value in change._asdict().items() if value not in (None, ())}
            yield _line(line | ({"cells": self.gone[change.id]} if change.change == "gone" else {}))


def compare(engine: Engine, before: CsvFile, after: CsvFile, most: int | None = None) -> Comparison:
    """Compare an earlier download with today's file. `most`: leads of a file.

    What a lead scored then stands in the download; today's model scores it now, and its grades hold for
    both. TableError if the two cannot be compared.
    """
    column = _id(engine, before, after)
    earlier = Earlier(engine, before, column.name, most)
    comparing = _Comparing(engine, earlier, told=_alike(engine, before, after))
    for block in blocks(engine, after, column.name, most, TODAY):
        comparing.add(block)
    if not comparing.shared:
        raise TableError(
            f"no lead of {EARLIER} is in {TODAY} by {show(column.source)}: are these the right files?"
        )
    every = comparing.changes()
    counts = Counter(change.change for change in every)
    return Comparison(
        id=after.columns.names[after.columns.places[column.name]].strip(),
        notes=[*comparing.notes_on_models(), *comparing.notes()],
        counts={kind: counts[kind] for kind in KINDS},
        changes=[change for change in every if change.change != UNCHANGED],
        names=earlier.names,
        gone={c.id: earlier.cells(c.id) for c in every if c.change == "gone"},
    )


def _id(engine: Engine, before: CsvFile, after: CsvFile) -> Column:
    """The column that names the leads of both files: one that every lead has, if there is one."""
    ids = sorted(engine.card.dictionary.ids, key=lambda column: not column.key)
    for column in ids:
        if column.name in before.columns.places and column.name in after.columns.places:
            return column
    expected = (
        " or ".join(show(column.source) for column in ids) or "one that the dictionary calls an id"
    )
    for name, file in ((EARLIER, before), (TODAY, after)):
        if not any(column.name in file.columns.places for column in ids):
            raise TableError(f"{name} has no column that names its leads, expected {expected}")
    raise TableError(f"the files name their leads by different columns, expected {expected} in both")


def _alike(engine: Engine, before: CsvFile, after: CsvFile) -> bool:
    """Whether both files have the same of what the model goes by, or nearly so: then their cells tell
    what has moved a lead.
    """
    lacking, lacking_now = ({c.name for c in file.columns.missing} for file in (before, after))
    return coverage.share(lacking ^ lacking_now, engine.card) <= coverage.MOST_ABSENT


class _Comparing:
    """Takes the leads of today, block by block. `told`: whether cells tell what has moved a lead."""

    def __init__(self, engine: Engine, earlier: Earlier, told: bool) -> None:
        self._engine, self._earlier, self._told = engine, earlier, told
        self._moves = Moves(engine, earlier)
        self._found: dict[str, Change | None] = {}  # None: not compared
        self._twice: set[str] = set()
        self._unnamed = self._unread = 0
        self._rescored = self._otherwise = 0  # leads whose old cells have a score, and another one

    @property
    def shared(self) -> bool:
        """Whether any lead is in both files."""
        return not self._found.keys().isdisjoint({*self._earlier.places, *self._earlier.twice})

    def add(self, block: Block) -> None:
        """Take the next block."""
        scored = block.answered.scored
        for place, lead in enumerate(block.ids):
            if not lead:
                self._unnamed += 1
            elif lead in self._found:
                self._twice.add(lead)
            else:
                self._found[lead] = self._change(lead, place, block, scored.contributions[place])

    def _change(
        self, lead: str, place: int, block: Block, contributions: NDArray[np.float64]
    ) -> Change | None:
        earlier, answered = self._earlier, block.answered
        score, grade = answered.score[place], answered.grade[place]
        then = earlier.places.get(lead)
        if lead in earlier.twice:
            return None
        if then is None:
            return Change(lead, "new", score=score, grade=grade) if score is not None else None
        given = float(earlier.given[then])
        if score is None or math.isnan(given):
            self._unread += 1
            return None
        if self._told and not math.isnan(same_cells := float(earlier.probability[then])):
            self._rescored += 1
            self._otherwise += 100 * abs(same_cells - given) >= A_POINT
        now, before = float(answered.probability[place]), round(100 * given)
        grade_before, grade_now = self._engine.grade(given), self._engine.grade(now)
        if abs(score - before) < A_MOVE and grade_now == grade_before:
            return Change(lead, UNCHANGED, before, grade_before, score, grade)
        reasons = self._moves.reasons(then, place, block, contributions) if self._told else ()
        kind = "risen" if now > given else "fallen"
        return Change(lead, kind, before, grade_before, score, grade, tuple(reasons))

    def changes(self) -> list[Change]:
        """What became of each lead: today's in the order of the file, then those that are gone."""
        earlier = self._earlier
        today = [c for lead, c in self._found.items() if c is not None and lead not in self._twice]
        gone = [lead for lead in earlier.places if lead not in self._found]
        return today + [self._gone(lead, float(earlier.given[earlier.places[lead]])) for lead in gone]

    def _gone(self, lead: str, given: float) -> Change:
        if math.isnan(given):
            return Change(lead, "gone")
        return Change(lead, "gone", round(100 * given), self._engine.grade(given))

    def notes_on_models(self) -> Iterator[str]:
        """Whether another model scored the earlier list, and what that is worth."""
        earlier, ours = self._earlier, self._engine.card.version
        if others := sorted(earlier.versions - {ours}):
            yield f"Another model scored the earlier list ({', '.join(others)}; today it is {ours})."
        elif not earlier.versions:
            yield "The earlier file does not say which model scored it."
        if self._told and (others or self._otherwise):
            leads = _counted(self._rescored, "lead has", "leads have")
            yield (
                f"For the values they had then, {self._otherwise:,} of {leads} another score by today's "
                "model."
            )
        elif others:
            yield "Scores and grades may differ for that alone."

    def notes(self) -> Iterator[str]:
        """What could not be compared."""
        earlier = self._earlier
        if not self._told:
            yield (
                "One of the files lacks much of what the other has of the model's columns: what moved a "
                "lead is not told."
            )
        for name, twice, unnamed in (
            (EARLIER, earlier.twice, earlier.unnamed),
            (TODAY, self._twice, self._unnamed),
        ):
            if twice:
                yield (
                    f"In {name} {_counted(len(twice), 'id stands', 'ids stand')} more than once, such "
                    f"as {show(min(twice))}: these leads are not compared."
                )
            if unnamed:
                yield f"In {name} {_counted(unnamed, 'lead has', 'leads have')} no id: not compared."
        if self._unread:
            yield (
                f"{_counted(self._unread, 'lead has', 'leads have')} no score in one of the files: not "
                "compared."
            )


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _line(document: dict[str, object]) -> bytes:
    return f"{json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n".encode()
