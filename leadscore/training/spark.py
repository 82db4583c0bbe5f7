"""More leads than one machine holds: all in a Spark table, for the trees, and a sample of them here.

Needs pyspark and pyarrow; deploy/spark/train.py is the command.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow.csv import write_csv
from pyspark.sql import DataFrame
from pyspark.sql.functions import coalesce, col, lit, trim, xxhash64
from pyspark.sql.functions import max as largest
from pyspark.sql.functions import min as smallest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from xgboost.spark import SparkXGBClassifier

from leadscore.columns import show, tensor
from leadscore.dictionary import Dictionary
from leadscore.matching import match
from leadscore.tables.spark import BROKEN
from leadscore.training import dataset, reading
from leadscore.training.cells import DataError
from leadscore.training.cells import table as csv_table
from leadscore.training.dataset import row_groups
from leadscore.training.evaluation.figures import Target
from leadscore.training.evaluation.folds import COMMON
from leadscore.training.models import XGBOOST
from leadscore.training.validation import check_id, read_all

Batches: TypeAlias = Iterator[pd.DataFrame]

SAMPLED: Final = "_sampled"  # "true" for a lead of the sample
MOMENT: Final = "_moment"  # when it came in, see `reading.moments`; null if nobody knows
KIND: Final = "_kind"  # equal for identical leads, see `dataset.row_groups`
CONVERTED: Final = "_converted"  # 1 or 0
WRONG: Final = "_wrong"  # why some leads cannot be read; that row is no lead


class Cluster:
    """The leads of a table, on a cluster, and a sample of them, here.

    `most`: about so many are drawn for the sample, at random; it has the columns that the dictionary
    excludes, too. `known`: see `Dictionary.known_at`. `decimal`: see `cells.table`.

    Raises DataError as `dataset.read` does, wherever the lead is that cannot be read.
    """

    def __init__(
        self,
        table: DataFrame,
        name: str,
        dictionary: Dictionary,
        known: str,
        most: int,
        seed: int,
        decimal: str | None = None,
    ) -> None:
        self._one_at_a_time = Lock()  # two fits would wait for each other's tasks
        texts = _texts(table, most)
        drawn = _csv(texts, table.columns)
        decimal = csv_table(drawn, dictionary, decimal).decimal
        sample = dataset.read(drawn, name, dictionary, seed, everything=True, decimal=decimal)
        here = sample.narrow(dictionary.known_at(known))
        self._leads = _read(texts, table.columns, here.dictionary.with_decimal(decimal))
        self.sample = replace(sample, sample_of=self._leads.count())
        self._kinds = _kinds(here.features)
        moments = self._leads.where(col(SAMPLED) == "true").select(MOMENT).toPandas()[MOMENT]
        self._moments = np.sort(moments.to_numpy()) if here.timed else None

    def fit(self, model: Pipeline, features: pd.DataFrame, target: Target) -> Pipeline:
        """Fit the served model: its encoder on some rows of the sample, its trees on all leads that are
        older than the sample's next row, without those that equal an older row which is left out. Kinds
        of lead that are COMMON stay, see `folds.out_of_fold`.

        Raises DataError when these leads have one outcome.
        """
        leads, held_out = self._allowed(features.index.to_numpy())
        encode = partial(_encoded, encoder=model["encode"].fit(features), held_out=held_out)
        encoded = leads.mapInPandas(encode, "features array<float>, label int")
        trees = model["model"]
        settings = {key: value for key, value in XGBOOST.items() if key != "n_jobs"}  # one a task
        tasks = leads.sparkSession.sparkContext.defaultParallelism
        learner = SparkXGBClassifier(
            num_workers=tasks, random_state=trees.random_state, verbose=False, **settings
        )
        with self._one_at_a_time:
            booster = learner.fit(encoded).get_booster()
        trees.load_model(bytearray(booster.save_raw("ubj")))
        return model

    def _allowed(self, rows: NDArray[np.int64]) -> tuple[DataFrame, NDArray[np.int64]]:
        """The leads for a model that is fitted on these rows of the sample, and the kinds left out."""
        leads, end = self._leads, len(self._kinds)
        if self._moments is not None and (after := int(rows.max()) + 1) < end:
            leads, end = leads.where(col(MOMENT) < lit(float(self._moments[after]))), after
            outcomes = leads.agg(smallest(CONVERTED), largest(CONVERTED)).first()
            if tuple(outcomes) != (0, 1):
                raise DataError(
                    "the leads older than those to test on all have one outcome, expected both: "
                    "the clock is the same for too many"
                )
        kinds, count = np.unique(self._kinds, return_counts=True)
        common = kinds[count > COMMON * len(self._kinds)]
        return leads, np.setdiff1d(np.delete(self._kinds[:end], rows), common)


def _texts(table: DataFrame, most: int) -> DataFrame:
    """The cells as text, as in a CSV, in columns called 0, 1, ..., and SAMPLED; BROKEN is left out.

    A hash of the whole lead draws the sample: the same leads, wherever they lie.
    """
    if BROKEN in table.columns and (line := table.where(col(BROKEN).isNotNull()).first()):
        raise DataError(f"got the line {show(line[BROKEN])}, expected as many cells as the header has")
    for name, kind in table.dtypes:
        if kind.startswith(("array", "binary", "map", "struct", "variant")):
            raise DataError(f"column {name!r}: got {kind}, expected text, numbers, dates or booleans")
    numbered = table.toDF(*map(str, range(len(table.columns))))
    cells = [
        coalesce(col(place).cast("string"), lit("")).alias(place)
        for place, name in zip(numbered.columns, table.columns, strict=True)
        if name != BROKEN
    ]
    share = most / max(1, table.count())
    drawn = xxhash64(*cells) < lit(int(share * 2**64) - 2**63) if share < 1 else lit(True)
    return numbered.select(*cells, drawn.cast("string").alias(SAMPLED))


def _csv(texts: DataFrame, names: list[str]) -> bytes:
    """The sample as a CSV, in an order that depends on nothing but its leads."""
    cells = texts.where(col(SAMPLED) == "true").drop(SAMPLED)
    drawn = cells.orderBy(xxhash64(*cells.columns)).toArrow()
    buffer = io.BytesIO()
    write_csv(drawn.rename_columns([names[int(place)] for place in cells.columns]), buffer)
    return buffer.getvalue()


def _read(texts: DataFrame, names: list[str], dictionary: Dictionary) -> DataFrame:
    """The leads as the model reads them, a column for each feature, and the columns named above."""
    places = match(names, dictionary).places
    used = (*dictionary.features, *dictionary.wholes, dictionary.target, *dictionary.needed_ids)
    found = {column.name: col(str(places[column.name])) for column in used if column.name in places}
    for column in dictionary.needed_ids:
        counted = texts.groupBy(trim(found[column.name]).alias("key")).count().where("count > 1")
        if column.key and (twice := counted.first()):
            raise DataError(
                f"column {column.source!r}: {show(twice['key'])} stands in {twice['count']} rows"
            )
    cells = texts.select(*(cell.alias(name) for name, cell in found.items()), SAMPLED)
    types = {c.name: "float" if c.kind == "number" else "string" for c in dictionary.features}
    types |= {MOMENT: "double", KIND: "long", CONVERTED: "int", SAMPLED: "string", WRONG: "string"}
    schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    leads = cells.mapInPandas(
        partial(_leads, dictionary=dictionary, names=list(types)), schema
    ).persist()
    if wrong := leads.agg(smallest(WRONG)).first()[0]:
        raise DataError(wrong)
    return leads


def _leads(batches: Batches, dictionary: Dictionary, names: list[str]) -> Batches:
    """Batches of cells as leads, or, of a batch with one that cannot be read, WRONG alone."""
    for batch in batches:
        try:
            found = _of_cells({name: batch[name].tolist() for name in batch}, dictionary)
        except DataError as error:
            why = f"in a part of {len(batch):,} leads, {error}"
            found = pd.DataFrame([dict.fromkeys(names) | {WRONG: why}], dtype=object)
        yield found[names]


def _of_cells(cells: dict[str, list[str]], dictionary: Dictionary) -> pd.DataFrame:
    """Leads that are decided, as `dataset.read` reads them."""
    outcomes = reading.outcomes(cells, dictionary.target)
    decided, rows = reading.decided(cells, outcomes)
    for column in dictionary.needed_ids:
        check_id(decided[column.name], column, rows)
    decided, _ = reading.with_parts(decided, dictionary, rows)
    read = {c.name: tensor(c, read_all(decided, c, c.read, rows)) for c in dictionary.features}
    leads = dataset.frame(read)
    clock = dictionary.clock
    return leads.assign(
        **{
            MOMENT: reading.moments(decided, clock, rows) if clock else None,
            KIND: _kinds(leads),
            CONVERTED: [outcome for outcome in outcomes if outcome is not None],
            SAMPLED: decided[SAMPLED],
            WRONG: None,
        }
    )


def _kinds(features: pd.DataFrame) -> NDArray[np.int64]:
    """`dataset.row_groups` as Spark has numbers."""
    return row_groups(features).view(np.int64)


def _encoded(batches: Batches, encoder: ColumnTransformer, held_out: NDArray[np.int64]) -> Batches:
    """What the trees read, but for leads of some kinds."""
    for batch in batches:
        leads = batch[~np.isin(batch[KIND], held_out)]
        yield pd.DataFrame({"features": list(encoder.transform(leads)), "label": leads[CONVERTED]})
