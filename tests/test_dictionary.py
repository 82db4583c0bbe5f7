"""The data dictionary: one place that names columns, and what is wrong in one."""

import ast
import csv
import re
from pathlib import Path

import pytest

from leadscore.columns import ColumnError
from leadscore.dictionary import Dictionary, DictionaryError
from tests.conftest import ROOT, TWIN

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


DATES = (
    MINIMAL
    + """
[[column]]
name = "came"
source = "Came"
role = "feature"
kind = "date"
known = "capture"
part = {part}

[[column]]
name = "closes"
source = "Closes on"
role = "{role}"
kind = "date"
known = "capture"
"""
)


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


def test_reasons_are_of_no_one_file(dictionary: Dictionary) -> None:
    """The dictionary is the original's and the twin's: what the page says of a column has no figure that
    holds for one of them alone.
    """
    for column in dictionary.columns:
        assert not re.search(r"\d", column.why.replace("10 leads", "")), column.name


@pytest.mark.parametrize(
    ("labels", "positive", "negative", "still_open"),
    [
        (
            'positive = "yes"',
            ["yes", " YES ", "true", 1, "1.0", True],
            ["no", "N", 0, False],
            ["", "n/a", None],
        ),
        ('positive = ["Won", "Signed"]', ["won", "SIGNED"], ["no", "No "], ["", None]),
        ("positive = 1", [1, "1", 1.0, "1.0"], ["no"], [""]),
        ('positive = "Won"\nopen = ["Working", "new"]', ["Won"], ["no"], ["working", "New", ""]),
    ],
)
def test_labels_are_the_dictionary_s(
    tmp_path: Path,
    labels: str,
    positive: list[object],
    negative: list[object],
    still_open: list[object],
) -> None:
    """The target takes its labels in any spelling and number; blank and open ones are open."""
    path = tmp_path / "columns.toml"
    path.write_text(MINIMAL.replace('positive = "yes"', labels))
    target = Dictionary.load(path).target
    assert [target.outcome(value) for value in positive] == [1] * len(positive)
    assert [target.outcome(value) for value in negative] == [0] * len(negative)
    assert [target.outcome(value) for value in still_open] == [None] * len(still_open)
    for value in ("2", "maybe", 0.5):
        with pytest.raises(ColumnError, match="expected 'no' or"):
            target.outcome(value)


def test_clock_may_be_missing_and_ignored_columns_are_let_through(tmp_path: Path) -> None:
    """A dictionary without a clock is one, too; what is ignored is neither refused nor read."""
    path = tmp_path / "columns.toml"
    path.write_text(MINIMAL.replace("clock = true", "").replace('role = "id"', 'role = "ignored"'))
    dictionary = Dictionary.load(path)
    assert dictionary.clock is None
    assert not dictionary.columns[1].refused
    assert Dictionary.from_dict(dictionary.to_dict()) == dictionary


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


def test_dictionary_survives_its_own_document(dictionary: Dictionary) -> None:
    """What the model file carries is what training used."""
    assert Dictionary.from_dict(dictionary.to_dict()) == dictionary


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('role = "feature"', 'role = "id"', "at least one column of role 'feature'"),
        ('role = "target"', 'role = "id"', "expected one column of role 'target'"),
        ('positive = "yes"', 'positive = ["yes", "No"]', "a target needs two labels"),
        ('positive = "yes"', 'positive = "yes"\nopen = ["NO"]', "a target needs two labels"),
        ('positive = "yes"', "positive = [[1]]", "positive is [[1]], expected a label or a list"),
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


@pytest.mark.parametrize(
    ("part", "role", "message"),
    [
        ('"days until Closing"', "feature", "counts the days until 'Closing', expected another column"),
        ('"days until Came"', "feature", "counts the days until 'Came', expected another column"),
        ('"days until size"', "feature", "counts the days until 'size', expected another column"),
        ('"days until closes"', "excluded", "counts the days until 'closes', expected another column"),
        ('"days until closes"', "id", "counts the days until 'closes', expected another column"),
        (
            '"days until "',
            "feature",
            "expected of a date one or more of hour, weekday, month, days until",
        ),
        ('["hour", "year"]', "feature", "expected of a date one or more of hour, weekday, month"),
        ('"days until CLOSES ON"', "feature", ""),
        ('["hour", "days until closes"]', "feature", ""),
    ],
)
def test_part_of_a_date_has_to_be_one(tmp_path: Path, part: str, role: str, message: str) -> None:
    """Days are counted until another date that a lead to be scored has, by its name or header."""
    path = tmp_path / "columns.toml"
    path.write_text(DATES.replace("{part}", part).replace("{role}", role))
    if message:
        with pytest.raises(DictionaryError, match=message):
            Dictionary.load(path)
    else:
        dictionary = Dictionary.load(path)
        assert Dictionary.from_dict(dictionary.to_dict()) == dictionary


def test_absent_dictionary_is_an_error_not_a_crash(tmp_path: Path) -> None:
    """A wrong path is named."""
    with pytest.raises(DictionaryError, match="no_such"):
        Dictionary.load(tmp_path / "no_such.toml")
