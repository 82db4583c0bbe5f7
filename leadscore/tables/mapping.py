"""Which column of a table is which column of the dictionary, and what the added ones are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from leadscore.columns import Dictionary


class TableError(ValueError):
    """A table cannot be scored at all; the message says why."""


@dataclass(frozen=True)
class ColumnMap:
    """The columns of a table, as the model sees them.

    `positions`: the place of each feature by name. `refused`: columns the model knows and leaves out.
    `unknown`: columns it has never heard of. `absent`: features without a column. `taken`: all names,
    case folded, for Spark and databases tell no case apart.
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
        known = dictionary.by_key
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
        return cls(
            width=len(keys),
            positions=positions,
            refused=tuple(key for key in keys if key in known and known[key].refused),
            unknown=tuple(key for key in keys if key not in known),
            absent=tuple(c.title for c in dictionary.features if c.name not in positions),
            taken=frozenset(map(str.casefold, keys)),
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
