"""Which column of a table is which column of the dictionary, and what the added ones are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from leadscore.columns import Dictionary
from leadscore.matching import match


class TableError(ValueError):
    """A table cannot be scored at all; the message says why."""


@dataclass(frozen=True)
class ColumnMap:
    """The columns of a table, as the model sees them.

    `positions`: the place of each feature by name. `refused`: columns the model knows and leaves out.
    `unknown`: named columns it has never heard of. `absent`: features without a column. `taken`: all
    names, case folded, for Spark and databases tell no case apart.
    """

    width: int
    positions: dict[str, int]
    refused: tuple[str, ...]
    unknown: tuple[str, ...]
    absent: tuple[str, ...]
    taken: frozenset[str]

    @classmethod
    def of(cls, names: Sequence[str], dictionary: Dictionary) -> Self:
        """Map columns of these names; TableError if the model reads none of them."""
        found = match(names, dictionary)
        if found.errors:
            raise TableError(found.errors[0])
        features = {column.name for column in dictionary.features}
        positions = {name: place for name, place in found.places.items() if name in features}
        if not positions:
            some = ", ".join(column.source for column in dictionary.features[:3])
            raise TableError(f"the first line names no column the model reads, such as {some}")
        return cls(
            width=len(names),
            positions=positions,
            refused=tuple(found.refused),
            unknown=tuple(filter(None, found.unknown)),
            absent=tuple(column.title for column in found.absent),
            taken=frozenset(name.strip().casefold() for name in names),
        )

    def added(self, reasons: int) -> list[str]:
        """The names of the added columns; one that is taken gets a number."""
        ranks = [f"reason_{rank}" for rank in range(1, reasons + 1)]
        names = ["probability", "score", "grade", "converts", *ranks, "warnings", "error"]
        return [self._free(name) for name in names]

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self.taken:
            number += 1
            free = f"{name}_{number}"
        return free
