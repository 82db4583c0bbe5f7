"""Record batches of leads get the columns a CSV gets, whatever holds their values."""

from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow.csv import read_csv

from leadscore.scoring.engine import Engine
from leadscore.tables.arrow import ArrowScorer
from leadscore.tables.mapping import TableError
from tests.conftest import TWIN


def _score(batch: pa.RecordBatch, engine: Engine) -> dict[str, list[object]]:
    scored, _ = ArrowScorer(engine, batch.schema, 1).score(batch)
    assert scored.schema.metadata == batch.schema.metadata
    columns: dict[str, list[object]] = scored.to_pydict()
    return columns


def test_decimals_and_codes_are_the_values_they_stand_for(engine: Engine) -> None:
    """A database's decimals and a dictionary-encoded text score like plain numbers and text."""
    plain = pa.record_batch({"total_visits": [5.0, None], "city": ["Mumbai", None]})
    stored = pa.record_batch(
        {
            "total_visits": pa.array([Decimal("5.00"), None], pa.decimal128(10, 2)),
            "city": pa.array(["Mumbai", None]).dictionary_encode(),
        }
    )
    expected = _score(plain, engine)
    found = _score(stored.replace_schema_metadata({"kept": "yes"}), engine)
    assert list(found)[2:] == [
        "probability",
        "score",
        "grade",
        "converts",
        "action",
        "reason_1",
        "warnings",
        "error",
        "model_version",
    ]
    assert {**found, **{name: expected[name] for name in stored.schema.names}} == expected
    assert found["total_visits"] == [Decimal("5.00"), None]


@pytest.mark.parametrize("start", [0, 7, 500])
def test_dictionary_column_scores_as_a_plain_one(engine: Engine, start: int) -> None:
    """A Parquet file that stores each text once, and a slice of one, has the answers of plain texts."""
    table = read_csv(TWIN).slice(start, 200).combine_chunks()
    (plain,) = table.to_batches()
    coded = [c.dictionary_encode() if pa.types.is_string(c.type) else c for c in plain.columns]
    stored = pa.record_batch(coded, names=plain.schema.names)
    assert pa.types.is_dictionary(stored.schema.field("City").type)
    assert _score(stored, engine) == _score(plain, engine)
    part = slice(50, 60)
    expected = {name: values[part] for name, values in _score(plain, engine).items()}
    assert _score(stored.slice(50, 10), engine) == expected


def test_batch_without_rows_has_its_columns(engine: Engine) -> None:
    """An empty part of a file or of a table is answered by an empty part with all columns."""
    batch = pa.record_batch({"city": pa.array([], pa.string())})
    scored, totals = ArrowScorer(engine, batch.schema, 3).score(batch)
    assert scored.num_rows == totals.leads == 0
    assert scored.schema.names[6:9] == ["reason_1", "reason_2", "reason_3"]


def test_values_nobody_uses_are_no_errors(engine: Engine) -> None:
    """A dictionary may hold texts that no row has, nulls, and the same text twice."""
    city = pa.DictionaryArray.from_arrays(
        pa.array([0, None, 3, 2]), pa.array(["Pune", "x" * 5000, None, "Pune"])
    )
    found = _score(pa.record_batch({"city": city}), engine)
    plain = pa.record_batch({"city": ["Pune", None, "Pune", None]})
    assert found == {**_score(plain, engine), "city": ["Pune", None, "Pune", None]}
    assert found["error"] == [None] * 4


def test_booleans_and_other_types_are_errors_of_their_rows(engine: Engine) -> None:
    """A column of a type the model does not take aborts nothing: each row says what was expected."""
    found = _score(pa.record_batch({"total_visits": [True, None], "city": [1, None]}), engine)
    assert "TotalVisits: got True, expected a number" in str(found["error"][0])
    assert "City: got 1, expected text" in str(found["error"][0])
    assert found["error"][1] is None


def test_wrong_row_has_its_error_and_spoils_no_other(engine: Engine) -> None:
    """Where a cell is wrong every answer is null, and the error says why."""
    rows = _score(pa.record_batch({"total_visits": [-1.0, 1.0], "Lead Quality": ["High", None]}), engine)
    assert rows["probability"][0] is None
    assert rows["score"][0] is None
    assert rows["converts"][0] is None
    assert "TotalVisits: got -1.0" in str(rows["error"][0])
    assert rows["error"][1] is None
    assert isinstance(rows["probability"][1], float)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"total_visits": [[1]]}, "total_visits holds lists or structs"),
        ({"note": ["x"]}, "names no column the model reads"),
        ({"total_visits": [1], "TotalVisits": [1]}, "are both"),
    ],
)
def test_table_that_cannot_be_read_says_why(
    engine: Engine, columns: dict[str, list[object]], message: str
) -> None:
    """It is refused before a row is scored."""
    with pytest.raises(TableError, match=message):
        ArrowScorer(engine, pa.record_batch(columns).schema, 3)
