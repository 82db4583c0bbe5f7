"""The data dictionary, and how a raw value becomes a model input."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.columns import LARGEST, Column, ColumnError, show, tensor
from leadscore.dictionary import Dictionary, DictionaryError
from leadscore.values import MARKERS, TRUTH, level_key

NUMBER = Column("visits", "Visits", "feature", "number", "capture", "why", minimum=0)
TEXT = Column(
    "source",
    "Lead Source",
    "feature",
    "category",
    "capture",
    "why",
    aliases={"google": "Google"},
    missing=frozenset({"Select"}),
)


@pytest.mark.parametrize("value", [None, "", "  ", math.nan, np.float32("nan")])
@pytest.mark.parametrize("column", [NUMBER, TEXT], ids=["number", "text"])
def test_missing_is_one_state(column: Column, value: object) -> None:
    """null, blank and NaN read the same, whatever the column."""
    read = column.read(value)
    assert read == "" or math.isnan(float(read))


def test_missing_markers_and_aliases_come_from_the_dictionary() -> None:
    """'Select' means missing and 'google' means 'Google' only because the dictionary says so."""
    plain = replace(TEXT, aliases={}, missing=frozenset())
    for spelling in (" Select ", "select", "SELECT"):
        assert TEXT.read(spelling) == ""
        assert plain.read(spelling) == spelling.strip()
    for spelling in ("google", "Google ", "GOOGLE"):
        assert TEXT.read(spelling) == "Google"
        assert plain.read(spelling) == spelling.strip()
    assert math.isnan(float(replace(NUMBER, missing=frozenset({"x"})).read("X")))


@pytest.mark.parametrize(
    "marker", [*MARKERS, *map(str.lower, MARKERS), *map(str.upper, MARKERS), " n/a "]
)
def test_usual_markers_are_missing_everywhere(marker: str) -> None:
    """What exports write where nothing is known is missing, unless the dictionary says what it means."""
    assert TEXT.read(marker) == ""
    assert math.isnan(float(NUMBER.read(marker)))
    assert replace(TEXT, aliases={marker: "Namibia"}).read(marker) == "Namibia"


@pytest.mark.parametrize(
    "spelling", ["web form", "WEB FORM", " Web  form ", "Web\u00a0Form", "\uff37eb form"]
)
def test_levels_are_read_in_any_spelling(spelling: str) -> None:
    """Case, width and spaces make no other level; the known spelling counts and is shown."""
    column = replace(TEXT, levels=("Web Form", "Google"))
    assert column.read(spelling) == "Web Form"
    assert column.read("web forms") == "web forms"
    assert column.read(" new   level ") == "new level"


@pytest.mark.parametrize(
    "levels", [("Yes", "No"), ("1", "0"), ("true", "FALSE"), ("0.0", "1.0"), ("N", "Y")]
)
def test_yes_and_no_are_read_in_any_words_and_types(levels: tuple[str, str]) -> None:
    """A column of two such levels takes all words, and the types that mean them; never the opposite."""
    column = replace(TEXT, levels=levels)
    for truth, words in (
        (True, ["yes", "TRUE", "t", "Y", "1", "1.0", True, 1, 1.0, np.bool_(True), np.int8(1)]),
        (False, ["no", "False", "f", "N", "0", "0.0", False, 0, 0.0, -0.0, np.float32(0)]),
    ):
        expected = next(level for level in levels if TRUTH[level_key(level)] is truth)
        assert {column.read(word) for word in words} == {expected}
    assert column.read("maybe") == "maybe"
    wrong: list[object] = [2, 0.5, math.inf, [], b"1"]
    for value in wrong:
        with pytest.raises(ColumnError):
            column.read(value)


def test_numbers_are_levels_where_levels_are_numbers() -> None:
    """A class of 1, 2 or 3 may come as a number; a zip code keeps its zeros; True is no class."""
    column = replace(TEXT, levels=("1", "2", "3", "007"))
    assert [column.read(value) for value in (1, 2.0, "3.0", np.float64(1), 4, "007", "7", 2.5)] == [
        *["1", "2", "3", "1", "4", "007", "7", "2.5"],
    ]
    for value in (True, math.inf, 10**400):
        with pytest.raises(ColumnError):
            column.read(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), (2.5, 2.5), ("5", 5), (" 1e3 ", 1000), ("+.5", 0.5), ("5.", 5), (np.int64(3), 3), (0, 0)],
)
def test_numbers_are_read_from_json_and_from_text(value: object, number: float) -> None:
    """A CSV cell and a JSON number give the same number."""
    assert NUMBER.read(value) == number


@pytest.mark.parametrize(
    "value",
    [
        *["five", "1_000", "1,5,5", "1 2", "inf", "٣", "0x1F", "1e400", "-0.5", 1e39, 10**400, math.inf],
        *[-math.inf, -1, True, [], {}, b"5", object()],
    ],
)
def test_what_is_no_legal_number_is_refused(value: object) -> None:
    """Nothing turns silently into another number, an infinity or a missing value."""
    with pytest.raises(ColumnError, match=r"visits: got .*, expected a number of at least 0 or null"):
        NUMBER.read(value)


@pytest.mark.parametrize("value", [5, 1.5, True, [], {}, b"x", "\ud800"])
def test_what_is_no_text_is_refused(value: object) -> None:
    """A number for a category is a mistake, and half a surrogate pair no text."""
    with pytest.raises(ColumnError, match="source: got"):
        TEXT.read(value)


@given(st.text())
def test_any_valid_text_is_read(value: str) -> None:
    """Every text a CSV or JSON document can carry is a level, seen or unseen."""
    assert isinstance(TEXT.read(value), str)


@given(st.floats(min_value=0, max_value=LARGEST))
def test_any_legal_number_stays_finite_in_float32(value: float) -> None:
    """No number that is accepted becomes infinite in the model."""
    assert np.isfinite(np.float32(NUMBER.read(value)))


def test_error_keeps_the_value_as_it_was_sent() -> None:
    """Whoever is told what is wrong finds it in what was sent."""
    for value in ("many", [5], -1, "x" * 1000, True):
        with pytest.raises(ColumnError) as caught:
            NUMBER.read(value)
        assert caught.value.value is value
        assert caught.value.column == "visits"


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_tensors_have_the_shapes_and_types_the_graph_reads(rows: int) -> None:
    """One (n, 1) array for a feature, float32 with NaN or text with ''; also for no leads at all."""
    numbers, texts = tensor(NUMBER, [math.nan] * rows), tensor(TEXT, [""] * rows)
    assert numbers.shape == texts.shape == (rows, 1)
    assert (numbers.dtype, texts.dtype) == (np.dtype(np.float32), np.dtype(object))
    assert np.isnan(numbers).all()
    assert (texts == "").all()


ONE_LINE_EACH = """
moments = ["signup", "first call"]
column = [
  { name = "size", source = "Size", role = "feature", kind = "number", known = "signup" },
  { name = "mood", source = "Mood", role = "feature", kind = "category", known = "first call" },
  { name = "day", source = "Day", role = "id", kind = "category", known = "signup", clock = true },
  { name = "won", source = "Won", role = "target", kind = "category", known = "first call", positive = "yes", negative = "no" },
]
"""  # noqa: E501  (one-line tables have one line)


def test_dictionary_in_one_line_a_column(tmp_path: Path) -> None:
    """Moments have the dictionary's own names, a reason may be left out, and a column takes a line."""
    path = tmp_path / "columns.toml"
    path.write_text(ONE_LINE_EACH)
    dictionary = Dictionary.load(path)
    assert [c.name for c in dictionary.known_at("signup").features] == ["size"]
    assert [c.name for c in dictionary.known_at("first call").features] == ["size", "mood"]
    mood = dictionary.known_at("signup").find("Mood")
    assert mood
    assert mood.reason == "the data dictionary gives no reason"
    assert Dictionary.from_dict(dictionary.to_dict()) == dictionary
    with pytest.raises(DictionaryError, match="no moment 'capture', expected one of signup, first call"):
        dictionary.known_at("capture")


def test_quoted_values_stay_short_and_printable() -> None:
    """An error message can quote any value."""
    assert show("\ud800\n") == r"'\ud800\n'"
    assert len(show("x" * 10_000)) < 120
