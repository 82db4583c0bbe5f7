"""The cells of a CSV -> what training reads of them."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import compress

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leadscore.columns import Column, Tensors, tensor
from leadscore.dictionary import Dictionary
from leadscore.parts import MOST_ENTRIES, reader
from leadscore.parts import entries as of_list
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
    for whole in dictionary.wholes:
        if whole.kind == "date":  # also one of which the model reads no part
            read_all(cells, whole, whole.read, rows)
    known = {column.whole for column in dictionary.columns}
    dictionary = dictionary.with_parts(
        {w.name: _parts(cells, w, dictionary, rows) for w in dictionary.wholes if w.name not in known}
    )
    found = dict(cells)
    for column in dictionary.features:
        if wholes := dictionary.wholes_of(column):
            read = reader(column, wholes)
            raw = cells[wholes[0].name] if len(wholes) == 1 else _pairs(cells, wholes)
            values = {value: read(value) for value in set(raw)}
            found[column.name] = ["" if values[v] is None else str(values[v]) for v in raw]
    return found, dictionary


def _pairs(cells: Cells, columns: Iterable[Column]) -> Sequence[tuple[str, ...]]:
    """The cells of two columns, beside each other."""
    return list(zip(*(cells[column.name] for column in columns), strict=True))


def _parts(
    cells: Cells, whole: Column, dictionary: Dictionary, rows: Sequence[int]
) -> tuple[Column, ...]:
    if whole.kind != "list":
        return dictionary.parts_of(whole)
    entries = _entries(read_all(cells, whole, partial(of_list, whole), rows))
    return dictionary.parts_of(whole, entries)


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


def order(cells: Cells, dictionary: Dictionary, rows: Sequence[int]) -> NDArray[np.int64]:
    """The rows from the oldest lead to the newest, shape (n,); if nobody knows, in a random order."""
    clock = dictionary.clock
    places = moments(cells, clock, rows) if clock else _by_chance(cells, dictionary)
    return np.argsort(places, kind="stable")


def _by_chance(cells: Cells, dictionary: Dictionary) -> NDArray[np.uint64]:
    """A hash of each lead: of its key, else of its ids, else of all but its outcome. What one model was
    tested on the next one, of the same leads and more, does not learn from.
    """
    ids = [c.name for c in dictionary.columns if c.role == "id" and c.name in cells]
    keys = [c.name for c in dictionary.needed_ids]
    others = [c.name for c in dictionary.columns if c.name in cells and c.role != "target"]
    told = pd.DataFrame({name: cells[name] for name in keys or ids or others})
    told["repetition"] = told.groupby(list(told)).cumcount()  # identical leads are not all on one side
    hashes: NDArray[np.uint64] = pd.util.hash_pandas_object(told, index=False).to_numpy()
    return hashes


def moments(cells: Cells, clock: Column, rows: Sequence[int]) -> NDArray[np.float64]:
    """When each lead came in, shape (n,): in microseconds, or what a clock of numbers says."""
    if clock.kind == "number":
        return np.array(read_all(cells, clock, clock.read, rows), np.float64)
    try:
        found = read_all(cells, clock, clock.moment, rows)
    except DataError as error:
        texts = {cell.strip() for cell in cells[clock.name]}
        formats = " or ".join(f"format = {form!r}" for form in dates(texts) if form)
        hint = f"; in the dictionary, {formats} reads it" if formats else ""
        raise DataError(f"{error}{hint}") from None
    return np.array(found, "datetime64[us]").astype(np.int64).astype(np.float64)
