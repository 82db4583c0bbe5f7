"""A CSV of historical leads -> validated, clean features and target, or one clear error."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leadscore.columns import Tensors, tensor
from leadscore.dictionary import Dictionary
from leadscore.training import reading
from leadscore.training.cells import DataError, Table, content, table
from leadscore.training.evaluation.figures import Target
from leadscore.training.validation import check_id, check_outcomes
from leadscore.values import AS_IN_JSON

NEWEST_SHARE = 0.2  # of the leads, held out for the one final evaluation


@dataclass(frozen=True)
class Dataset:
    """Validated leads, oldest first; in random order if the dictionary names no clock.

    `features`: one column per feature of the dictionary, float32 (NaN = missing) or str ("" =
    missing). `target`: int8, 1 = converted. `sha256`: of the file's bytes. `open`: leads that were
    left out. `unlisted`: headers that the dictionary does not list. `left_out`: rows that are
    no leads, in words. `sample_of`: of how many leads these are a sample, if they are one.
    """

    dictionary: Dictionary
    features: pd.DataFrame
    target: Target
    file: str
    sha256: str
    open: int = 0
    unlisted: tuple[str, ...] = ()
    left_out: str = ""
    sample_of: int = 0

    @property
    def timed(self) -> bool:
        """Whether the order of the leads in time is known."""
        return self.dictionary.clock is not None

    @property
    def tested(self) -> str:
        """What the leads to test on are called."""
        return "newest" if self.timed else "held-out"

    def __len__(self) -> int:
        return len(self.target)

    def narrow(self, dictionary: Dictionary) -> "Dataset":
        """The same leads with the features of a dictionary that has no others."""
        dictionary = dictionary.as_found(self.dictionary)
        names = [column.name for column in dictionary.features]
        return replace(self, dictionary=dictionary, features=self.features[names])

    def select(self, rows: slice | NDArray[np.int64]) -> tuple[pd.DataFrame, Target]:
        """Features and target of some rows."""
        return self.features.iloc[rows], self.target[rows]

    def shuffled(self, seed: int) -> "Dataset":
        """The same leads in random order, as if time did not matter."""
        return self._of(np.random.default_rng(seed).permutation(len(self)))

    def spread(self, most: int) -> "Dataset":
        """At most so many of the leads, spread evenly over time; itself if it has no more."""
        return self if len(self) <= most else self._of(spread(len(self), most))

    def _of(self, rows: NDArray[np.int64]) -> "Dataset":
        features, target = self.select(rows)
        return replace(self, features=features.reset_index(drop=True), target=target)

    def oldest(self) -> tuple[pd.DataFrame, Target]:
        """Features and target of the leads to train on: the oldest 80 %, or any."""
        return self.select(slice(0, self._split))

    def newest(self) -> tuple[pd.DataFrame, Target]:
        """Features and target of the leads to test on, once: the other 20 %."""
        return self.select(slice(self._split, None))

    @property
    def _split(self) -> int:
        return int(len(self) * (1 - NEWEST_SHARE))


def spread(leads: int, most: int) -> NDArray[np.int64]:
    """The numbers of at most so many of some leads, spread evenly from the first to the last."""
    return np.linspace(0, leads - 1, min(leads, most)).astype(np.int64)


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


def load(
    path: Path,
    dictionary: Dictionary,
    everything: bool = False,
    decimal: str | None = None,
    sheet: str | None = None,
) -> Dataset:
    """Read and validate a file of historical leads: any that scoring reads but Parquet, with the
    dictionary's columns in any order; what it does not read is not looked at.

    `everything`: see `of_table`. `decimal` and `sheet`: see `cells.table`. Raises DataError, with the
    path, for a file that cannot be read, and as they do.
    """
    raw = content(path)
    digest = hashlib.sha256(raw).hexdigest()
    try:
        found = table(raw, dictionary, decimal, sheet)
        return of_table(found, path.name, digest, dictionary, everything)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def of_table(
    found: Table, name: str, sha256: str, dictionary: Dictionary, everything: bool = False
) -> Dataset:
    """Validate the columns of a file that has this name and digest.

    The rows come back sorted by the dictionary's clock or, if it has none, in a random order in which
    each lead keeps its place when others are added. Leads that are still open are left out.
    `everything`: with the excluded columns as features, as far as they are there and can be read.

    Raises DataError for a value its column does not take, a target with other labels, too few of one or
    only one among the oldest or newest leads, a blank or repeated key, and a category that hardly
    repeats.
    """
    outcomes = reading.outcomes(found.cells, dictionary.target)
    cells, rows = reading.decided(found.cells, outcomes)
    dictionary = dictionary.with_decimal(found.decimal)
    if everything:
        usable = [c.name for c in dictionary.excluded if reading.usable(cells, c, rows)]
        dictionary = dictionary.with_features(usable)
    cells, dictionary = reading.with_parts(cells, dictionary, rows)
    if not dictionary.features:
        raise DataError("no column is left to read: dates need a part, lists entries that repeat")
    dictionary = reading.with_levels(cells, dictionary, rows)
    target = np.array([outcome for outcome in outcomes if outcome is not None], np.int8)
    check_outcomes(target, dictionary.target)
    for column in dictionary.needed_ids:
        check_id(cells[column.name], column, rows)
    features = frame(reading.features(cells, dictionary, rows))
    order = reading.order(cells, dictionary, rows)
    leads = Dataset(
        dictionary.with_decimal(AS_IN_JSON),
        features.iloc[order].reset_index(drop=True),
        target[order],
        name,
        sha256,
        open=len(outcomes) - len(target),
        unlisted=tuple(found.unlisted),
        left_out=found.left_out,
    )
    parts = ("oldest", "newest") if leads.timed else ("first", "last")
    for part, share, (_, labels) in zip(
        parts, ("80 %", "20 %"), (leads.oldest(), leads.newest()), strict=True
    ):
        if not 0 < labels.sum() < len(labels):
            raise DataError(f"the {part} {share} of leads all have one outcome, expected both")
    return leads
