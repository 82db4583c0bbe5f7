"""More leads than one machine holds: all in a Spark table, for the trees, and a sample of them here.

Needs pyspark and pyarrow; deploy/spark/train.py is the command.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow.csv import write_csv
from pyspark.sql import DataFrame
from pyspark.sql.functions import coalesce, col, concat_ws, lit, xxhash64
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
from leadscore.values import AS_IN_JSON

Batches: TypeAlias = Iterator[pd.DataFrame]
Numbers: TypeAlias = NDArray[np.int64]

UNEVEN: Final = 0.2  # of the leads wanted: so many more or less are no random sample

SAMPLED: Final = "_sampled"  # whether a lead is in the sample
NUMBER: Final = "_number"  # of the lead: a hash of its cells
KEY: Final = "_key"  # null if the dictionary has none
MOMENT: Final = "_moment"  # when it came in, see `reading.moments`; null if nobody knows
KIND: Final = "_kind"  # equal for identical leads, see `dataset.row_groups`
CONVERTED: Final = "_converted"  # 1 or 0
WRONG: Final = "_wrong"  # why some leads cannot be read; that row is no lead


class Cluster:
    """The leads of a table, on a cluster, and a sample of them, here.

    `most`: about so many are drawn for the sample, at random; it has the columns that the dictionary
    excludes, too. `known`: see `Dictionary.known_at`. `decimal`: see `cells.table`; text in Parquet is
    read as in JSON.

    Raises DataError as `dataset.of_table` does, wherever the lead is that cannot be read.
    """

    def __init__(
        self,
        table: DataFrame,
        name: str,
        dictionary: Dictionary,
        known: str,
        most: int,
        decimal: str | None = None,
    ) -> None:
        self._one_at_a_time = Lock()  # two fits would wait for each other's tasks
        texts, names = _texts(table, dictionary, most)
        raw, numbers = _drawn(texts, names)
        try:
            found = csv_table(raw, dictionary, decimal if BROKEN in table.columns else AS_IN_JSON)
            if found.left_out:
                raise DataError(f"found {found.left_out}, expected nothing but leads")
            digest = hashlib.sha256(raw).hexdigest()
            sample = dataset.of_table(found, f"a sample of {name}", digest, dictionary, everything=True)
        except DataError as error:
            raise DataError(f"in a sample of the leads: {error}") from None
        here = sample.narrow(dictionary.known_at(known))
        self._kinds = _kinds(here.features)
        cells, rows = reading.decided(found.cells, reading.outcomes(found.cells, dictionary.target))
        order = reading.order(cells, dictionary, rows)
        self._numbers = numbers[np.array(rows) - 2][order]
        clock = dictionary.clock
        self._moments = reading.moments(cells, clock, rows)[order] if clock else None
        self._leads = _read(texts, names, here.dictionary.with_decimal(found.decimal))
        self.sample = replace(sample, sample_of=self._leads.count())

    def fit(self, model: Pipeline, features: pd.DataFrame, target: Target) -> Pipeline:
        """Fit the served model: its encoder on some rows of the sample, its trees on all leads that are
        older than the sample's next row, but for rows of the sample that are left out and leads that
        equal an older one of these. Other leads of COMMON kinds stay, see `folds.out_of_fold`.

        Raises DataError when these leads have one outcome.
        """
        leads, numbers, kinds = self._allowed(features.index.to_numpy())
        encoder = model["encode"].fit(features)
        encode = partial(_encoded, encoder=encoder, numbers=numbers, kinds=kinds)
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

    def _allowed(self, rows: NDArray[np.int64]) -> tuple[DataFrame, Numbers, Numbers]:
        """The leads for a model that is fitted on these rows of the sample, and of which NUMBER and KIND
        it may have none.
        """
        leads, after = self._leads, int(rows.max()) + 1
        if self._moments is not None and after < len(self._moments):
            leads = leads.where(col(MOMENT) < lit(float(self._moments[after])))
            outcomes = leads.agg(smallest(CONVERTED), largest(CONVERTED)).first()
            if tuple(outcomes) != (0, 1):
                raise DataError(
                    "the leads older than those to test on all have one outcome, expected both: "
                    "the clock is the same for too many"
                )
        older = self._kinds[:after]
        kinds, count = np.unique(older, return_counts=True)
        common = kinds[count > COMMON * after]
        return leads, np.delete(self._numbers, rows), np.setdiff1d(np.delete(older, rows), common)


def _texts(table: DataFrame, dictionary: Dictionary, most: int) -> tuple[DataFrame, list[str]]:
    """The cells as text, as in a CSV, in columns called 0, 1, ..., with NUMBER and SAMPLED; and their
    headers.

    A hash of all its cells draws a lead: wherever the leads lie, the sample is the same.
    """
    if BROKEN in table.columns and (line := table.where(col(BROKEN).isNotNull()).first()):
        raise DataError(f"got the line {show(line[BROKEN])}, expected as many cells as the header has")
    nested = {
        name: kind
        for name, kind in table.dtypes
        if kind.startswith(("array", "binary", "map", "struct", "variant"))
    }
    read = match(list(nested), dictionary).places
    if wrong := [name for place, name in enumerate(nested) if place in read.values()]:
        got = nested[wrong[0]]
        raise DataError(f"column {wrong[0]!r}: got {got}, expected text, numbers, dates or booleans")
    numbered = table.toDF(*map(str, range(len(table.columns))))
    places = [place for place, name in enumerate(table.columns) if name not in {*nested, BROKEN}]
    cells = [
        coalesce(col(str(place)).cast("string"), lit("")).alias(str(number))
        for number, place in enumerate(places)
    ]
    texts = numbered.select(*cells).where(concat_ws("", *map(str, range(len(cells)))) != "")
    texts = texts.withColumn(NUMBER, xxhash64(*texts.columns))
    share = most / max(1, texts.count())
    drawn = col(NUMBER) < lit(int(share * 2**64) - 2**63) if share < 1 else lit(True)
    texts = texts.withColumn(SAMPLED, drawn)
    found = texts.where(SAMPLED).count()
    if share < 1 and abs(found - most) > UNEVEN * most:
        raise DataError(
            f"drew {found:,} leads instead of {most:,}: many leads are equal in every cell, "
            "expected a column that tells them apart, such as an id"
        )
    return texts, [table.columns[place] for place in places]


def _drawn(texts: DataFrame, names: list[str]) -> tuple[bytes, Numbers]:
    """The sample as a CSV, in an order that depends on nothing but its leads, and the NUMBER of each."""
    drawn = texts.where(SAMPLED).drop(SAMPLED).orderBy(NUMBER).toArrow()
    buffer = io.BytesIO()
    write_csv(drawn.drop_columns(NUMBER).rename_columns(names), buffer)
    return buffer.getvalue(), drawn[NUMBER].to_numpy()


def _read(texts: DataFrame, names: list[str], dictionary: Dictionary) -> DataFrame:
    """The leads as the model reads them, a column for each feature, and the columns named above."""
    places = match(names, dictionary).places
    used = (*dictionary.features, *dictionary.wholes, dictionary.target, *dictionary.needed_ids)
    found = [col(str(places[c.name])).alias(c.name) for c in used if c.name in places]
    types = {c.name: "float" if c.kind == "number" else "string" for c in dictionary.features}
    types |= {NUMBER: "long", KEY: "string", MOMENT: "double", KIND: "long", CONVERTED: "int"}
    types |= {WRONG: "string"}
    schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    read = partial(_leads, dictionary=dictionary, names=list(types))
    leads = texts.select(*found, NUMBER).mapInPandas(read, schema).persist()
    if wrong := leads.agg(smallest(WRONG)).first()[0]:
        raise DataError(wrong)
    if twice := leads.where(col(KEY).isNotNull()).groupBy(KEY).count().where("count > 1").first():
        raise DataError(f"the key {show(twice[KEY])} stands in {twice['count']:,} rows, expected one")
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


def _of_cells(cells: dict[str, list[Any]], dictionary: Dictionary) -> pd.DataFrame:
    """Leads that are decided, as `dataset.of_table` reads them."""
    outcomes = reading.outcomes(cells, dictionary.target)
    decided, rows = reading.decided(cells, outcomes)
    for column in dictionary.needed_ids:
        check_id(decided[column.name], column, rows)
    decided, _ = reading.with_parts(decided, dictionary, rows)
    read = {c.name: tensor(c, read_all(decided, c, c.read, rows)) for c in dictionary.features}
    leads = dataset.frame(read)
    clock, key = dictionary.clock, next((c for c in dictionary.needed_ids if c.key), None)
    return leads.assign(
        **{
            NUMBER: decided[NUMBER],
            KEY: [cell.strip() for cell in decided[key.name]] if key else None,
            MOMENT: reading.moments(decided, clock, rows) if clock else None,
            KIND: _kinds(leads),
            CONVERTED: [outcome for outcome in outcomes if outcome is not None],
            WRONG: None,
        }
    )


def _kinds(features: pd.DataFrame) -> Numbers:
    """`dataset.row_groups` as Spark has numbers."""
    return row_groups(features).view(np.int64)


def _encoded(batches: Batches, encoder: ColumnTransformer, numbers: Numbers, kinds: Numbers) -> Batches:
    """What the trees read, but for leads of some NUMBER or KIND."""
    for batch in batches:
        leads = batch[~(np.isin(batch[NUMBER], numbers) | np.isin(batch[KIND], kinds))]
        yield pd.DataFrame({"features": list(encoder.transform(leads)), "label": leads[CONVERTED]})
