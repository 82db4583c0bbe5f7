"""The header is found below what reports and spreadsheets put above it."""

import pytest

from leadscore.dictionary import Dictionary
from leadscore.tables.heading import BOM, DELIMITERS, LINES, LONGEST, Heading, heading
from tests.conftest import ROOT

DICTIONARY = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
HEADER = "Lead Number;Lead Source;City\r"
LEAD = "1;Google;Pune\r"


def _found(*lines: str) -> Heading:
    return heading(iter(lines), DICTIONARY)


@pytest.mark.parametrize(
    ("above", "titles"),
    [
        ([], 0),
        (["", "\r"], 0),
        (["Open leads;;\r", ";;\r"], 1),
        (["Open leads, by City\r", '"As of 2024-11-01 09:00"\r', "\r"], 2),
        (["City;equals;Pune\r", "Source\r"], 2),
        (["sep=;\r"], 0),
        (["SEP=;;;\r", "Open leads;;\r"], 1),
        (['"an open quote\r'], 1),
        (["title"] * (LINES - 1), LINES - 1),
    ],
)
def test_lines_above_the_header_are_skipped(above: list[str], titles: int) -> None:
    """Titles, filters, blank lines, Excel's `sep=`: the header is the line that names most columns."""
    found = _found(*above, HEADER, LEAD)
    assert (found.delimiter, found.marked, found.titles) == (";", False, titles)
    assert list(found.lines) == [HEADER, LEAD]


@pytest.mark.parametrize("first", [f"{BOM}sep=;", f"{BOM}a title", BOM])
def test_mark_before_what_is_skipped_is_kept_in_mind(first: str) -> None:
    """The answer has the byte order mark that the file had."""
    found = _found(first, HEADER)
    assert found.marked
    assert list(found.lines) == [HEADER]


def test_sep_line_decides_the_delimiter() -> None:
    """Also one that would not be guessed."""
    found = _found("sep=#", "City#Lead Source", "Pune#Google")
    assert (found.delimiter, list(found.lines)) == ("#", ["City#Lead Source", "Pune#Google"])


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("names", [("#", "City"), ("City", "%"), ("City", ""), ("№", "Shoe size")])
def test_a_header_may_be_a_sign(delimiter: str, names: tuple[str, str]) -> None:
    """A name is the same without signs, and yet "#;City" is two columns."""
    assert _found(delimiter.join(names), delimiter.join("1x")).delimiter == delimiter


def test_header_may_span_lines() -> None:
    """Cells of a header may have line breaks, before the columns that are known, too."""
    lines = ["Open leads", '"a long', 'note";City;Lead Source', "x;Pune;Google"]
    found = _found(*lines)
    assert (found.delimiter, found.titles, list(found.lines)) == (";", 1, lines[1:])


def test_first_of_equal_lines_is_the_header() -> None:
    """A lead whose values are called like columns is no header."""
    assert list(_found("City,Tags", "City,Tags").lines) == ["City,Tags", "City,Tags"]


def test_without_a_known_column_the_first_line_stands() -> None:
    """So that the error speaks of it."""
    for lines in ([], ["a,b", "1,2"], ["x"] * (LINES + 5)):
        found = _found(*lines)
        assert (found.titles, list(found.lines)) == (0, lines)


def test_header_is_waited_for_no_longer_than_needed() -> None:
    """Through a pipe, a line that names many columns is taken at once; long lines end the search."""
    lines = iter([",".join(column.source for column in DICTIONARY.features), "next"])
    heading(lines, DICTIONARY)
    assert next(lines) == "next"
    long = iter(["x" * (LONGEST + 1), "next"])
    heading(long, DICTIONARY)
    assert next(long) == "next"
