"""Arrow record batches of leads, scored: those of a Parquet file, or of a table on Spark.

Needs pyarrow, which serving does without.
"""

import pyarrow as pa

from leadscore.scorer import Scorer
from leadscore.serving.csv_text import Header
from leadscore.serving.table import Scored, TableError, TableScorer


class ArrowScorer:
    """Adds the columns a CSV gets to record batches of one schema.

    `added`: the schema of these columns; `schema`: the batches' own followed by it.

    Raises TableError if the model reads none of the columns, or one of them is nested.
    """

    def __init__(self, schema: pa.Schema, scorer: Scorer, reasons: int, max_text: int) -> None:
        self.header = Header.of(schema.names, scorer.card.dictionary)
        for name, place in self.header.positions.items():
            if pa.types.is_nested(schema.field(place).type):
                raise TableError(f"{name} holds lists or structs, expected text or numbers")
        self._types = _types(reasons)
        self.added = pa.schema(zip(self.header.added(reasons), self._types, strict=True))
        self.schema = pa.schema([*schema, *self.added], schema.metadata)
        self._table = TableScorer(scorer, reasons, max_text)

    def score(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Scored]:
        """Score a batch of up to BLOCK leads: the batch with the columns added, and the answers."""
        cells = {name: _cells(batch.column(place)) for name, place in self.header.positions.items()}
        scored = self._table.score(cells, batch.num_rows)
        added = [
            pa.array(column, kind) for column, kind in zip(_columns(scored), self._types, strict=True)
        ]
        return pa.record_batch([*batch.columns, *added], schema=self.schema), scored


def _cells(column: pa.Array) -> list[object]:
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    cells: list[object] = column.to_pylist()
    return cells


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
