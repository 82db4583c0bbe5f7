"""What is found in plain text is what Python's csv module reads; what is not plain is told."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscore.serving.csv_scan import LONGEST, Scan, record_ends
from tests.conftest import TWIN

WIDTH = 2
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=9)


def _cells(found: Scan) -> list[list[str]]:
    columns = [found.cells(column, slice(None)) for column in range(WIDTH)]
    return [
        [column[record].decode().replace('""', '"') for column in columns]
        for record in range(len(found.starts))
    ]


def _expected(text: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


@given(st.text('",\n\ra', max_size=30))
@settings(max_examples=2000)
def test_plain_text_is_read_as_the_csv_module_reads_it(text: str) -> None:
    """Where a scan is given at all, its cells and its records' ends are those of csv.reader."""
    if not text.endswith("\n"):
        text += "\n"
    found = Scan.of(text.encode(), ",", WIDTH)
    if found:
        assert _cells(found) == _expected(text)
        places = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
        assert [_expected(text[start:end]) for start, end in places] == [[row] for row in _cells(found)]
        ends = record_ends(text.encode(), ",")
        assert ends is not None
        assert ends[-1] == len(text)


@given(
    st.lists(st.lists(CELLS, min_size=WIDTH, max_size=WIDTH), max_size=9),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_programs_write_is_plain(
    rows: list[list[str]], delimiter: str, end: str, quoting: int
) -> None:
    """Any cells, as csv.writer and so most programs put them into a file, are found quickly."""
    output = io.StringIO(newline="")
    csv.writer(output, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    text = output.getvalue().encode()
    found = Scan.of(text, delimiter, WIDTH)
    assert found is not None
    assert len(found.starts) == len(rows)
    ends = record_ends(text, delimiter)
    assert ends is not None
    assert len(ends) == len(rows)


def test_shipped_leads_are_plain() -> None:
    """So is the file this project is about."""
    header, _, body = TWIN.read_bytes().partition(b"\n")
    found = Scan.of(body, ",", header.count(b",") + 1)
    assert found is not None
    assert len(found.starts) == body.count(b"\n")


@pytest.mark.parametrize(
    "text",
    [
        b'a,"b\n',
        b'a,b"c\n',
        b'a,"b"c\n',
        b'"a"b",c\n',
        b'""a,b\n',
        b"a\rb,c\n",
        b"a,b\r\r\n",
        b"a\n",
        b"a,b,c\n",
        b"a,b\n \n",
        b"a," + b"b" * LONGEST + b"\n",
    ],
)
def test_anything_else_is_left_to_others(text: bytes) -> None:
    """A stray quote or carriage return, another number of cells, an endless record: None."""
    assert Scan.of(b"a,b\n" + text, ",", WIDTH) is None


def test_open_record_has_no_end_yet() -> None:
    """Text may be cut before a record that goes on, not within it."""
    text = b'a,b\n"c\n",d\ne,"f\n'
    ends = record_ends(text, ",")
    assert ends is not None
    assert ends.tolist() == [4, 11]


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n\n"])
def test_blank_text_has_no_records(text: bytes) -> None:
    """Nothing, or blank lines alone."""
    found = Scan.of(text, ",", WIDTH)
    assert found is not None
    assert len(found.starts) == 0
