"""A CSV of historical leads -> validated, clean features and target, or one clear error."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leadscore.columns import Column, ColumnError, Dictionary, Tensors, show, tensor
from leadscore.training.cells import Cells, DataError, cells, content
from leadscore.training.evaluation.figures import Target
from leadscore.training.levels import spellings

# Fewer leads of one outcome than this cannot be split into folds and a test set.
FEWEST_OF_EACH_OUTCOME = 50

# A category of more levels than this has to repeat them, or it is none.
MOST_THAT_MAY_DIFFER = 100

NEWEST_SHARE = 0.2  # of the leads, held out for the one final evaluation

_T = TypeVar("_T")


@dataclass(frozen=True)
class Dataset:
    """Validated leads, oldest first.

    `features`: one column per feature of the dictionary, float32 (NaN = missing) or str ("" =
    missing). `target`: int8, 1 = converted. `sha256`: of the file's bytes.
    """

    dictionary: Dictionary
    features: pd.DataFrame
    target: Target
    file: str
    sha256: str

    def __len__(self) -> int:
        return len(self.target)

    def narrow(self, dictionary: Dictionary) -> "Dataset":
        """The same leads with the features of a dictionary that has no others."""
        names = [column.name for column in dictionary.features]
        levels = {column.name: column.levels for column in self.dictionary.features}
        return replace(self, dictionary=dictionary.with_levels(levels), features=self.features[names])

    def select(self, rows: slice | NDArray[np.int64]) -> tuple[pd.DataFrame, Target]:
        """Features and target of some rows."""
        return self.features.iloc[rows], self.target[rows]

    def shuffled(self, seed: int) -> "Dataset":
        """The same leads in random order, as if time did not matter."""
        features, target = self.select(np.random.default_rng(seed).permutation(len(self)))
        return replace(self, features=features.reset_index(drop=True), target=target)

    def oldest(self) -> tuple[pd.DataFrame, Target]:
        """Features and target of the leads to train on: the oldest 80 %."""
        return self.select(slice(0, self._split))

    def newest(self) -> tuple[pd.DataFrame, Target]:
        """Features and target of the leads to test on, once: the newest 20 %."""
        return self.select(slice(self._split, None))

    @property
    def _split(self) -> int:
        return int(len(self) * (1 - NEWEST_SHARE))


def row_groups(features: pd.DataFrame) -> NDArray[np.uint64]:
    """Equal numbers for identical rows, shape (n,): a model must not meet a test lead in training."""
    hashes: NDArray[np.uint64] = pd.util.hash_pandas_object(features, index=False).to_numpy()
    return hashes


def frame(inputs: Tensors) -> pd.DataFrame:
    """Model inputs as the DataFrame the pipeline reads: one column per feature."""
    return pd.DataFrame(
        {name: pd.Series(values[:, 0], dtype=values.dtype) for name, values in inputs.items()}
    )


def inputs(features: pd.DataFrame, dictionary: Dictionary) -> Tensors:
    """The DataFrame the pipeline reads as model inputs: an (n, 1) array per feature."""
    return {c.name: tensor(c, features[c.name]) for c in dictionary.features}


def reread(features: pd.DataFrame, dictionary: Dictionary) -> Tensors:
    """The same as inputs of a model that may spell levels in another way."""
    return {
        c.name: tensor(c, features[c.name].map({v: c.read(v) for v in features[c.name].unique()}))
        for c in dictionary.features
    }


def load(path: Path, dictionary: Dictionary) -> Dataset:
    """Read and validate a CSV of historical leads.

    UTF-8 (with or without BOM), comma-separated, with the dictionary's columns in any order; what it
    excludes or does not list is not looked at. The rows come back sorted by the dictionary's clock.

    Raises DataError for a file that cannot be read or is empty, another encoding or separator, missing
    columns, a row of another length, a value its column does not take, a target with other labels, too
    few of one or only one among the oldest or newest leads, duplicate ids, and a category that hardly
    repeats.
    """
    raw = content(path)
    try:
        table = cells(raw, dictionary)
        dictionary = _with_levels(table, dictionary)
        clock, target, features = _validated(table, dictionary)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    order = np.argsort(clock, kind="stable")
    leads = Dataset(
        dictionary,
        features.iloc[order].reset_index(drop=True),
        target[order],
        path.name,
        hashlib.sha256(raw).hexdigest(),
    )
    for part, (_, found) in (("oldest 80 %", leads.oldest()), ("newest 20 %", leads.newest())):
        if not 0 < found.sum() < len(found):
            raise DataError(f"{path}: the {part} of leads all have one outcome, expected both")
    return leads


def _with_levels(table: Cells, dictionary: Dictionary) -> Dictionary:
    """The dictionary with the levels of those of its categories that have none yet."""
    return dictionary.with_levels(
        {
            column.name: spellings(cast(list[str], _read_all(table, column, column.read)))
            for column in dictionary.features
            if column.kind == "category" and not column.levels
        }
    )


def _validated(table: Cells, dictionary: Dictionary) -> tuple[NDArray[Any], Target, pd.DataFrame]:
    """Clock, target and features of every row, in the order of the file."""
    clock = _clock(table[dictionary.clock.name], dictionary.clock)
    for column in dictionary.ids:
        if not (column.clock and column.kind == "category"):  # leads of one moment are no doubles
            _check_unique(table[column.name], column)
    target = np.array(_read_all(table, dictionary.target, dictionary.target.outcome), np.int8)
    _check_outcomes(target, dictionary.target)
    features = frame({c.name: tensor(c, _read_all(table, c, c.read)) for c in dictionary.features})
    for column in dictionary.features:
        if column.kind == "category":
            _check_levels(features[column.name], column)
    return clock, target, features


def _read_all(table: Cells, column: Column, read: Callable[[object], _T]) -> list[_T]:
    """One column's cells, read; DataError names the first bad cell and how many more there are."""
    values: list[_T] = []
    errors: list[str] = []
    known: dict[str, _T] = {}
    for number, cell in enumerate(table[column.name], start=2):
        try:
            if cell not in known:
                known[cell] = read(cell)
            values.append(known[cell])
        except ColumnError as error:
            errors.append(
                f"column {column.source!r}, row {number}: got {show(cell)}, expected {error.expected}"
            )
    if errors:
        raise DataError(errors[0] + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""))
    return values


def _clock(values: Sequence[str], column: Column) -> NDArray[Any]:
    for number, cell in enumerate(values, start=2):
        if not cell.strip():
            raise DataError(f"column {column.source!r}, row {number}: blank, expected a value")
    if column.kind == "number":
        return np.array(_read_all({column.name: values}, column, column.read), np.float64)
    return np.array(_read_all({column.name: values}, column, partial(_moment, column)), "datetime64[us]")


def _moment(column: Column, cell: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(cell).strip())
    except ValueError:
        raise ColumnError(
            column.name, cell, "a date or time like 2024-01-31 or 2024-01-31T09:30"
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _check_unique(values: Sequence[str], column: Column) -> None:
    first: dict[str, int] = {}
    for number, cell in enumerate(values, start=2):
        if not (value := cell.strip()):
            raise DataError(f"column {column.source!r}, row {number}: blank, expected an id")
        if first.setdefault(value, number) != number:
            raise DataError(
                f"column {column.source!r}, row {number}: id {show(value)} stands already in row "
                f"{first[value]}"
            )


def _check_levels(values: pd.Series, column: Column) -> None:
    """A model learns nothing from texts that do not repeat, and its file would carry them about."""
    present = values[values != ""]
    distinct = present.nunique()
    if distinct > MOST_THAT_MAY_DIFFER and 2 * distinct > len(present):
        raise DataError(
            f"column {column.source!r}: {distinct:,} different texts in {len(present):,} leads, "
            "expected levels that repeat; what names a lead has the role 'id', free text is 'excluded'"
        )


def _check_outcomes(target: Target, column: Column) -> None:
    for outcome, label in ((1, column.positive), (0, column.negative)):
        if (count := int(np.sum(target == outcome))) < FEWEST_OF_EACH_OUTCOME:
            raise DataError(
                f"column {column.source!r}: {count} leads are {label!r}, expected at least "
                f"{FEWEST_OF_EACH_OUTCOME} to train and test on"
            )
