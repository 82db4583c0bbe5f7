"""The leads of a request: the quick way reads what the careful one reads, or leaves it to that."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscore.columns import ColumnError, Dictionary, LeadError
from leadscore.serving.leads import Reader
from tests.conftest import ROOT

MAX_TEXT = 20
DICTIONARY = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
READER = Reader(DICTIONARY, MAX_TEXT)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=MAX_TEXT + 2)
    | st.sampled_from(["Google", " google ", "Select", "5", " 1e3", "nan", "\ud800", "x" * 21, [], {}])
)
LEADS = st.dictionaries(st.sampled_from([*DICTIONARY.by_key, "colour"]), VALUES, max_size=12)


def _same(found: object, expected: object) -> bool:
    """Equal, and of one type; NaN is NaN."""
    if isinstance(found, float) and isinstance(expected, float) and math.isnan(expected):
        return math.isnan(found)
    return type(found) is type(expected) and found == expected


@given(LEADS)
@settings(max_examples=1000)
def test_quick_and_careful_reading_agree(raw: dict[str, object]) -> None:
    """Any value in any column: the same clean lead and ids; what one refuses the other does not take."""
    found = READER.many([raw])
    try:
        lead, ids = READER.carefully(raw)
    except (ColumnError, LeadError):
        assert found is None
        return
    assert found is not None
    assert found.columns.keys() == lead.keys()
    assert all(_same(found.columns[name][0], value) for name, value in lead.items())
    assert found.ids == [ids]


@given(st.lists(LEADS, min_size=1, max_size=4))
def test_one_lead_s_error_is_not_another_s(raw: list[dict[str, object]]) -> None:
    """A batch is read quickly if each of its leads is, and its leads stay in order."""
    alone = [READER.many([lead]) for lead in raw]
    together = READER.many(raw)
    assert (together is None) == any(found is None for found in alone)
    if together:
        for place, found in enumerate(alone):
            assert found is not None
            assert found.ids == [together.ids[place]]
            for name, (value,) in found.columns.items():
                assert _same(together.columns[name][place], value)


@pytest.mark.parametrize("raw", [None, 5, "lead", [], [["city", "Mumbai"]]])
def test_what_is_no_object_is_refused(raw: object) -> None:
    """Neither way takes it for a lead."""
    assert READER.many([raw]) is None
    with pytest.raises(ColumnError, match="an object of columns"):
        READER.one(raw)


def test_columns_are_read_as_leads_are() -> None:
    """One that is absent is missing; one that is unknown or wrong is left to the careful way."""
    values = {"total_visits": [1, None, 2.5], "city": ["Mumbai", "Select", ""]}
    by_column = READER.columns(values, 3)
    leads = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    by_lead = READER.many(leads)
    assert by_column is not None
    assert by_lead is not None
    for name, expected in by_lead.columns.items():
        assert all(map(_same, by_column.columns[name], expected))
    assert READER.columns({**values, "tags": ["x"] * 3}, 3) is None
    assert READER.columns({**values, "total_visits": [1, 2, -1]}, 3) is None


def test_memory_of_texts_is_bounded() -> None:
    """A caller who sends ever new texts fills no memory, and gets them read all the same."""
    for number in range(5000):
        found = READER.one({"city": f"city {number}"})
        assert found.columns["city"] == [f"city {number}"]
    (read,) = (read for name, read in READER._reads.items() if name == "city")
    assert read.cache_info().currsize <= 256
