"""Parquet files of leads, scored in constant memory. Needs pyarrow, which serving does without."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leadscore.scorer import Scorer
from leadscore.serving.csv_text import Header
from leadscore.serving.table import BLOCK, Scored, TableError, TableScorer, Totals


def score(source: Path, target: Path, scorer: Scorer, reasons: int, max_text: int) -> Totals:
    """Score a Parquet file into another one, which gets the columns a CSV gets.

    Raises TableError for a file that is not Parquet or has no column the model reads, and OSError.
    """
    table = TableScorer(scorer, reasons, max_text)
    totals = Totals()
    try:
        with pq.ParquetFile(source) as file:
            header = Header.of(file.schema_arrow.names, scorer.card.dictionary)
            for name, place in header.positions.items():
                if pa.types.is_nested(file.schema_arrow.field(place).type):
                    raise TableError(f"{name} holds lists or structs, expected text or numbers")
            schema = file.schema_arrow
            for name, kind in zip(header.added(reasons), _types(reasons), strict=True):
                schema = schema.append(pa.field(name, kind))
            with pq.ParquetWriter(target, schema) as writer:
                for batch in file.iter_batches(BLOCK):
                    cells = {
                        name: batch.column(place).to_pylist() for name, place in header.positions.items()
                    }
                    scored = table.score(cells, batch.num_rows)
                    added = [
                        pa.array(column, kind)
                        for column, kind in zip(_columns(scored), _types(reasons), strict=True)
                    ]
                    writer.write_batch(pa.record_batch([*batch.columns, *added], schema=schema))
                    totals += scored.totals()
    except pa.ArrowInvalid as error:
        raise TableError(f"not a Parquet file this version of pyarrow reads ({error})") from None
    return totals


def _types(reasons: int) -> list[pa.DataType]:
    """The types of the added columns, in the order of `Header.added`."""
    text = pa.string()
    return [pa.float64(), pa.int64(), text, pa.bool_(), *[text] * reasons, text, text]


def _columns(scored: Scored) -> list[list[object]]:
    """The added columns; a lead with an error has nothing but the error."""
    wrong = [bool(error) for error in scored.errors]
    answers: list[list[object]] = [
        scored.probability.tolist(),
        scored.score.tolist(),
        list(scored.grade),
        scored.converts.tolist(),
        *[list[object](sentences) for sentences in scored.reasons],
    ]
    texts: list[list[object]] = [
        [text or None for text in column] for column in (scored.warnings, scored.errors)
    ]
    return [
        *([None if bad else value for value, bad in zip(c, wrong, strict=True)] for c in answers),
        *texts,
    ]
