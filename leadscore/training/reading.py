"""The cells of a CSV -> what training reads of them."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Column, Tensors, tensor
from leadscore.dictionary import Dictionary
from leadscore.parts import MOST_ENTRIES, taken
from leadscore.parts import entries as of_list
from leadscore.parts import parts as parts_of
from leadscore.training.cells import Cells, DataError
from leadscore.training.draft.notations import dates
from leadscore.training.levels import spellings
from leadscore.training.validation import check_levels, read_all
from leadscore.values import level_key


def outcomes(cells: Cells, column: Column) -> list[int | None]:
    """The outcome of each lead; None for one that is still open."""
    try:
        return read_all(cells, column, column.outcome)
    except DataError as error:
        raise DataError(
            f"{error}; in the dictionary, positive and negative may be lists, and open lists the labels "
            "of leads that are not decided yet"
        ) from None


def decided(cells: Cells, outcomes: Sequence[int | None]) -> tuple[Cells, Sequence[int]]:
    """The cells of leads that are no longer open, and the numbers of their rows in the file."""
    rows = [row for row, outcome in enumerate(outcomes, start=2) if outcome is not None]
    if len(rows) < len(outcomes):
        kept = [outcome is not None for outcome in outcomes]
        cells = {name: list(compress(column, kept)) for name, column in cells.items()}
    return cells, rows


def usable(cells: Cells, column: Column, rows: Sequence[int]) -> bool:
    """Whether an excluded column can be a feature of a model that knows no leakage."""
    if column.kind not in ("number", "category"):
        return False
    try:
        values = read_all(cells, column, column.read, rows)
        check_levels(values, column)
    except (DataError, KeyError):
        return False
    return True


def with_parts(cells: Cells, dictionary: Dictionary, rows: Sequence[int]) -> tuple[Cells, Dictionary]:
    """Cells and dictionary with the parts of columns that the model does not read as they are."""
    known = {column.whole for column in dictionary.columns}
    dictionary = dictionary.with_parts(
        {w.name: _parts(cells, w, rows) for w in dictionary.wholes if w.name not in known}
    )
    wholes = {whole.name: whole for whole in dictionary.wholes}
    found = dict(cells)
    for column in dictionary.features:
        if whole := wholes.get(column.whole):
            values = read_all(cells, whole, partial(taken, whole, column.part[0]), rows)
            found[column.name] = ["" if value is None else str(value) for value in values]
    return found, dictionary


def _parts(cells: Cells, whole: Column, rows: Sequence[int]) -> list[Column]:
    """The parts of a column whose cells it takes, also where the model reads none of them."""
    if whole.kind == "list":
        return list(parts_of(whole, _entries(read_all(cells, whole, partial(of_list, whole), rows))))
    if whole.kind == "date":
        read_all(cells, whole, partial(taken, whole, "weekday"), rows)
    return list(parts_of(whole))


def _entries(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The entries of lists that get a column, the commonest first."""
    return spellings(entry for one in lists for entry in {level_key(e): e for e in one}.values())[
        :MOST_ENTRIES
    ]


def with_levels(cells: Cells, dictionary: Dictionary, rows: Sequence[int]) -> Dictionary:
    """The dictionary with the levels of those of its categories that have none yet."""
    return dictionary.with_levels(
        {
            column.name: spellings(map(str, read_all(cells, column, column.read, rows)))
            for column in dictionary.features
            if column.kind == "category" and not column.levels
        }
    )


def features(cells: Cells, dictionary: Dictionary, rows: Sequence[int]) -> Tensors:
    """The features of every row, in the order of the file."""
    found = {}
    for column in dictionary.features:
        values = read_all(cells, column, column.read, rows)
        check_levels(values, column)
        found[column.name] = tensor(column, values)
    return found


def order(cells: Cells, dictionary: Dictionary, rows: Sequence[int], seed: int) -> NDArray[np.int64]:
    """The rows from the oldest lead to the newest, shape (n,); in random order if nobody knows."""
    if (column := dictionary.clock) is None:
        return np.random.default_rng(seed).permutation(len(rows))
    if column.kind == "number":
        moments: Any = np.array(read_all(cells, column, column.read, rows), np.float64)
    else:
        try:
            moments = np.array(read_all(cells, column, column.moment, rows), "datetime64[us]")
        except DataError as error:
            texts = {cell.strip() for cell in cells[column.name]}
            formats = " or ".join(f"format = {form!r}" for form in dates(texts) if form)
            hint = f"; in the dictionary, {formats} reads it" if formats else ""
            raise DataError(f"{error}{hint}") from None
    return np.argsort(moments, kind="stable")
