"""A file on the page: ranked as by the command; nothing in it is markup; mistakes are explained."""

import csv
import io
import re
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import Page, expect

from tests.conftest import TWIN, Command
from tests.service.page.conftest import Open, rows, titles, upload

SCRIPT = '<script>document.title="broken"</script><img src=x onerror=alert(1)>'
OUTSIDE = """texts => texts.filter(text => {
    const [inner, outer] = [text, text.ownerSVGElement].map(element => element.getBoundingClientRect());
    return inner.left < outer.left || inner.right > outer.right;
}).map(text => text.textContent)"""


def test_page_ranks_like_the_command(visit: Open, command: Command, tmp_path: Path) -> None:
    """The newest fifth: order, scores, reasons and the exported cells of `predict.py score --sort`."""
    _compare_with_the_command(visit, command, TWIN, tmp_path)


def test_page_ranks_the_original_like_the_command(
    visit: Open, command: Command, tmp_path: Path, original_csv: Path
) -> None:
    """The same with the newest fifth of the original."""
    _compare_with_the_command(visit, command, original_csv, tmp_path)


def _compare_with_the_command(visit: Open, command: Command, leads: Path, folder: Path) -> None:
    lines = list(csv.reader(io.StringIO(leads.read_text(encoding="utf-8"), newline="")))
    clock = lines[0].index("Lead Number")
    newest = sorted(lines[1:], key=lambda row: -int(row[clock]))[: len(lines) // 5]
    source = folder / "newest.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([lines[0], *newest])
    scored = command("score", str(source), "--sort").out
    expected = list(csv.DictReader(io.StringIO(scored.decode(), newline="")))
    page = visit("file")
    upload(page, source, closed=True)
    assert titles(page)[:10] == [row["Lead Number"] for row in expected[:10]]
    first = page.locator(".space .row").first
    expect(first.locator(".points strong")).to_have_text(expected[0]["score"])
    assert first.locator(".reason").all_inner_texts() == [expected[0][f"reason_{n}"] for n in (1, 2, 3)]
    page.locator(".rows").evaluate("element => { element.scrollTop = element.scrollHeight }")
    expect(page.locator(f"[aria-rowindex='{len(expected) + 1}'] .who button")).to_have_text(
        expected[-1]["Lead Number"]
    )
    page.get_by_role("button", name="Export…").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename == "newest ranked.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    shared = expected[0].keys() & found[0].keys()
    assert {*lines[0], "score", "grade", "action", "reason_1", "reason_3", "warnings", "error"} <= shared
    for name in shared - {"probability"}:
        assert [row[name] for row in found] == [row[name] for row in expected]
    assert [float(row["probability"]) for row in found] == [float(r["probability"]) for r in expected]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xef\xbb\xbfTotalVisits;City;Company\r\n5;Pune;A\r\n9;Mumbai;B\r\n", "bom.csv"),
        ("TotalVisits\tCity\tCompany\n5\tPune\tA\n9\tMálaga\tB\n".encode("latin-1"), "latin.tsv"),
        (b'total_visits,city,Company\n5,Pune,"A, ""x""\nand y"\n9,Mumbai,B\n', "names.csv"),
    ],
)
def test_any_csv_is_understood(visit: Open, tmp_path: Path, content: bytes, name: str) -> None:
    """Separators, encodings, names and headers: two leads, known by their company."""
    source = tmp_path / name
    source.write_bytes(content)
    page = visit("file")
    upload(page, source, partial=True)
    assert sorted(text[0] for text in titles(page)) == ["A", "B"]
    expect(page.locator(".mapping summary")).to_contain_text(
        "2 of the 11 columns the model reads are in the file"
    )
    expect(page.locator(".mapping")).to_contain_text("Carried along")


def test_cells_are_never_markup(visit: Open, tmp_path: Path) -> None:
    """A script tag as a city, a name and a header stays text in the list, the detail and the report."""
    source = tmp_path / "markup.csv"
    with source.open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [["City", "Name", f"{SCRIPT}"], [SCRIPT, SCRIPT, "x"], ["", "Ann", ""]]
        )
    page = visit("file")
    upload(page, source, partial=True)
    assert SCRIPT in titles(page)
    page.get_by_role("button", name=SCRIPT).click()
    expect(page.get_by_role("dialog")).to_contain_text(SCRIPT)
    assert page.locator("main script, main img:not(.brand img)").count() == 0
    assert page.title() == "Call list · Lead conversion"


@pytest.mark.slow
def test_long_lists_hold_few_rows(visit: Open, tmp_path: Path) -> None:
    """100,000 leads: only the rows in sight exist, at the top and after a jump to the end; the charts
    have room for their numbers.
    """
    header, _, text = TWIN.read_text(encoding="utf-8").partition("\n")
    lines = (text * 11).splitlines()[:100_000]
    source = tmp_path / "long.csv"
    source.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    page = visit("file")
    page.set_input_files("#file-input", source)
    expect(page.get_by_text("100,000 leads are closed")).to_be_visible(timeout=120_000)
    page.get_by_label("Rank closed leads too").check()
    rows(page, 100_000)
    page.locator(".rows").evaluate("element => { element.scrollTop = element.scrollHeight }")
    expect(page.locator("[aria-rowindex='100001']")).to_be_visible()
    assert page.locator(".space .row").count() < 60
    expect(page.locator("svg text", has_text="80K").first).to_be_visible()
    texts = page.locator("svg text")
    assert texts.evaluate_all(OUTSIDE) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "has no column the model reads"),
        (b"", "the file is empty"),
        (b"%PDF-1.7", "this is a PDF"),
        (TWIN.read_bytes().partition(b"\n")[0] + b"\n", "holds no leads"),
    ],
)
def test_useless_file_is_explained(visit: Open, tmp_path: Path, content: bytes, message: str) -> None:
    """A file that cannot be ranked says why and lets the reader choose another."""
    source = tmp_path / "useless.csv"
    source.write_bytes(content)
    page = visit("file")
    page.set_input_files("#file-input", source)
    expect(page.get_by_role("alert")).to_contain_text(message)
    expect(page.get_by_text("Drop a CSV or Excel file here")).to_be_visible()


def test_rows_with_errors_stand_last_and_say_why(visit: Open, tmp_path: Path) -> None:
    """A bad row is listed at the end with its error; the others are ranked."""
    source = tmp_path / "bad.csv"
    source.write_text("TotalVisits,City\nmany,Pune\n5,Mumbai\n")
    page = visit("file")
    upload(page, source, partial=True)
    expect(page.locator(".space .row").last).to_contain_text("TotalVisits: got 'many'")
    expect(page.locator("p.warnings")).to_contain_text("1 row could not be read")


def test_columns_of_other_names_are_asked_for_once(visit: Open, tmp_path: Path) -> None:
    """A file that lacks what matters is not scored; the choice of columns is kept in this browser alone,
    and the next file of the kind needs none. What was read stands above the plan.
    """
    header, *leads = TWIN.read_text(encoding="utf-8").splitlines()[:30]
    source = tmp_path / "export.csv"
    other = header.replace("Total Time Spent on Website", "Seconds").replace("TotalVisits", "Hits")
    source.write_text("\n".join(["My leads", other, *leads, ""]), encoding="utf-8")
    page = visit("file")
    page.set_input_files("#file-input", source)
    expect(page.get_by_role("alert")).to_contain_text("lacks much of what the model goes by")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Time on the website \d\d"))
    page.locator("#column-total_time_spent_on_website").select_option("Seconds")
    page.locator("#column-total_visits").select_option("Hits")
    page.get_by_role("button", name="Use these columns").click()
    expect(page.locator(".closed")).to_be_visible()
    expect(page.locator(".mapping summary")).to_have_text(
        "11 of the 11 columns the model reads are in the file"
    )
    page.locator(".mapping summary").click()
    expect(page.locator(".mapping")).to_contain_text("1 line above the header")
    above = "(element) => element.compareDocumentPosition(document.querySelector('.plan'))"
    assert page.locator(".mapping").evaluate(above) & 4
    page.get_by_role("button", name="Forget this list").click()
    upload(page, source, closed=True)
    assert page.evaluate("Object.keys(localStorage)") == ["leadscore.columns"]


def _export(path: Path, visits: str, *more: str) -> Path:
    """The first leads as another system exports them: with its own header of visits and more columns."""
    header, *leads = TWIN.read_text(encoding="utf-8").splitlines()[:30]
    lines = [",".join([header.replace("TotalVisits", visits), *more])]
    lines += [",".join([lead, *("Acme" for _ in more)]) for lead in leads]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def _remember(page: Page, **choices: str) -> None:
    """What was chosen for headers of earlier files."""
    page.evaluate("all => localStorage.setItem('leadscore.columns', JSON.stringify(all))", choices)


@pytest.mark.parametrize(
    ("headers", "choices"),
    [
        (["TotalVisits", "Hits"], {"Hits": "total_visits"}),
        (["Hits", "Views"], {"Hits": "total_visits", "Views": "total_visits"}),
        (["TotalVisits", "Hits"], {"Hits": "column_of_an_older_model"}),
    ],
    ids=["the file has the column", "two headers of one column", "no such column"],
)
def test_choices_of_earlier_files_never_stop_another(
    visit: Open, tmp_path: Path, headers: list[str], choices: dict[str, str]
) -> None:
    """A header that was chosen for a column once is left alone where that does not fit the file."""
    page = visit("file")
    _remember(page, **choices)
    upload(page, _export(tmp_path / "export.csv", *headers), closed=True)
    rows(page, 29)
    expect(page.locator(".mapping summary")).to_have_text(
        "11 of the 11 columns the model reads are in the file"
    )


def test_wrong_choice_of_a_column_can_be_changed(visit: Open, tmp_path: Path) -> None:
    """A column of names chosen for a number scores nothing: the page asks again, with that choice, and
    takes another in its place, which can be changed when the list stands.
    """
    page = visit("file")
    _remember(page, Company="total_visits")
    page.set_input_files("#file-input", _export(tmp_path / "export.csv", "Hits", "Company"))
    expect(page.get_by_role("alert")).to_contain_text("could not be scored")
    page.get_by_role("button", name="Choose columns").click()
    expect(page.locator("#column-total_visits")).to_have_value("Company")
    page.locator("#column-total_visits").select_option("Hits")
    page.get_by_role("button", name="Use these columns").click()
    page.get_by_label("Rank closed leads too").check()
    expect(page.locator(".space .row").first).to_be_visible()
    page.locator(".mapping summary").click()
    page.get_by_role("button", name="Choose columns").click()
    expect(page.locator("#column-total_visits")).to_have_value("Hits")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (
            "TotalVisits;Total Time Spent on Website;Page Views Per Visit\n1.200;20:00;3,5\n",
            ["1200", "72000", "3.5"],
        ),
        (
            'TotalVisits,Total Time Spent on Website,Page Views Per Visit\n$5,"1,674",+2.0\n',
            ["5", "1674", "2"],
        ),
        (
            "TotalVisits,Total Time Spent on Website,Page Views Per Visit\n5,n/a,NULL\n",
            ["5", "", ""],
        ),
    ],
    ids=["decimal comma", "currency and thousands", "missing"],
)
def test_what_if_begins_with_the_score_of_the_list(
    visit: Open, tmp_path: Path, content: str, shown: list[str]
) -> None:
    """Numbers as the file means them stand in the form as numbers: the same score, the same reasons."""
    source = tmp_path / "leads.csv"
    source.write_text(content, encoding="utf-8")
    page = visit("file")
    upload(page, source, partial=True)
    score = page.locator(".space .points strong").inner_text()
    reasons = page.locator(".space .reason").all_inner_texts()
    page.locator(".space .who button").click()
    page.get_by_role("link", name="All reasons, and what if").click()
    expect(page.locator(".score strong")).to_have_text(score)
    fields = ("total_visits", "total_time_spent_on_website", "page_views_per_visit")
    assert [page.locator(f"#field-{name}").input_value() for name in fields] == shown
    assert set(reasons) <= set(page.locator(".reasons .text").all_inner_texts())


def test_workbook_is_ranked(visit: Open, command: Command, tmp_path: Path) -> None:
    """As Excel saves it."""
    few = b"\n".join(TWIN.read_bytes().splitlines()[:30])
    command("score", "-", "-o", str(tmp_path / "leads.xlsx"), content=few)
    page = visit("file")
    upload(page, tmp_path / "leads.xlsx", closed=True)
    rows(page, 29)


def test_sheet_of_a_workbook_can_be_chosen(visit: Open, tmp_path: Path) -> None:
    """The first with cells is read; another is a choice away, also where the first has no leads."""
    header, *leads = csv.reader(TWIN.read_text(encoding="utf-8").splitlines()[:30])
    with xlsxwriter.Workbook(tmp_path / "leads.xlsx") as book:
        sheets = {
            "About": [["Made by me"], ["today"]],
            "All": [header, *leads],
            "Few": [header, *leads[:5]],
        }
        for name, cells in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(cells):
                sheet.write_row(number, 0, row)
    page = visit("file")
    page.set_input_files("#file-input", tmp_path / "leads.xlsx")
    expect(page.get_by_role("alert")).to_contain_text("has no column the model reads")
    page.get_by_label("Sheet", exact=True).select_option("All")
    page.get_by_label("Rank closed leads too").check()
    rows(page, 29)
    expect(page.get_by_label("Sheet", exact=True)).to_have_value("All")
    page.get_by_label("Sheet", exact=True).select_option("Few")
    page.get_by_label("Rank closed leads too").check()
    rows(page, 5)


def test_keyboard_alone_is_enough(visit: Open) -> None:
    """Tab, Enter and Escape lead from the address bar to a ranked list, a lead and back."""
    page = visit("file")
    expect(page.get_by_text("Drop a CSV or Excel file here")).to_be_visible()
    _tab_to(page, "made-up leads")
    page.keyboard.press("Enter")
    expect(page.locator(".space .row").first).to_be_visible()
    name = page.locator(".space .who button").first.inner_text()
    _tab_to(page, name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == name


def _tab_to(page: Page, text: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if text in page.evaluate("document.activeElement.closest('button, a')?.textContent ?? ''"):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    pytest.fail(f"{text} cannot be reached")
