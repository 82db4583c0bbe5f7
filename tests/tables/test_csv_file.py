"""CSV files: every record of any dialect is found, in time and memory that no file can blow up."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Literal

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscore.dictionary import Dictionary
from leadscore.tables import csv_file, workbook
from leadscore.tables.block import BLOCK
from leadscore.tables.csv_file import LONGEST_RECORD, CsvFile, Rows, records
from leadscore.tables.mapping import TableError
from tests.conftest import ROOT, TWIN

DICTIONARY = Dictionary.load(ROOT / "data" / "columns.toml").known_at("capture")
DELIMITERS = st.sampled_from(",;\t|")
ENDS = st.sampled_from(["\n", "\r\n"])
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=12)
NASTY = st.text('"",\n\raé', max_size=60)
HEADER = b'"City","note"\n'


def _file(content: bytes) -> CsvFile:
    return CsvFile(io.BytesIO(content), DICTIONARY)


def _blocks(content: bytes) -> list[Rows]:
    return _rows(_file(content))


def _rows(file: CsvFile) -> list[Rows]:
    return [Rows.of(block, file.dialect, file.columns) for block in file.blocks()]


def _records(lines: list[str]) -> list[tuple[list[str], str]]:
    found = records(iter(lines), ",")
    return [(text.split(",") if cells is None else cells, text) for cells, text in found]


def _texts(content: bytes) -> list[str]:
    return [text for block in _blocks(content) for text in block.texts]


def _write(rows: list[tuple[str, str]], delimiter: str, end: str, quoting: Literal[0, 1]) -> bytes:
    if any("\r" in cell for row in rows for cell in row):  # which csv does not quote before Python 3.13
        quoting = csv.QUOTE_ALL
    output = io.StringIO(newline="")
    csv.writer(output, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return output.getvalue().encode()


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20), DELIMITERS, ENDS, QUOTING)
def test_any_cells_are_read(
    rows: list[tuple[str, str]], delimiter: str, end: str, quoting: Literal[0, 1]
) -> None:
    """What programs write into a CSV is what the columns hold, and each record keeps its text."""
    rows = [("x" + city, note) for city, note in rows]
    content = _write([("City", "note"), *rows], delimiter, end, quoting)
    (block,) = _blocks(content)
    assert block.columns == {"city": [city for city, _ in rows]}
    assert block.wrong == {}
    for row, text in zip(rows, block.texts, strict=True):
        assert [tuple(cells) for cells in csv.reader([*_lines(text)], delimiter=delimiter)] == [row]


def _lines(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))


@given(NASTY, st.integers(1, 30))
@settings(max_examples=500)
def test_where_a_file_is_cut_changes_nothing(text: str, chunk: int) -> None:
    """Valid or not, records are the same whether a file is read at once or in pieces of any size."""
    content = "\ufeff".encode() + HEADER + text.encode()
    whole = _blocks(content)
    usual, csv_file.CHUNK = csv_file.CHUNK, chunk  # type: ignore[misc]
    try:
        assert _blocks(content) == whole
    finally:
        csv_file.CHUNK = usual  # type: ignore[misc]


@given(st.text('"",a', max_size=12))
@settings(max_examples=500)
def test_quotes_mean_what_they_mean_to_the_csv_module(line: str) -> None:
    """A line with quotes in any places has the cells that Python's reader finds, or is an error."""
    try:
        expected = next(csv.reader([line], strict=True), [])
    except csv.Error:
        expected = []
    found = [cells for cells, _ in _records([line])]
    assert found == [expected if line else [""]]


@pytest.mark.parametrize("quote", ['5,"Pune', '5,"Pu"ne', '"a"b,"c', 'a"b,"c', 'a",b"c,"d'])
def test_stray_quote_spoils_its_own_line_only(quote: str) -> None:
    """A quote that is never closed, or closed within a cell: what comes after it is read."""
    after = ["7,Mumbai", '8,"Goa"', '"9","two\nlines"', "10,Pune"]
    found = _records([quote, *"\n".join(after).split("\n")])
    assert [text for _, text in found] == [quote, *after]
    assert [cells[0] for cells, _ in found[1:]] == ["7", "8", "9", "10"]
    assert found[0][0] == []


def _looks(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many lines are handed to the csv module."""
    parsed, looks = csv_file._parsed, 0

    def counted(these: Iterator[str], delimiter: str) -> list[str]:
        def counting() -> Iterator[str]:
            nonlocal looks
            for line in these:
                looks += 1
                yield line

        return parsed(counting(), delimiter)

    with monkeypatch.context() as patched:
        patched.setattr(csv_file, "_parsed", counted)
        list(records(iter(lines), ","))
    return looks


@pytest.mark.parametrize(
    "lines",
    [
        ['"a'],
        ['a",b"c,"d'],  # goes on within quotes from each line to the next
        ['a",b"c,"d'] * 1000 + ['x"y'],  # the same, and breaks at last
        ['"a","b'],
        ['"', "a"],
        ['""",b"c,"d'],
        ['"a"b'],
        ["a\rb"],
        ['x,"y', 'z"'],
        ['"a', *["b"] * 99],
    ],
    ids=lambda lines: repr(lines[:2]),
)
def test_no_quotes_make_reading_slow(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """However quotes are set, no line is looked at more than three times."""
    for times in (1, 3000 // len(lines)):
        assert _looks(lines * times, monkeypatch) <= 3 * len(lines) * times


@given(st.lists(st.text('"",\ra', max_size=6), min_size=1, max_size=40))
@settings(max_examples=300)
def test_no_lines_at_all_make_reading_slow(lines: list[str]) -> None:
    """Nor do any lines that chance finds."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert _looks(lines, monkeypatch) <= 3 * len(lines)


def test_record_that_does_not_end_takes_no_memory() -> None:
    """A line of megabytes is cut, and a quote followed no further than a record may be long."""
    content = b"City,note\nPune,a\nPune," + b"x" * (3 * LONGEST_RECORD) + b"\nPune,b\n"
    texts = _texts(content)
    assert (texts[0], texts[-1]) == ("Pune,a", "Pune,b")
    assert max(map(len, texts)) < 2 * LONGEST_RECORD
    pulled = 0

    def endless() -> Iterator[str]:
        nonlocal pulled
        yield '"City'
        while True:
            pulled += 1
            yield "x" * 1000

    assert next(records(endless(), ",")) == ([], '"City')
    assert pulled < 1.1 * LONGEST_RECORD / 1000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_encodings_are_recognised(encoding: str) -> None:
    """UTF-8 with or without mark, Latin-1, Windows-1252 and UTF-16."""
    (block,) = _blocks("City,note\nMálaga,café\n".encode(encoding))
    assert block.columns == {"city": ["Málaga"]}
    assert block.texts == ["Málaga,café"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_one_known_column_after_a_mark_is_enough(delimiter: str) -> None:
    """A byte order mark before the only known column hides neither it nor the separator."""
    file = _file(f"\ufeffCity{delimiter}note\nMumbai{delimiter}a\n".encode())
    assert file.dialect.delimiter == delimiter
    assert [rows.columns for rows in _rows(file)] == [{"city": ["Mumbai"]}]


def test_old_line_ends_and_blank_lines_are_read() -> None:
    """Lines may end with a carriage return alone; blank ones are left out, before the header, too."""
    assert _texts(b"City,note\rPune,a\r\rPune,b\r") == ["Pune,a", "Pune,b"]
    assert _texts(b"\r\n\nCity,note\r\n\r\nPune,a\r\n") == ["Pune,a"]


def test_header_may_have_line_breaks() -> None:
    """As spreadsheets write them: the header is a record like others."""
    file = _file(b'City,"a long\nnote"\nPune,x\n')
    assert file.dialect.header == 'City,"a long\nnote"'
    assert [rows.texts for rows in _rows(file)] == [["Pune,x"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no column"),
        (b"\n\n", "names no column"),
        (b"1,2,3\n4,5,6\n", "names no column the model reads, such as Lead Origin"),
        (b"City,city\na,b\n", "are both"),
        (b"City\0,note\nPune,x\n", "bytes that no text has"),
        (b'"City\nPune\n', "names no column"),
        (b'"' + b"x" * 200_000, "names no column"),
    ],
)
def test_files_without_a_usable_header_are_refused(content: bytes, message: str) -> None:
    """What cannot be scored at all says why, before anything is written."""
    with pytest.raises(TableError, match=message):
        _file(content)


def test_columns_left_out_on_purpose_are_told() -> None:
    """The outcome, like a column that leaks it, is no unknown column: it is known and refused."""
    columns = _file(b"Converted,City,note,tags\n").columns
    assert columns.refused == ("Converted", "tags")
    assert columns.unknown == ("note",)
    assert "city" not in [column.name for column in columns.absent]
    assert len(columns.absent) == len(DICTIONARY.features) - 1


@pytest.mark.parametrize(
    ("line", "error", "fitted"),
    [
        ("5", "got 1 cells, expected 3", "5,,"),
        ("5,Mumbai,x,y,z", "got 5 cells, expected 3; the last 2 are left out", "5,Mumbai,x"),
        ('5,"Mumbai,x', "a quote is not closed", '"5,""Mumbai,x",,'),
    ],
)
def test_row_of_another_width_is_fitted(line: str, error: str, fitted: str) -> None:
    """It has an error of its own, and as many cells as the header, so that what is added is in line."""
    (block,) = _blocks(f"TotalVisits,City,note\n1,Pune,a\n{line}\n2,Goa,b\n".encode())
    assert list(block.wrong) == [1]
    assert error in block.wrong[1]
    assert block.texts == ["1,Pune,a", fitted, "2,Goa,b"]
    assert block.columns == {"total_visits": ["1", "", "2"], "city": ["Pune", "", "Goa"]}


def test_records_come_in_blocks() -> None:
    """Memory holds one block, whatever the size of the file; none is lost between two."""
    content = TWIN.read_bytes()
    sizes = [len(block.texts) for block in _blocks(content)]
    assert set(sizes[:-1]) == {BLOCK}
    assert _texts(content) == content.decode().splitlines()[1:]


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_below_a_header_are_records_or_errors(content: bytes) -> None:
    """Nothing in the rows aborts a file."""
    for block in _blocks(b"TotalVisits,City\n" + content):
        assert len(block.texts) == len(block.columns["city"])
        assert all(0 <= number < len(block.texts) for number in block.wrong)


@pytest.mark.parametrize("size", [LONGEST_RECORD - 9, LONGEST_RECORD + 9, 1_200_000])
def test_longest_cell_is_answered_in_every_form(client: httpx2.Client, size: int) -> None:
    """What is read can be written: whole, chosen, as the cells of a lead that is gone. A longer line is
    cut in all of them alike. That a workbook holds no such cell is said.
    """
    long, headers = "x" * size, {"content-type": "text/csv"}
    content = f"Lead Number,TotalVisits,note\n1,5,{long}\n2,5,y\n"
    path, form = "/predict/csv?partial=1", {"accept": workbook.MEDIA_TYPE}
    plain = client.post(path, content=content, headers=headers).raise_for_status()
    rows = [line.split(",") for line in plain.text.splitlines()]
    assert [row[2] for row in rows] == ["note", long[: LONGEST_RECORD - 4], *[""] * (len(rows) - 3), "y"]
    chosen = client.post(f"{path}&columns=note", content=content, headers=headers)
    assert chosen.raise_for_status().text.splitlines() == [row[2] or '""' for row in rows]
    book = client.post(path, content=content, headers=headers | form)
    assert (book.status_code, "a cell of Excel holds 32,767" in book.text) == (422, True)
    earlier = f"Lead Number,note,probability\n1,{long[: LONGEST_RECORD - 9]},0.5\n2,y,0.5\n"
    files = {"earlier": earlier.encode(), "today": b"Lead Number,TotalVisits,note\n2,5,y\n"}
    changes = client.post("/changes?partial=1", files=files)
    assert changes.status_code == 200, changes.text
    *_, gone = changes.text.splitlines()
    assert json.loads(gone)["cells"][1] == long[: LONGEST_RECORD - 9]
