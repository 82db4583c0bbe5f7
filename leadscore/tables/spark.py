"""Leads in a Spark table, read, and scored by its executors.

Needs pyspark, pandas and pyarrow, which serving does without; deploy/spark/score.py is the command.
"""

import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyspark import SparkContext, SparkFiles
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from leadscore.card import MODEL
from leadscore.files import replacing
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings
from leadscore.tables import coverage
from leadscore.tables.arrow import ArrowScorer
from leadscore.tables.block import REASONS, check_reasons
from leadscore.tables.mapping import UNMAPPED

BROKEN: Final = "_broken_line"
"""The column in which Spark keeps a line that has not as many cells as the header."""


def read(session: SparkSession, source: str) -> DataFrame:
    """The leads of Parquet, or of a CSV with commas and a header if it ends in .csv or .csv.gz: as text,
    with the column BROKEN.
    """
    if not source.endswith((".csv", ".csv.gz")):
        return session.read.parquet(source)
    csv = session.read.options(header=True, escape='"', enforceSchema=False)
    schema = csv.csv(source).schema.add(BROKEN, "string")
    return csv.schema(schema).option("columnNameOfCorruptRecord", BROKEN).csv(source)


def score(
    leads: DataFrame,
    model: Path,
    reasons: int = REASONS,
    max_text: int = Settings.max_text,
    mapping: Mapping[str, str] = UNMAPPED,
    partial: bool = False,
) -> DataFrame:
    """The leads with the columns that `predict.py score` adds, computed when Spark runs the query.

    `model` is a file on the driver. `mapping`: for a column of the table, the one of the model it is.
    `partial`: also score a table that lacks much of what the model goes by. A lead that cannot be scored
    has nothing but its `error`.

    Raises ModelError for a model that cannot be used, and TableError for a table the model cannot
    read or goes by too little of, before anything runs.
    """
    scorer = Scorer(model)
    check_reasons(reasons, scorer)
    given = dict(mapping)  # which goes to the executors, as not every mapping can
    table = ArrowScorer(Engine(scorer, max_text), to_arrow_schema(leads.schema), reasons, given)
    if not partial:
        coverage.check(table.columns, scorer.card)
    added = from_arrow_schema(table.added)
    name = _shipped(model, scorer.card.version, leads.sparkSession.sparkContext)

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = None
        for batch in batches:
            table = table or ArrowScorer(Engine(loaded(name), max_text), batch.schema, reasons, given)
            yield table.score(batch)[0]

    return leads.mapInArrow(scored, StructType([*leads.schema.fields, *added.fields]))


@cache
def loaded(name: str) -> Scorer:
    """The model in this Python worker: read and verified for the first of its tasks, then kept."""
    return Scorer(Path(SparkFiles.get(name)))


def _shipped(model: Path, version: str, context: SparkContext) -> str:
    """Hand the model file to every executor, and return its name there.

    The version is part of it: an application that lives for days may score by a newer model, and
    Spark neither replaces a file nor takes two of one name.
    """
    name = f"{MODEL}-{version}.onnx"
    # Where Spark keeps an application's files, and deletes them when it ends.
    target = Path(SparkFiles.getRootDirectory(), name)
    if not target.exists():
        with replacing(target) as temporary:
            shutil.copyfile(model, temporary)
        context.addFile(str(target))
    return name
