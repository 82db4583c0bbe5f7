"""Numbers in the notations of exports: one reading, or a refusal that names both."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.columns import Column, ColumnError
from leadscore.values import AS_IN_JSON, NOT_KNOWN, NumberError, decimal_mark, level_key, number

MARKS = (AS_IN_JSON, NOT_KNOWN, ".", ",")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1,200,000", 1_200_000), ("1.200.000", 1_200_000), ("1'200", 1200), ("1\u2019200", 1200)],
        *[("1 200", 1200), ("1\u00a0200", 1200), ("1\u202f200,5", 1200.5), ("12,34,567.0", 1_234_567)],
        *[
            ("$120000", 120_000),
            ("120000 EUR", 120_000),
            ("US$ 1,200.50", 1200.5),
            ("\u20ac1.200,5", 1200.5),
        ],
        *[
            ("-$5", -5),
            ("$-5", -5),
            ("(1.00)", -1),
            ("($1,200.50)", -1200.5),
            ("\u22125", -5),
            ("+5", 5),
        ],
        *[
            ("1.200,50", 1200.5),
            ("1,200.50", 1200.5),
            ("1,5", 1.5),
            ("0,125", 0.125),
            ("1234.567", 1234.567),
        ],
        *[("3%", 0.03), ("12,5 %", 0.125), ("1e3", 1000), ("5.", 5), (".5", 0.5), ("1,20", 1.2)],
    ],
)
@pytest.mark.parametrize("mark", MARKS)
def test_what_has_one_reading_is_read_in_every_file(text: str, value: float, mark: str) -> None:
    """Marks that can only mean one thing mean it, whatever the decimal mark of the file."""
    assert number(text, mark, "") == value


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "five",
            "1_000",
            "1 2",
            "1,2,3",
            "1.2.3",
            "1,5e3",
            "--5",
            "+-5",
            "(-5)",
            "(5",
            "5)",
            "$",
            "%",
        ],
        *[
            "2024-01-02",
            "5 MIN",
            "10-50",
            "1'2",
            "0x1F",
            "inf",
            "nan",
            "\u0663",
            "5\u00b2",
            "1,2345,678.5",
            ",",
        ],
    ],
)
@pytest.mark.parametrize("mark", MARKS)
def test_what_is_no_number_is_none(text: str, mark: str) -> None:
    """Dates, ranges, lists and other units are not taken for numbers."""
    with pytest.raises(NumberError):
        number(text, mark, "")


def test_what_may_be_two_numbers_is_refused_with_both() -> None:
    """ "1,200" is a matter of the file; where it does not tell, nobody guesses."""
    assert (number("1,200", ".", ""), number("1,200", ",", "")) == (1200, 1.2)
    assert (number("1.200", ".", ""), number("1.200", ",", "")) == (1.2, 1200)
    assert number("1.200", AS_IN_JSON, "") == 1.2
    for text, mark in (
        ("1,200", AS_IN_JSON),
        ("1,200", NOT_KNOWN),
        ("1.200", NOT_KNOWN),
        ("$1,200", "?"),
    ):
        with pytest.raises(NumberError, match=r"it may be 1200 or 1\.2"):
            number(text, mark, "")
    with pytest.raises(
        ColumnError, match=r"got '1,200', expected a number or null; it may be 1200 or 1\.2"
    ):
        Column("a", "A", "feature", "number", "capture", "w").read("1,200")


def test_unit_decides_what_percent_and_colons_mean() -> None:
    """Times are seconds where the column counts seconds, percent are percent where it counts them."""
    assert [number(text, ".", "s") for text in ("1:30", "0:01:05", "100:00:00")] == [5400, 65, 360_000]
    assert number("3%", ".", "%") == 3
    for text in ("1:60", "1:2:3:4", "1:5"):
        with pytest.raises(NumberError):
            number(text, ".", "s")
    with pytest.raises(NumberError):
        number("1:30", ".", "days")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_program_writes_is_what_it_meant(value: float) -> None:
    """Python's and JSON's own notation of any number is read to the last bit."""
    assert number(repr(value), AS_IN_JSON, "") == value


@given(st.integers(0, 10**9), st.integers(0, 99), st.sampled_from(["", ",", ".", "'", " "]))
def test_grouped_numbers_are_read_as_they_were_written(whole: int, cents: int, thousands: str) -> None:
    """With two decimals no grouping leaves a doubt."""
    decimal = "," if thousands == "." else "."
    text = f"{whole:,}".replace(",", thousands) + f"{decimal}{cents:02}"
    for mark in MARKS:
        assert math.isclose(number(text, mark, ""), whole + cents / 100, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("cells", "delimiter", "mark"),
    [
        (["1.200", "0,5"], ";", ","),
        (["1,200", "$2.50"], ";", "."),
        (["1.200.000"], "\t", ","),
        (["9,845,768.83"], "|", "."),
        (["1.200", "3.400", "5", "", "n/a", "a,b", "Fri, 2. May"], ";", NOT_KNOWN),
        (["1,200", "3,400"], ",", "."),
        (["0,5"], ",", ","),
        (["0,5", "2.5"], ",", NOT_KNOWN),
        ([], ";", NOT_KNOWN),
    ],
)
def test_file_shows_its_decimal_mark(cells: list[str], delimiter: str, mark: str) -> None:
    """One cell of one reading decides, else a comma between cells; two that disagree decide nothing."""
    assert decimal_mark([[], cells], delimiter) == mark


@given(st.text(max_size=30))
def test_level_key_of_a_key_is_itself(text: str) -> None:
    """A level in its plainest spelling is a spelling of itself."""
    assert level_key(level_key(text)) == level_key(text)
