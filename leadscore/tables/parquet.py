"""Parquet files of leads, scored in constant memory. Needs pyarrow, which serving does without."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings
from leadscore.tables.arrow import ArrowScorer
from leadscore.tables.block import BLOCK, Totals
from leadscore.tables.mapping import UNMAPPED, ColumnMap, TableError
from leadscore.tables.pool import Score, scored

ROW_GROUP: Final = 10 * BLOCK  # leads of one, as they are read and written


def score(
    leads: Path,
    answers: BinaryIO,
    reasons: int,
    scorer: Scorer,
    settings: Settings,
    mapping: Mapping[str, str] = UNMAPPED,
    accept: Callable[[ColumnMap], None] = lambda columns: None,
) -> Totals:
    """Score a Parquet file into another one, which gets the columns a CSV gets. `mapping`: see
    `ColumnMap.of`. `accept` is told what the columns are, and raises if they will not do.

    Raises TableError for a file that is not Parquet or has no column the model reads, and OSError.
    """
    totals = Totals()
    try:
        with pq.ParquetFile(leads) as file:
            engine = Engine(scorer, settings.max_text)
            table = ArrowScorer(engine, file.schema_arrow, reasons, mapping)
            accept(table.columns)
            build = partial(_arrow_scorer, file.schema_arrow, reasons, dict(mapping))
            with pq.ParquetWriter(answers, table.schema) as writer:
                for batch, found in scored(file.iter_batches(ROW_GROUP), build, scorer, settings):
                    writer.write_batch(batch)
                    totals += found
    except pa.ArrowInvalid as error:
        raise TableError(f"not a Parquet file this version of pyarrow reads ({error})") from None
    return totals


def _arrow_scorer(schema: pa.Schema, reasons: int, mapping: dict[str, str], engine: Engine) -> Score:
    return ArrowScorer(engine, schema, reasons, mapping).score
