"""Arrow record batches of leads, scored: those of a Parquet file, or of a table on Spark.

Needs pyarrow, which serving does without. Each distinct value of a batch is read once; a Parquet file
mostly stores its texts so.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import pyarrow as pa

from leadscore.scoring.engine import Engine
from leadscore.scoring.meaning import Meaning, Vocabulary
from leadscore.tables.block import BLOCK, Answered, Totals, answer
from leadscore.tables.mapping import UNMAPPED, ColumnMap, TableError


class ArrowScorer:
    """Adds the columns a CSV gets to record batches of one schema.

    `added`: the schema of these columns; `schema`: the batches' own followed by it. `mapping`: see
    `ColumnMap.of`.

    Raises TableError if the model reads none of the columns, or one of them is nested.
    """

    def __init__(
        self,
        engine: Engine,
        schema: pa.Schema,
        reasons: int,
        mapping: Mapping[str, str] = UNMAPPED,
    ) -> None:
        self._engine, self._reasons = engine, reasons
        self.columns = ColumnMap.of(schema.names, engine.card.dictionary, mapping)
        lists = {column.name for column in engine.card.dictionary.wholes if column.kind == "list"}
        for name, place in self.columns.positions.items():
            if pa.types.is_nested(schema.field(place).type) and name not in lists:
                raise TableError(f"{name} holds lists or structs, expected text or numbers")
        text = pa.string()
        names = self.columns.added(reasons)
        types = [pa.float64(), pa.int64(), text, pa.bool_(), *[text] * (len(names) - 4)]
        self.added = pa.schema(zip(names, types, strict=True))
        self.schema = pa.schema([*schema, *self.added], schema.metadata)

    def score(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Totals]:
        """Score a batch of leads: the batch with the columns added, and their totals."""
        starts = range(0, max(batch.num_rows, 1), BLOCK)
        blocks = [self._answered(batch.slice(start, BLOCK)) for start in starts]
        totals = sum((answered.totals() for answered in blocks), Totals())
        added = [
            pa.concat_arrays([pa.array(part, field.type, from_pandas=True) for part in parts])
            for parts, field in zip(
                zip(*map(self._columns_of, blocks), strict=True), self.added, strict=True
            )
        ]
        return pa.record_batch([*batch.columns, *added], schema=self.schema), totals

    def _answered(self, batch: pa.RecordBatch) -> Answered:
        columns = {name: batch.column(place) for name, place in self.columns.positions.items()}
        for column in self._engine.dates:
            if column.name in columns:
                columns[column.name] = list(map(_plain, columns[column.name].to_pylist()))
        leads = self._engine.read(columns, batch.num_rows, _meanings)
        return answer(self._engine, leads, self._reasons)

    def _columns_of(self, answered: Answered) -> Iterator[object]:
        """The added columns, in the order of `ColumnMap.added`."""
        yield answered.probability
        yield from (answered.score, answered.grade, answered.converts, *answered.texts())
        yield from ([text or None for text in texts] for texts in (answered.warnings, answered.errors))
        yield [self._engine.card.version] * len(answered.errors)


def _meanings(vocabulary: Vocabulary, column: pa.Array | list[object]) -> list[Meaning]:
    """The meaning of each value; each distinct one of an array is read once."""
    if isinstance(column, list):
        return vocabulary.read(column)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_nested(column.type) or pa.types.is_temporal(column.type):
        return vocabulary.read([_plain(value) for value in column.to_pylist()])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    distinct = [*vocabulary.read(column.dictionary.to_pylist()), vocabulary.missing]
    codes = column.indices.fill_null(len(distinct) - 1).to_pylist()
    return [distinct[code] for code in codes]


def _plain(value: object) -> object:
    """A date as text."""
    return value.isoformat() if isinstance(value, date) else value
