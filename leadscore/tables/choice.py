"""A choice among the columns of an answer, in an order of one's own."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from leadscore.columns import show
from leadscore.names import fold
from leadscore.tables.mapping import TableError


class Choice:
    """Some of the columns that a CSV answer has; `names` match in any spelling. `first`: the places of
    names that mean these columns before any other.

    Raises TableError for a name that is none of the `available` ones, and for no name.
    """

    def __init__(
        self,
        names: Sequence[str],
        available: Sequence[str],
        delimiter: str,
        first: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        places = {fold(name): place for place, name in reversed(list(enumerate(available)))}
        places |= {fold(name): place for name, place in first.items()}
        if unknown := [name for name in names if fold(name) not in places]:
            found = ", ".join(name for name in available if name)
            raise TableError(f"there is no column {show(unknown[0])} to hand back, only {found}")
        if not names:
            raise TableError("no column to hand back is named")
        self._places, self._delimiter = [places[fold(name)] for name in names], delimiter

    def pick(self, lines: Iterable[str], newline: str) -> list[str]:
        """The chosen cells of records, each a CSV line again."""
        output = io.StringIO(newline="")
        writer = csv.writer(output, delimiter=self._delimiter, lineterminator=newline)
        picked = []
        for line in lines:
            (cells,) = csv.reader([line], delimiter=self._delimiter)
            writer.writerow([cells[place] for place in self._places])
            picked.append(output.getvalue())
            output.seek(0)
            output.truncate()
        return picked


def chosen(names: str) -> tuple[str, ...]:
    """The names of a list that is separated by commas."""
    return tuple(filter(None, map(str.strip, names.split(","))))
