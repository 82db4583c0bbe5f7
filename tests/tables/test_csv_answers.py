"""CSV answers: the file as it was, with the right answers beside it."""

import contextlib
import csv
import io
import json
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.tables.block import BLOCK
from leadscore.tables.csv_answers import CsvScorer, header
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.mapping import TableError
from tests.conftest import MODEL, TWIN

ENGINE = Engine(Scorer(MODEL), 1000)
ADDED = [
    "probability",
    "score",
    "grade",
    "converts",
    "action",
    "reason_1",
    "reason_2",
    "warnings",
    "error",
    "model_version",
]


def _scored(content: bytes) -> str:
    file = CsvFile(io.BytesIO(content), ENGINE.card.dictionary)
    scorer = CsvScorer(ENGINE, file.dialect, file.columns, 2)
    pieces = [scorer.score(block).text for block in file.blocks()]
    return b"".join([header(file.dialect, file.columns, 2), *pieces]).decode()


def _read(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    lines = io.StringIO(_scored(content).removeprefix("\ufeff"), newline="")
    return list(csv.DictReader(lines, delimiter=delimiter, strict=True))


def _probability(**lead: object) -> str:
    """What the model gives a lead, without any table around it."""
    return f"{ENGINE.scorer.run(ENGINE.scorer.inputs([lead]))[0][0]:.6f}"


def _write(rows: list[list[str]], delimiter: str, end: str) -> bytes:
    output = io.StringIO(newline="")
    # Before Python 3.13 csv does not quote a carriage return.
    returns = any("\r" in cell for row in rows for cell in row)
    quoting: Literal[0, 1] = csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL
    csv.writer(output, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return output.getvalue().encode()


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
@pytest.mark.parametrize("names", [["TotalVisits", "City", "note"], ["total_visits", "city", "note"]])
def test_dialects_score_alike(delimiter: str, end: str, names: list[str]) -> None:
    """Any separator and line end, headers or names; cells with separators, quotes and line breaks."""
    notes = [f"a{delimiter}b", 'say "yes"', f"two{end}lines", "", "=1+1"]
    rows = [names, *(["5", "Mumbai", note] for note in notes)]
    content = _write(rows, delimiter, end)
    found = _read(content, delimiter)
    assert [row["note"] for row in found] == notes
    assert {row["probability"] for row in found} == {_probability(total_visits=5, city="Mumbai")}
    assert _scored(content).count(end) == content.decode().count(end)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_any_encoding_is_answered_in_utf_8(encoding: str) -> None:
    """A mark stays where it was; letters with accents come back and are in the warnings."""
    content = "City,note\nMálaga,café\n".encode(encoding)
    (row,) = _read(content)
    assert (row["City"], row["note"]) == ("Málaga", "café")
    assert row["warnings"] == "City “Málaga” is new to the model, which takes it for “Mumbai”."
    assert _scored(content).startswith("\ufeff") == (encoding == "utf-8-sig")


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
    found = _read("\n".join(["TotalVisits,City,note", good, line, good, good, ""]).encode())
    assert len(found) == 4
    assert error in found[1]["error"]
    assert not any(found[1][name] for name in ADDED[:-2])
    for index in (0, 2, 3):
        assert found[index]["error"] == ""
        assert found[index]["probability"] == _probability(total_visits=5, city="Mumbai")


def test_lines_can_be_taken_apart() -> None:
    """Their ends are counted in bytes, their probabilities are those shown, as a ranking needs both."""
    content = "TotalVisits,City\n5,Málaga\nmany,Pune\n7,Goa\n".encode()
    file = CsvFile(io.BytesIO(content), ENGINE.card.dictionary)
    lines = CsvScorer(ENGINE, file.dialect, file.columns, 0).score(next(file.blocks()))
    starts = [0, *lines.ends[:-1].tolist()]
    apart = [lines.text[start:end] for start, end in zip(starts, lines.ends.tolist(), strict=True)]
    assert [line.decode().partition(",")[0] for line in apart] == ["5", "many", "7"]
    assert b"".join(apart) == lines.text
    shown = [line.decode().split(",")[2] for line in apart]
    assert ["" if np.isnan(p) else f"{p:.6f}" for p in lines.probability] == shown
    assert (lines.totals.leads, lines.totals.wrong) == (3, 1)


def test_taken_names_get_a_number() -> None:
    """A scored file can be scored again: its columns stay, the new ones are numbered."""
    once = _scored(b"City,note\nPune,a\n").encode()
    (row,) = _read(once)
    assert row["score_2"] == row["score"]
    assert list(row)[-len(ADDED) :] == [f"{name}_2" for name in ADDED]
    assert "score_2" in _read(b"City,Score\nPune,a\n")[0]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=12)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_cells_come_back(cells: list[tuple[str, str]], delimiter: str, end: str) -> None:
    """Whatever cells a valid CSV holds, they stand in the answer, beside what is added."""
    rows = [["City", "note"], *(["x" + city, note] for city, note in cells)]
    found = _read(_write(rows, delimiter, end), delimiter)
    assert [[row["City"], row["note"]] for row in found] == rows[1:], json.dumps(rows)
    assert all(row["probability"] and not row["error"] for row in found)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_are_scored_or_refused(content: bytes) -> None:
    """What is no CSV of leads is a TableError, whatever it is."""
    with contextlib.suppress(TableError):
        assert _scored(content)


@given(st.one_of(st.binary(max_size=300), st.text('",\n\ré=a', max_size=80).map(str.encode)))
@settings(max_examples=300)
def test_any_bytes_below_a_header_are_scored_or_errors(content: bytes) -> None:
    """Nothing in the rows aborts a file, and the answer is always valid CSV of one width."""
    lines = _scored(b"TotalVisits,City\n" + content)
    for row in csv.reader(io.StringIO(lines, newline="")):
        assert len(row) == 2 + len(ADDED)
