"""Which column of a table is which column of the dictionary, and what the added ones are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from leadscore.columns import Column
from leadscore.dictionary import Dictionary
from leadscore.matching import match

UNMAPPED: Final[Mapping[str, str]] = MappingProxyType({})


class TableError(ValueError):
    """A table cannot be scored at all; the message says why."""


@dataclass(frozen=True)
class ColumnMap:
    """The columns of a table, as the model sees them.

    `names`: their headers. `places`: the place of each feature, id and target by name, `positions`: of
    the features alone. `refused`: columns the model knows and leaves out. `unknown`: named columns it
    has never heard of. `missing`: features that the table does not tell. `absent`: the columns that
    would. `suggestions`: for an unknown one, the source of the absent one it may be. `taken`: all names,
    case folded, for Spark and databases tell no case apart. `action`: whether the dictionary says what
    to do with each grade.
    """

    names: tuple[str, ...]
    places: dict[str, int]
    positions: dict[str, int]
    refused: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[Column, ...]
    absent: tuple[Column, ...]
    suggestions: dict[str, str]
    taken: frozenset[str]
    action: bool

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        dictionary: Dictionary,
        mapping: Mapping[str, str] = UNMAPPED,
        some: bool = True,
    ) -> Self:
        """Map columns of these names. `mapping`: for a name, the column it is.

        TableError for a mapping that fits nothing, for two columns that are the same, and, if there have
        to be `some`, if the model reads none of them.
        """
        found = match(names, dictionary, mapping)
        if found.errors:
            raise TableError(found.errors[0])
        features = {column.name for column in (*dictionary.features, *dictionary.wholes)}
        positions = {name: place for name, place in found.places.items() if name in features}
        if some and not positions:
            such = ", ".join(column.source for column in dictionary.features[:3])
            hints = (f"; did you mean {new!r} by {old!r}?" for old, new in found.suggestions.items())
            raise TableError(
                f"the first line names no column the model reads, such as {such}{''.join(hints)}"
            )
        return cls(
            names=tuple(names),
            places=found.places,
            positions=positions,
            refused=tuple(found.refused),
            unknown=tuple(filter(None, found.unknown)),
            missing=tuple(found.missing),
            absent=tuple(found.absent),
            suggestions=found.suggestions,
            taken=frozenset(name.strip().casefold() for name in names),
            action=bool(dictionary.actions),
        )

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.names)

    def added(self, reasons: int) -> list[str]:
        """The names of the added columns; one that is taken gets a number."""
        return list(map(self._free, self.answers(reasons)))

    def answers(self, reasons: int) -> list[str]:
        """The same, without numbers."""
        ranks = [f"reason_{rank}" for rank in range(1, reasons + 1)]
        action = ["action"] if self.action else []
        decision = ["probability", "score", "grade", "converts", *action]
        return [*decision, *ranks, "warnings", "error", "model_version"]

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self.taken:
            number += 1
            free = f"{name}_{number}"
        return free
