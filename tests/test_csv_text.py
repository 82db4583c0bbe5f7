"""CSV text of any dialect comes back as it was, with the right answers beside it."""

import contextlib
import csv
import io
import json
import unittest.mock
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscore.columns import clean
from leadscore.scorer import Scorer
from leadscore.serving import csv_text
from leadscore.serving.csv_scan import LONGEST
from leadscore.serving.csv_text import CsvScorer, CsvText
from leadscore.serving.table import BLOCK, TableError, TableScorer
from tests.conftest import MODEL, TWIN

SCORER = Scorer(MODEL)
TABLE = TableScorer(SCORER, 2, 1000)
ADDED = ["probability", "score", "grade", "converts", "reason_1", "reason_2", "warnings", "error"]


def _scored(content: bytes) -> str:
    text = CsvText(io.BytesIO(content), SCORER.card.dictionary)
    scorer = CsvScorer(TABLE, text.header, 2)
    return scorer.header + b"".join(block.text for block in scorer.blocks(text.pieces())).decode()


def _read(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    lines = io.StringIO(_scored(content).removeprefix("\ufeff"), newline="")
    return list(csv.DictReader(lines, delimiter=delimiter, strict=True))


def _probability(**lead: object) -> str:
    return f"{SCORER.probability([clean(lead, SCORER.card.dictionary)])[0]:.6f}"


def _write(
    rows: Iterable[list[str]], delimiter: str, end: str, quoting: int = csv.QUOTE_MINIMAL
) -> bytes:
    output = io.StringIO(newline="")
    csv.writer(output, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return output.getvalue().encode()


@contextlib.contextmanager
def _chunks(size: int) -> Iterator[None]:
    """Read only so many bytes at once."""
    usual, csv_text.CHUNK = csv_text.CHUNK, size
    try:
        yield
    finally:
        csv_text.CHUNK = usual


def test_shipped_leads_come_back_untouched() -> None:
    """Every line of the shipped CSV is there, in order, with eight cells behind it."""
    content = TWIN.read_bytes()
    before, after = content.decode().splitlines(), _scored(content).splitlines()
    assert len(after) == len(before) > BLOCK
    assert after[0] == before[0] + "," + ",".join(ADDED)
    for line, scored in zip(before, after, strict=True):
        assert scored.startswith(line + ",")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [["TotalVisits", "City", "note"], ["total_visits", "city", "note"]])
def test_dialects_score_alike(delimiter: str, end: str, header: list[str]) -> None:
    """Any separator and line end, headers or names; cells with separators, quotes and line breaks."""
    notes = [f"a{delimiter}b", 'say "yes"', f"two{end}lines", "", "=1+1"]
    rows = [header, *(["5", "Mumbai", note] for note in notes)]
    content = _write(rows, delimiter, end)
    found = _read(content, delimiter)
    assert [row["note"] for row in found] == notes
    assert {row["probability"] for row in found} == {_probability(total_visits=5, city="Mumbai")}
    assert _scored(content).count(end) == content.decode().count(end)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_encodings_are_recognised(encoding: str) -> None:
    """UTF-8 with or without mark and Latin-1 are read, and answered in UTF-8."""
    (row,) = _read("City,note\nMálaga,café\n".encode(encoding))
    assert (row["City"], row["note"]) == ("Málaga", "café")
    assert row["warnings"] == "City “Málaga” is new to the model, which takes it for “Mumbai”."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no column"),
        (b"\n\n", "names no column"),
        (b"1,2,3\n4,5,6\n", "names no column the model reads, such as Lead Origin"),
        (b"City,city\na,b\n", "twice"),
        ("City\nPune\n".encode("utf-16"), "save it as CSV UTF-8"),
        (b'"City\nPune\n', "names no column"),
        (b'"' + b"x" * 200_000, "names no column"),
    ],
)
def test_files_without_a_usable_header_are_refused(content: bytes, message: str) -> None:
    """What cannot be scored at all says why, before anything is written."""
    with pytest.raises(TableError, match=message):
        _scored(content)


def test_columns_left_out_on_purpose_are_told() -> None:
    """The outcome, like a column that leaks it, is no unknown column: it is known and refused."""
    header = CsvText(io.BytesIO(b"Converted,City,note,tags\n"), SCORER.card.dictionary).header
    assert header.ignored == ("Converted", "tags")
    assert header.unknown == ("note",)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("5", "got 1 cells, expected 3"),
        ("5,Mumbai,x,y,z", "got 5 cells, expected 3; the last 2 are left out"),
        ("many,Mumbai,x", "TotalVisits: got 'many', expected a number of at least 0"),
        ('5,"Mumbai,x', "a quote is not closed"),
        ('5,"Mum"bai,x', "closed within a cell"),
    ],
)
def test_bad_row_has_an_error_of_its_own(line: str, error: str) -> None:
    """One bad row has an error and no score, its columns stay in line, and its neighbours are scored."""
    good = '5,Mumbai,"x"'
    content = "\n".join(["TotalVisits,City,note", good, line, good, good, ""]).encode()
    found = _read(content)
    assert len(found) == 4
    assert error in found[1]["error"]
    assert not any(found[1][name] for name in ADDED[:-1])
    for index in (0, 2, 3):
        assert found[index]["error"] == ""
        assert found[index]["probability"] == _probability(total_visits=5, city="Mumbai")


def test_cells_longer_than_any_should_be_stop_nothing() -> None:
    """A line of megabytes is an error in its place, not memory."""
    content = b"City,note\nPune,a\nPune," + b"x" * (3 * LONGEST) + b"\nPune,b\n"
    lines = _scored(content).splitlines()
    assert len(lines) > 4
    assert lines[1].removeprefix("Pune,a") == lines[-1].removeprefix("Pune,b")
    assert all("got 1 cells, expected 2" in line for line in lines[3:-1])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_one_known_column_after_a_mark_is_enough(delimiter: str) -> None:
    """A byte order mark before the only known column hides neither it nor the separator."""
    (row,) = _read(f"\ufeffCity{delimiter}note\nMumbai{delimiter}a\n".encode(), delimiter)
    assert row["probability"] == _probability(city="Mumbai")


def test_old_line_ends_and_blank_lines_are_read() -> None:
    """Lines may end with a carriage return alone; blank ones are left out."""
    assert len(_read(b"City,note\rPune,a\r\rPune,b\r")) == 2


def test_taken_names_get_a_number() -> None:
    """A scored file can be scored again: its columns stay, the new ones are numbered."""
    once = _scored(b"City,note\nPune,a\n").encode()
    (row,) = _read(once)
    assert row["score_2"] == row["score"]
    assert list(row)[-8:] == [f"{name}_2" for name in ADDED]
    assert "score_2" in _read(b"City,Score\nPune,a\n")[0]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=12)


QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    QUOTING,
    st.integers(1, 60),
)
@settings(max_examples=300)
def test_any_cells_come_back(
    cells: list[tuple[str, str]], delimiter: str, end: str, quoting: int, chunk: int
) -> None:
    """Whatever cells a valid CSV holds, and wherever it is read in pieces, they come back."""
    rows = [["City", "note"], *(["x" + city, note] for city, note in cells)]
    content = _write(rows, delimiter, end, quoting)
    with _chunks(chunk):
        found = _read(content, delimiter)
    assert [[row["City"], row["note"]] for row in found] == rows[1:], json.dumps(rows)


@given(st.text('",\n\ra', max_size=60), st.integers(1, 30))
@settings(max_examples=500)
def test_where_a_file_is_cut_changes_nothing(text: str, chunk: int) -> None:
    """Valid or not, rows are the same whether a file is read at once or in pieces."""
    content = b'"City","note"\n' + text.encode()
    whole = _scored(content)
    with _chunks(chunk):
        assert _scored(content) == whole


@given(st.one_of(st.binary(max_size=80), st.text('",\n\ré=a', max_size=80).map(str.encode)))
@settings(max_examples=500)
def test_quick_reading_is_a_short_cut(text: bytes) -> None:
    """Whatever stands below a header, quick or not, the answer is the same."""
    content = b"City,TotalVisits,note\n" + text
    quick = _scored(content)
    with (
        unittest.mock.patch.object(csv_text, "record_ends", return_value=None),
        unittest.mock.patch.object(csv_text.Scan, "of", return_value=None),
    ):
        assert _scored(content) == quick


@given(st.text('",a', max_size=12))
@settings(max_examples=500)
def test_quotes_mean_what_they_mean_to_the_csv_module(line: str) -> None:
    """A line with quotes in any places has the cells that Python's reader finds, or is an error."""
    try:
        expected = next(csv.reader([line], strict=True), [])
    except csv.Error:
        expected = []
    found = list(csv.reader(io.StringIO(_scored(f"City,note\n{line}\n".encode())), strict=True))[1:]
    if len(expected) == 2:
        assert [row[:2] for row in found] == [expected]
        assert not found[0][-1].startswith("got")
    elif line:
        assert all(row[-1].startswith(("got", "this line is not valid CSV")) for row in found)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_are_scored_or_refused(content: bytes) -> None:
    """What is no CSV of leads is a TableError, whatever it is."""
    with contextlib.suppress(TableError):
        assert _scored(content)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_below_a_header_are_scored_or_errors(content: bytes) -> None:
    """Nothing in the rows aborts a file, and the answer is always valid CSV of one width."""
    lines = _scored(b"TotalVisits,City\n" + content)
    for row in csv.reader(io.StringIO(lines, newline="")):
        assert len(row) == 10
