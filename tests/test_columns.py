"""The data dictionary, and how a raw value becomes a model input."""

import ast
import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.columns import (
    LARGEST,
    Column,
    ColumnError,
    Dictionary,
    DictionaryError,
    show,
    tensor,
)
from leadscore.values import MARKERS, TRUTH, level_key
from tests.conftest import ROOT, TWIN

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

MINIMAL = """
[[column]]
name = "size"
source = "Size"
role = "feature"
kind = "number"
known = "capture"
why = "Known."

[[column]]
name = "day"
source = "Day"
role = "id"
kind = "category"
known = "capture"
why = "The clock."
clock = true

[[column]]
name = "won"
source = "Won"
role = "target"
kind = "category"
known = "contacted"
why = "The outcome."
positive = "yes"
negative = "no"
"""


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def test_dictionary_and_shipped_header_name_the_same_columns(dictionary: Dictionary) -> None:
    """No column of the CSV is left undecided, and none is decided that is not there."""
    assert sorted(column.source for column in dictionary.columns) == sorted(_header(TWIN))


def test_dictionary_and_original_header_name_the_same_columns(
    dictionary: Dictionary, original_csv: Path
) -> None:
    """The shipped file has the original's columns in the original's order."""
    assert sorted(column.source for column in dictionary.columns) == sorted(_header(original_csv))
    assert _header(TWIN) == _header(original_csv)


def test_no_code_names_a_column(dictionary: Dictionary) -> None:
    """A column is named in data/columns.toml and nowhere else in the code."""
    # Words that also mean something else in code.
    ordinary = {"Search", "City", "Country", "Tags", "Magazine", "search", "city", "country", "tags"}
    keys = dictionary.by_key.keys() - ordinary - {"converted", "Converted"}
    sources = [*ROOT.glob("*.py"), *ROOT.glob("leadscore/**/*.py"), *ROOT.glob("data/*.py")]
    found = [
        (path.name, node.value)
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in keys
    ]
    assert len(sources) > 50
    assert found == []


def test_every_reason_is_a_sentence(dictionary: Dictionary) -> None:
    """Each column says why it has its role."""
    for column in dictionary.columns:
        assert column.why[0].isupper(), column.name
        assert column.why.endswith("."), column.name


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
    assert math.isnan(replace(NUMBER, missing=frozenset({"x"})).read("X"))


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
    for value in (2, 0.5, math.inf, [], b"1"):
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


def test_labels_are_the_dictionary_s(dictionary: Dictionary) -> None:
    """The target takes its two labels and nothing else."""
    assert [dictionary.target.outcome(value) for value in ("1", " 0 ", 1, 0)] == [1, 0, 1, 0]
    for value in ("", "2", "yes", None, 0.5):
        with pytest.raises(ColumnError, match="expected '0' or '1'"):
            dictionary.target.outcome(value)


def test_error_keeps_the_value_as_it_was_sent() -> None:
    """Whoever is told what is wrong finds it in what was sent."""
    for value in ("many", [5], -1, "x" * 1000, True):
        with pytest.raises(ColumnError) as caught:
            NUMBER.read(value)
        assert caught.value.value is value
        assert caught.value.column == "visits"


def test_columns_are_found_by_name_and_by_header(capture: Dictionary) -> None:
    """A lead may use either; what may not be sent says so."""
    by_key = capture.by_key
    assert by_key["TotalVisits"] is by_key["total_visits"]
    assert len(by_key) == len({key for c in capture.columns for key in (c.name, c.source)})
    assert by_key["tags"].refused
    assert by_key["Converted"].refused
    assert not by_key["city"].refused
    assert not by_key["Lead Number"].refused


def test_later_columns_are_excluded_from_a_model_of_an_earlier_moment(dictionary: Dictionary) -> None:
    """The default model cannot be fed what only a contact reveals."""
    counts = [len(dictionary.known_at(m).features) for m in ("capture", "engaged", "contacted")]
    assert counts == sorted(set(counts))
    assert all(column.known == "capture" for column in dictionary.known_at("capture").features)
    assert "tags" in {column.name for column in dictionary.known_at("capture").excluded}


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_tensors_have_the_shapes_and_types_the_graph_reads(rows: int) -> None:
    """One (n, 1) array for a feature, float32 with NaN or text with ''; also for no leads at all."""
    numbers, texts = tensor(NUMBER, [math.nan] * rows), tensor(TEXT, [""] * rows)
    assert numbers.shape == texts.shape == (rows, 1)
    assert (numbers.dtype, texts.dtype) == (np.float32, object)
    assert np.isnan(numbers).all()
    assert (texts == "").all()


def test_dictionary_survives_its_own_document(dictionary: Dictionary) -> None:
    """What the model file carries is what training used."""
    assert Dictionary.from_dict(dictionary.to_dict()) == dictionary


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('role = "feature"', 'role = "id"', "at least one column of role 'feature'"),
        ('role = "target"', 'role = "id"', "expected one column of role 'target'"),
        ("clock = true", "", "clock = true on one id column"),
        ('name = "size"', 'name = "day"', "column 'day': 'day' reads like 'day' of column 'day'"),
        ('source = "Size"', 'source = "Day"', "'day': 'day' reads like 'Day' of column 'size'"),
        ('source = "Size"', 'source = "d-a y"', "'day': 'day' reads like 'd-a y' of column 'size'"),
        ('name = "size"', 'name = "Size"', "column 'Size': expected a snake_case name"),
        ('name = "size"', "", "column 'without a name': 'name' is missing"),
        ('kind = "number"', 'kind = "numeric"', "kind is 'numeric', expected one of number, category"),
        ('known = "capture"', 'known = "later"', "known is 'later', expected one of capture, engaged"),
        ("[[column]]", "moments = []\n[[column]]", "moments is [], expected a list"),
        ("[[column]]", 'moments = ["a", "a"]\n[[column]]', "moments is ['a', 'a'], expected a list"),
        ("[[column]]", 'moments = ["a"]\n[[column]]', "known is 'capture', expected one of a"),
        ('why = "Known."', 'why = "Known."\ncolour = "red"', "column 'size': unknown key 'colour'"),
        ('positive = "yes"', 'positive = "no"', "a target needs two labels"),
        ('positive = "yes"', "", "a target needs two labels"),
        (
            'why = "Known."',
            'why = "Known."\nclock = true',
            "clock = true belongs to a column of role 'id'",
        ),
        ("[[column]]", "[[columns]]", "unknown key 'columns'"),
        ('why = "Known."', "why = Known", "Invalid value"),
    ],
)
def test_broken_dictionary_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A mistake in a data dictionary is named with its file and its column."""
    path = tmp_path / "columns.toml"
    path.write_text(MINIMAL.replace(old, new, 1))
    with pytest.raises(DictionaryError) as caught:
        Dictionary.load(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


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
    assert dictionary.known_at("signup").find("Mood").reason == "the data dictionary gives no reason"
    assert Dictionary.from_dict(dictionary.to_dict()) == dictionary
    with pytest.raises(DictionaryError, match="no moment 'capture', expected one of signup, first call"):
        dictionary.known_at("capture")


def test_absent_dictionary_is_an_error_not_a_crash(tmp_path: Path) -> None:
    """A wrong path is named."""
    with pytest.raises(DictionaryError, match="no_such"):
        Dictionary.load(tmp_path / "no_such.toml")


def test_quoted_values_stay_short_and_printable() -> None:
    """An error message can quote any value."""
    assert show("\ud800\n") == r"'\ud800\n'"
    assert len(show("x" * 10_000)) < 120
