"""A work day: reloads, marks, notes, paper, pasted rows, and what the list is exported as."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from leadscore.scorer import Scorer
from tests.service.page.conftest import CRM, Open, choose, rows, titles, upload


@pytest.fixture
def day(visit: Open) -> Page:
    """The leads of a CRM."""
    page = visit("file")
    upload(page, CRM)
    return page


def _mark(page: Page, name: str, note: str) -> str:
    """Mark the first lead of the list, write a note, and return what it is called."""
    button = page.locator(".space .who button").first
    title = button.inner_text()
    button.click()
    page.get_by_role("dialog").get_by_label(name).check()
    page.get_by_role("dialog").get_by_label("Note").fill(note)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    return title


def _export(page: Page, button: str) -> tuple[str, bytes]:
    page.get_by_role("button", name="Export…").click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_list_and_marks_survive_a_reload_until_forgotten(day: Page) -> None:
    """The list, the mark and the note are there again without a request; then nothing is."""
    title = _mark(day, "Called", "rings back")
    shown = titles(day)
    sent: list[str] = []
    day.on("request", lambda request: sent.append(request.url))
    day.reload()
    expect(day.locator(".space .mark")).to_have_text("Called")
    assert titles(day) == shown
    assert not [url for url in sent if "predict" in url]
    day.locator(".space .who button").first.click()
    expect(day.get_by_label("Note")).to_have_value("rings back")
    assert day.get_by_role("dialog").locator("h2").inner_text() == title
    day.keyboard.press("Escape")
    day.on("dialog", lambda dialog: dialog.accept())
    day.get_by_role("button", name="Forget this list").click()
    expect(day.get_by_text("Drop a CSV or Excel file here")).to_be_visible()
    day.reload()
    expect(day.get_by_text("Drop a CSV or Excel file here")).to_be_visible()
    expect(day.locator(".list")).to_have_count(0)


def test_marks_in_no_file_are_not_lost_by_mistake(day: Page) -> None:
    """To forget the list, or to take another, asks first; exported marks need no question."""
    _mark(day, "Reached", "")
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    day.on("dialog", refuse)
    day.get_by_role("button", name="Forget this list").click()
    assert "in no exported file yet" in asked[0]
    rows(day, 50)
    _export(day, "CSV")
    day.get_by_role("button", name="Forget this list").click()
    expect(day.get_by_text("Drop a CSV or Excel file here")).to_be_visible()
    assert len(asked) == 1


def test_export_is_what_is_shown(day: Page) -> None:
    """Filtered leads in their order, with marks and notes; no text is a formula."""
    choose(day, "Grade", "A")
    _mark(day, "Called", "=1+1")
    name, content = _export(day, "CSV")
    assert name == "crm ranked.csv"
    found = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    shown = int(day.locator(".tools [role=status]").inner_text().split()[0])
    assert len(found) == shown
    assert {row["grade"] for row in found} == {"A"}
    assert (found[0]["call"], found[0]["note"], found[0]["action"]) == ("Called", "'=1+1", "Call today")
    assert f"{found[0]['First Name']} {found[0]['Last Name']}" == titles(day)[0]


def test_workbook_has_a_sheet_for_each_rep(day: Page) -> None:
    """An .xlsx that others read: a sheet for each rep, numbers as numbers, accents whole."""
    calamine = pytest.importorskip("python_calamine")
    day.get_by_label("Calls a day").fill("4")
    day.get_by_label("Share among").select_option("2")
    best = titles(day)[0]
    name, content = _export(day, "Excel")
    assert name == "crm ranked.xlsx"
    book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["Rep 1", "Rep 2", "Not dealt"]
    tables = [book.get_sheet_by_name(sheet).to_python() for sheet in book.sheet_names]
    assert [len(table) - 1 for table in tables] == [10, 10, 30]
    head, first = tables[0][0], tables[0][1]
    assert isinstance(first[head.index("probability")], float)
    assert " ".join(first[head.index(part)] for part in ("First Name", "Last Name")) == best


def test_workbook_is_a_zip_of_xml(day: Page) -> None:
    """Without a library to read it: every part is whole, and the names are in it."""
    _, content = _export(day, "Excel")
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row>") == 51
    assert '<c s="2"><v>0.' in sheet  # a percentage
    assert titles(day)[0].split()[1] in sheet


def test_call_sheet_holds_every_call(day: Page) -> None:
    """On paper: all leads within capacity with phone, reasons and boxes, and nothing else."""
    day.get_by_label("Calls a day").fill("7")
    day.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    day.emulate_media(media="print")
    lines = day.locator(".paper tbody tr")
    expect(lines).to_have_count(35)
    expect(lines.first).to_contain_text("+49 30")
    assert lines.first.locator(".reason").count() == 3
    expect(lines.first).to_contain_text("☐ Called")
    expect(day.locator("main")).to_be_hidden()
    assert day.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("view", ["file", "model"])
def test_pasted_rows_work_like_a_file(visit: Open, view: str) -> None:
    """Copied in a spreadsheet, pasted on any view."""
    page = visit(view)
    expect(page.locator("h1:visible")).to_be_visible()
    page.evaluate(
        """text => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        window.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    }""",
        "City\tCompany\nPune\tAcme\nMumbai\tHooli\n",
    )
    page.get_by_role("button", name="Score it all the same").click()
    expect(page.locator(".space .row").first).to_be_visible()
    assert sorted(titles(page)) == ["Acme", "Hooli"]


def test_dropped_file_is_caught_on_every_view(visit: Open) -> None:
    """The browser would open it in place of the page."""
    page = visit("lead")
    expect(page.locator(".score strong")).to_be_visible()
    prevented = page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["City,Company\\nPune,Acme\\n"], "dropped.csv"));
        const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
        window.dispatchEvent(drop);
        return drop.defaultPrevented;
    }""")
    assert prevented
    page.get_by_role("button", name="Score it all the same").click()
    expect(page.locator(".space .row").first).to_be_visible()
    assert titles(page) == ["Acme"]


def test_list_of_another_model_says_so(
    day: Page, base: str, client: httpx2.Client, scorer: Scorer
) -> None:
    """After a reload with another model: these scores are not its own."""
    card = client.get("/model").json() | {"version": "another"}
    day.route(f"{base}/model", lambda route: route.fulfill(json=card))
    day.reload()
    expect(day.get_by_text("scored by another version of the model")).to_be_visible()
