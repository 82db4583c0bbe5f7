"""Workbooks: what a person sees in Excel is what is scored, and what comes back opens there."""

import csv
import datetime
import io
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from leadscore.tables import contents, workbook
from leadscore.tables.contents import TooLargeError
from leadscore.tables.mapping import TableError
from leadscore.tables.worksheet import text


def _book(path: Path, sheets: dict[str, list[list[Any]]], hidden: str = "") -> Path:
    """A workbook as Excel writes it."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number + 2, 1, row)  # not from the corner on
            if name == hidden:
                sheet.hide()
            else:
                sheet.activate()
    return path


def _csv(path: Path, sheet: str | None = None) -> list[list[str]]:
    with path.open("rb") as stream, contents.text(stream, sheet) as found:
        rows = csv.reader(io.StringIO(found.read().decode("utf-8-sig"), newline=""))
        return [row for row in rows if any(row)]


def test_cells_are_read_as_what_they_mean(tmp_path: Path) -> None:
    """Numbers in full, dates in ISO 8601, text as it is: with leading zeros, quotes and line breaks."""
    moment = datetime.datetime(2024, 1, 3, 8, 37)
    row = ["007", 99, 2.5, 1e6, 0.1, moment, True, 'a "b",\nc', "é", 123456789012]
    path = _book(tmp_path / "leads.xlsx", {"Leads": [["h"] * len(row), row]})
    assert _csv(path)[1] == [
        *("007", "99", "2.5", "1000000", "0.1", "2024-01-03T08:37:00", "true"),
        *('a "b",\nc', "é", "123456789012"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.date(2024, 1, 3), "2024-01-03"),
        (datetime.time(9, 36), "09:36:00"),
        (datetime.timedelta(hours=36, seconds=5), "36:00:05"),
        (1e300, "1e+300"),
        (-0.0, "0"),
        (math.inf, "inf"),
    ],
)
def test_rare_cells_are_texts_that_a_column_can_judge(value: Any, expected: str) -> None:
    """None of them ends the reading of a file."""
    assert text(value) == expected


def test_sheet_is_the_first_visible_or_the_one_named(tmp_path: Path) -> None:
    """The first of those that have cells. Which one was read is told; a name that is none is refused
    with those there are.
    """
    leads = [["City"], ["Pune"]]
    sheets = {"Old": [["City"], ["x"]], "Cover": [], "Leads": leads, "Notes": [["a"], ["b"]]}
    path = _book(tmp_path / "leads.xlsx", sheets, hidden="Old")
    noted: list[workbook.Sheets] = []
    with path.open("rb") as stream, contents.text(stream, None, note=noted.append) as found:
        assert b"Pune" in found.read()
    assert [sheets.told for sheets in noted] == [
        "Sheet 'Leads' was read; the others are Old, Cover, Notes."
    ]
    assert _csv(path, "Old") == [["City"], ["x"]]
    with pytest.raises(
        TableError, match="there is no sheet 'leads', but 'Old', 'Cover', 'Leads', 'Notes'"
    ):
        _csv(path, "leads")
    with pytest.raises(TableError, match="the workbook has no visible sheet with cells"):
        _csv(_book(tmp_path / "empty.xlsx", {"Cover": []}))


@pytest.mark.parametrize("sheet", ["Sales", "a\0b", "x" * 1_000])
def test_sheet_that_is_not_there_is_named(tmp_path: Path, sheet: str) -> None:
    """Whatever the name holds: nothing is said of memory."""
    path = _book(tmp_path / "leads.xlsx", {"Leads": [["City"], ["Pune"]]})
    with pytest.raises(TableError, match="there is no sheet"):
        _csv(path, sheet)


def test_workbook_that_would_take_all_memory_is_refused(tmp_path: Path) -> None:
    """One cell at the far end of a sheet, in a file of 6 KB: its reader ends, the caller does not."""
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "City")
        sheet.write(2**20 - 1, 2**14 - 1, 1)
    with pytest.raises(TableError, match="the workbook takes more than 1,024 MB of memory"):
        _csv(path)
    with path.open("rb") as stream, pytest.raises(TooLargeError):
        contents.text(stream, None, most=100).__enter__()


def test_damaged_workbook_says_so(tmp_path: Path) -> None:
    """Whatever is wrong in it, one sentence, and no trace of a crash."""
    path = _book(tmp_path / "leads.xlsx", {"Leads": [["City"], ["Pune"]]})
    damaged = io.BytesIO()
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(damaged, "w") as archive:
        for name in whole.namelist():
            broken = name.startswith("xl/worksheets")
            archive.writestr(name, b"<worksheet><sheetData><row" if broken else whole.read(name))
    damaged.seek(0)
    with pytest.raises(TableError, match="not a workbook that can be read"):
        contents.text(damaged, None).__enter__()


def test_missing_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading and writing need one each: a sentence names them, and the way without."""
    path = _book(tmp_path / "leads.xlsx", {"Leads": [["City"]]})
    monkeypatch.setattr(workbook, "find_spec", lambda name: None)
    with pytest.raises(TableError, match="pip install python-calamine xlsxwriter"):
        _csv(path)
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(TableError, match="or save as CSV"):
        workbook.library()


def _written(content: str, path: Path) -> list[list[Any]]:
    with path.open("wb") as target:
        workbook.write(io.BytesIO(content.encode()), ";", target)
    return list(CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows())


def test_answer_is_written_with_types(tmp_path: Path) -> None:
    """Numbers add up, dates sort, and nothing is run or rounded: ids of many digits stay text."""
    content = (
        "\ufeffa;a;a;a;a;a;a;a;a\r\n"
        '0.25;-3;true;2024-01-03;2024-01-03T08:37:00;007;12345678901234567;=1+1;"a ""b"";\né"\r\n'
        "1e5;1.;2024-99-03;0999-01-03;http://a.b;;+49 30;'=x;x\r\n"
    )
    header, first, second = _written(content, tmp_path / "out.xlsx")
    assert header == ["a"] * 9
    moment = datetime.datetime(2024, 1, 3, 8, 37)
    assert first[:5] == [0.25, -3, True, datetime.date(2024, 1, 3), moment]
    assert first[5:] == ["007", "12345678901234567", "=1+1", 'a "b";\né']
    texts = ["1e5", "1.", "2024-99-03", "0999-01-03", "http://a.b", "", "+49 30", "'=x", "x"]
    assert second == texts


def test_what_no_sheet_holds_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Excel would cut it without a word."""
    with pytest.raises(TableError, match="row 2: a cell of Excel holds 32,767 characters"):
        _written("a\n" + "x" * 32_768, tmp_path / "out.xlsx")
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    with pytest.raises(TableError, match="a sheet holds 2 rows"):
        _written("a\n1\n2\n", tmp_path / "out.xlsx")
