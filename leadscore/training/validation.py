"""What the cells of a column must be to be trained on, or an error that names the first that is not."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Final, TypeVar

import numpy as np

from leadscore.columns import Column, ColumnError, Value, show
from leadscore.training.cells import Cells, DataError
from leadscore.training.draft.notations import separator
from leadscore.training.evaluation.figures import Target

FEWEST_OF_EACH_OUTCOME: Final = 50  # leads; fewer cannot be split into folds and a test set

MOST_THAT_MAY_DIFFER: Final = 100  # levels; a category of more has to repeat them, or it is none

_T = TypeVar("_T")


def read_all(
    cells: Cells, column: Column, read: Callable[[str], _T], rows: Iterable[int] | None = None
) -> list[_T]:
    """One column's cells, read; DataError names the first bad cell and how many more there are.

    `rows`: the number of each in the file; if none are given, they follow the header.
    """
    known: dict[str, _T] = {}
    wrong: dict[str, str] = {}
    texts = cells[column.name]
    for text in dict.fromkeys(texts):
        try:
            known[text] = read(text)
        except ColumnError as error:
            wrong[text] = error.expected
    if wrong:
        first, *others = [
            (row, text) for row, text in zip(rows or count(2), texts, strict=False) if text in wrong
        ]
        row, text = first
        more = f" (and {len(others)} more)" if others else ""
        raise DataError(
            f"column {column.source!r}, row {row}: got {show(text)}, expected {wrong[text]}{more}"
        )
    return [known[text] for text in texts]


def check_id(values: Sequence[str], column: Column, rows: Sequence[int]) -> None:
    """Whether every lead has a clock and a key, and no two have the same key."""
    first: dict[str, int] = {}
    for number, cell in zip(rows, values, strict=True):
        value = cell.strip()
        if not value or (column.clock and column.absent(value)):
            got = f"got {show(value)}" if value else "blank"
            raise DataError(f"column {column.source!r}, row {number}: {got}, expected a value")
        if column.key and first.setdefault(value, number) != number:
            raise DataError(
                f"column {column.source!r}, row {number}: {show(value)} stands already in row "
                f"{first[value]}"
            )


def check_levels(values: Sequence[Value], column: Column) -> None:
    """A model learns nothing from texts that do not repeat, and its file would carry them about."""
    if column.kind == "number":
        return
    present = [value for value in values if value]
    distinct = len(set(present))
    if distinct > MOST_THAT_MAY_DIFFER and 2 * distinct > len(present):
        raise DataError(
            f"column {column.source!r}: {distinct:,} different texts in {len(present):,} leads, "
            "expected levels that repeat; what names a lead has the role 'id', free text is 'excluded'"
            + _if_lists(map(str, present))
        )


def _if_lists(texts: Iterable[str]) -> str:
    """A hint for texts that look like lists."""
    mark = separator(Counter(texts))
    return f"; lists have kind = 'list' and, here, separator = {mark!r}" if mark else ""


def check_outcomes(target: Target, column: Column) -> None:
    """Whether there are enough leads of both outcomes."""
    for outcome, labels in ((1, column.positive), (0, column.negative)):
        if (leads := int(np.sum(target == outcome))) < FEWEST_OF_EACH_OUTCOME:
            said = " or ".join(map(repr, labels))
            raise DataError(
                f"column {column.source!r}: {leads} leads are {said}, expected at least "
                f"{FEWEST_OF_EACH_OUTCOME} to train and test on"
            )
