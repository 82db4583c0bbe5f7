"""Workbooks over HTTP: the leads in one, and the answers as one."""

import io
from pathlib import Path
from typing import Any

import httpx2
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from leadscore.service.routes import excel
from leadscore.tables.mapping import TableError
from leadscore.tables.workbook import MEDIA_TYPE
from tests.conftest import TWIN, Command

CSV = {"content-type": "text/csv"}
EXCEL = CSV | {"accept": f"{MEDIA_TYPE};q=0.9, */*;q=0.1"}
FEW = b"\n".join(TWIN.read_bytes().splitlines()[:50]) + b"\n"


def _rows(content: bytes) -> list[list[Any]]:
    return list(CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).iter_rows())


@pytest.mark.parametrize("query", ["", "?sort=score&reasons=1", "?top=3&columns=Lead%20Number,score"])
def test_answer_is_a_workbook_where_one_is_accepted(
    client: httpx2.Client, command: Command, tmp_path: Path, query: str
) -> None:
    """Cell for cell what `predict.py score -o leads.xlsx` writes, of CSV and of a workbook."""
    book, target = tmp_path / "leads.xlsx", tmp_path / "scored.xlsx"
    command("score", "-", "-o", str(book), "--columns", FEW.decode().partition("\n")[0], content=FEW)
    options = {
        "": [],
        "?sort=score&reasons=1": ["--sort", "--reasons", "1"],
        "?top=3&columns=Lead%20Number,score": ["--top", "3", "--columns", "Lead Number,score"],
    }[query]
    done = command("score", str(book), "-o", str(target), *options)
    assert done.code == 0, done.err
    for content in (FEW, book.read_bytes()):
        answer = client.post(f"/predict/csv{query}", content=content, headers=EXCEL)
        assert answer.raise_for_status().headers["content-type"] == MEDIA_TYPE
        assert 'filename="leads-scored.xlsx"' in answer.headers["content-disposition"]
        assert "x-columns" in answer.headers
        assert _rows(answer.content) == _rows(target.read_bytes())


def test_what_no_workbook_holds_is_refused_before_an_answer(client: httpx2.Client) -> None:
    """A 422 with the cell, rather than half a file; the same leads are answered as CSV."""
    content = FEW.replace(b"\n", b",note\n", 1).replace(b"\n", b",x\n").replace(b",note,x", b",note")
    content = content.replace(b",x\n", b"," + b"y" * 40_000 + b"\n", 1)
    refused = client.post("/predict/csv", content=content, headers=EXCEL)
    assert refused.status_code == 422
    assert "a cell of Excel holds 32,767 characters, this one has 40,000" in refused.json()["detail"]
    assert client.post("/predict/csv", content=content, headers=CSV).status_code == 200


def test_workbook_beyond_measure_is_refused(client: httpx2.Client) -> None:
    """One that would take minutes to write; of a long file the best leads are few enough."""
    with pytest.raises(TableError, match="leave out the header accept"):
        excel.check(excel.MOST_CELLS + 1)
    header, _, leads = TWIN.read_bytes().partition(b"\n")
    content = header + b"\n" + leads * 6
    refused = client.post("/predict/csv", content=content, headers=EXCEL)
    assert refused.status_code == 422
    assert "cells are too many for an answer as a workbook" in refused.json()["detail"]
    answer = client.post("/predict/csv?top=10", content=content, headers=EXCEL)
    assert len(_rows(answer.raise_for_status().content)) == 11


def test_sheet_that_was_read_is_told(client: httpx2.Client) -> None:
    """In the answer's header, in the look at a file with all there are, and where it is the reason why
    nothing could be read.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        for name, cells in {"About": ["Made by me"], "Few": ["City", "TotalVisits"]}.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, cells)
            sheet.write_row(1, 0, ["Pune", 5])
    content = target.getvalue()
    answer = client.post("/predict/csv?sheet=Few&partial=1", content=content, headers=CSV)
    assert '"sheet":"Few"' in answer.raise_for_status().headers["x-columns"]
    look = client.post("/predict/csv?dry_run=1", content=content, headers=CSV).json()
    assert (look["sheet"], look["sheets"]) == ("About", ["About", "Few"])
    refused = client.post("/predict/csv", content=content, headers=CSV)
    assert refused.status_code == 422
    assert "Sheet 'About' was read; the others are Few." in refused.json()["detail"]
    plain = client.post("/predict/csv?dry_run=1", content=FEW, headers=CSV).json()
    assert (plain["sheet"], plain["sheets"]) == (None, [])
