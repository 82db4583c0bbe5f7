"""Leads as objects: read under either of their keys, or refused with everything that is wrong."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscore.columns import LARGEST, ColumnError
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.scoring.reading import LeadReader, WrongLeadsError
from tests.conftest import MODEL

MAX_TEXT = 20
ENGINE = Engine(Scorer(MODEL), MAX_TEXT)
DICTIONARY = ENGINE.card.dictionary
READER = LeadReader(ENGINE)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=MAX_TEXT + 2)
    | st.sampled_from(["Google", " google ", "Select", "5", " 1e3", "nan", "\ud800", "x" * 21, [], {}])
    | st.sampled_from([0, 1, False, True, 0.0, 1.0])
)
LEADS = st.dictionaries(st.sampled_from([*DICTIONARY.by_key, "colour"]), VALUES, max_size=12)


def _same(found: object, expected: object) -> bool:
    """Equal, and of one type; NaN is NaN."""
    if isinstance(found, float) and isinstance(expected, float) and math.isnan(expected):
        return math.isnan(found)
    return type(found) is type(expected) and found == expected


def _is_id(value: object) -> bool:
    if value is None or isinstance(value, str):
        return value is None or (len(value) <= MAX_TEXT and value.isprintable())
    return isinstance(value, int | float) and type(value) is not bool and abs(value) <= LARGEST


def _right(key: str, value: object) -> bool:
    """Whether a lead may have this value under this key, by the data dictionary."""
    column = DICTIONARY.by_key.get(key)
    if column is None or column.role not in ("feature", "id"):
        return False
    if column.role == "id":
        return _is_id(value)
    try:
        column.read(value)
    except ColumnError:
        return False
    return not isinstance(value, str) or len(value) <= MAX_TEXT


def _wrong_keys(lead: dict[str, object]) -> set[str]:
    wrong, seen = set(), set()
    for key, value in lead.items():
        column = DICTIONARY.by_key.get(key)
        if not _right(key, value) or (column and column.name in seen):
            wrong.add(key)
        if column:
            seen.add(column.name)
    return wrong


@given(st.lists(LEADS, min_size=1, max_size=4))
@settings(max_examples=400)
def test_every_lead_is_read_or_all_that_is_wrong_is_named(leads: list[dict[str, object]]) -> None:
    """Any value in any column: the value its column reads and the ids as sent, or each wrong value once,
    at its lead's number and under the key the caller used.
    """
    expected = {(place, key) for place, lead in enumerate(leads) for key in _wrong_keys(lead)}
    try:
        read, ids = READER.read(leads)
    except WrongLeadsError as error:
        places = [wrong.place for wrong in error.errors]
        assert set(places) == expected != set()
        assert len(places) == len(expected)
        for wrong in error.errors:
            place, key = wrong.place
            assert isinstance(place, int)
            assert isinstance(key, str)
            assert wrong.error.column == key
            assert wrong.error.value is leads[place][key]
        return
    assert expected == set()
    for place, lead in enumerate(leads):
        named = {DICTIONARY.by_key[key].name: value for key, value in lead.items()}
        for column, meanings in zip(DICTIONARY.features, read, strict=True):
            assert _same(meanings[place].value, column.read(named.get(column.name)))
        sent = {c.name: named[c.name] for c in DICTIONARY.ids if named.get(c.name) is not None}
        assert ids[place] == sent
        assert all(_same(ids[place][name], value) for name, value in sent.items())


def test_true_is_refused_where_one_was_read_before() -> None:
    """Equal values of other types, in the same batch and in an earlier one."""
    READER.read([{"total_visits": 1}])
    with pytest.raises(WrongLeadsError) as caught:
        READER.read([{"TotalVisits": 1}, {"TotalVisits": True}, {"TotalVisits": 1.0}])
    (wrong,) = caught.value.errors
    assert wrong.place == (1, "TotalVisits")
    assert wrong.error.value is True


def test_error_has_the_caller_s_key_whatever_key_came_before() -> None:
    """The same wrong value under the name and under the header is called by what was sent."""
    for key in ("total_visits", "TotalVisits", "total_visits"):
        with pytest.raises(WrongLeadsError, match=rf"{key}: got -1, expected a number") as caught:
            READER.read([{key: -1}])
        assert caught.value.errors[0].place == (0, key)


@pytest.mark.parametrize("raw", [None, 5, "lead", [], [["city", "Mumbai"]]], ids=repr)
def test_what_is_no_object_is_refused(raw: object) -> None:
    """It is named by its place; what is wrong with the other leads is named with it."""
    with pytest.raises(WrongLeadsError, match="an object of columns") as caught:
        READER.read([{}, raw, {"city": 5}])
    assert [wrong.place for wrong in caught.value.errors] == [(1,), (2, "city")]


@pytest.mark.parametrize(
    ("lead", "key", "expected"),
    [
        ({"tags": "Ringing"}, "tags", "left out: Written by the salesperson"),
        ({"Converted": 1}, "Converted", "left out: What is predicted"),
        ({"nonsense": 1}, "nonsense", "one of the columns lead_origin, "),
        ({"city": "Pune", "City": "Pune"}, "City", "also given as 'city'"),
        ({"city": "x" * (MAX_TEXT + 1)}, "city", f"text of at most {MAX_TEXT} characters"),
        ({"Lead Number": "\n"}, "Lead Number", "an id: printable text or a number"),
        ({"lead_number": math.inf}, "lead_number", "an id: printable text or a number"),
    ],
)
def test_what_was_expected_is_said(lead: dict[str, object], key: str, expected: str) -> None:
    """A column that is excluded says why, an unknown one what there is, a doubled one its other key."""
    with pytest.raises(WrongLeadsError) as caught:
        READER.read([lead])
    ((place, error),) = caught.value.errors
    assert place == (0, key)
    assert expected in error.expected


def test_no_leads_are_no_error() -> None:
    """An empty list is read as one: a column of no meanings for each feature."""
    read, ids = READER.read([])
    assert (ids, [len(column) for column in read]) == ([], [0] * len(DICTIONARY.features))
