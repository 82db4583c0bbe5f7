"""Record batches of leads get the columns a CSV gets, whatever holds their values."""

from decimal import Decimal

import pyarrow as pa
import pytest

from leadscore.scorer import Scorer
from leadscore.serving.arrow import ArrowScorer
from leadscore.serving.table import TableError


def _score(batch: pa.RecordBatch, scorer: Scorer) -> dict[str, list[object]]:
    scored, _ = ArrowScorer(batch.schema, scorer, 1, 1000).score(batch)
    assert scored.schema.metadata == batch.schema.metadata
    columns: dict[str, list[object]] = scored.to_pydict()
    return columns


def test_decimals_and_codes_are_the_values_they_stand_for(scorer: Scorer) -> None:
    """A database's decimals and a dictionary-encoded text score like plain numbers and text."""
    plain = pa.record_batch({"total_visits": [5.0, None], "city": ["Mumbai", None]})
    stored = pa.record_batch(
        {
            "total_visits": pa.array([Decimal("5.00"), None], pa.decimal128(10, 2)),
            "city": pa.array(["Mumbai", None]).dictionary_encode(),
        }
    )
    expected = _score(plain, scorer)
    found = _score(stored.replace_schema_metadata({"kept": "yes"}), scorer)
    assert list(found)[2:] == [
        "probability",
        "score",
        "grade",
        "converts",
        "reason_1",
        "warnings",
        "error",
    ]
    assert {**found, **{name: expected[name] for name in stored.schema.names}} == expected
    assert found["total_visits"] == [Decimal("5.00"), None]


def test_wrong_row_has_its_error_and_spoils_no_other(scorer: Scorer) -> None:
    """Where a cell is wrong every answer is null, and the error says why."""
    rows = _score(pa.record_batch({"total_visits": [-1.0, 1.0], "Lead Quality": ["High", None]}), scorer)
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
        ({"total_visits": [1], "TotalVisits": [1]}, "there twice"),
    ],
)
def test_table_that_cannot_be_read_says_why(
    scorer: Scorer, columns: dict[str, list[object]], message: str
) -> None:
    """It is refused before a row is scored."""
    with pytest.raises(TableError, match=message):
        ArrowScorer(pa.record_batch(columns).schema, scorer, 3, 1000)
