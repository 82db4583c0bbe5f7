"""Parquet files of leads, scored in constant memory. Needs pyarrow, which serving does without."""

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from leadscore.scorer import Scorer
from leadscore.serving.arrow import ArrowScorer
from leadscore.serving.table import BLOCK, TableError, Totals


def score(source: Path, target: BinaryIO, scorer: Scorer, reasons: int, max_text: int) -> Totals:
    """Score a Parquet file into another one, which gets the columns a CSV gets.

    Raises TableError for a file that is not Parquet or has no column the model reads, and OSError.
    """
    totals = Totals()
    try:
        with pq.ParquetFile(source) as file:
            table = ArrowScorer(file.schema_arrow, scorer, reasons, max_text)
            with pq.ParquetWriter(target, table.schema) as writer:
                for batch in file.iter_batches(BLOCK):
                    written, scored = table.score(batch)
                    writer.write_batch(written)
                    totals += scored.totals()
    except pa.ArrowInvalid as error:
        raise TableError(f"not a Parquet file this version of pyarrow reads ({error})") from None
    return totals
