"""The call list: who is on it, how they are found, and that a keyboard and a phone are enough."""

import csv
import io
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import TWIN
from tests.service.page.conftest import CRM, Open, choose, rows, titles, upload


@pytest.fixture
def listed(visit: Open) -> Page:
    """The leads of a CRM, ranked."""
    page = visit("file")
    upload(page, CRM)
    return page


def _first(page: Page) -> str:
    return titles(page)[0]


def test_closed_leads_are_set_aside(listed: Page) -> None:
    """Who has bought or refused is not called again: counted, and ranked only where asked for."""
    rows(listed, 50)
    expect(listed.locator(".closed")).to_contain_text("30 leads are closed (“Converted” has a value)")
    expect(listed.locator(".space")).not_to_contain_text("Closed:")
    listed.get_by_label("Rank closed leads too").check()
    rows(listed, 80)
    expect(listed.locator(".space")).to_contain_text("Closed: converted")
    listed.get_by_label("Rank closed leads too").uncheck()
    rows(listed, 50)


def test_file_of_closed_leads_is_a_proof_and_no_list(visit: Open) -> None:
    """All have decided: what ranking would have brought, and the warning that these leads are known."""
    page = visit("file")
    page.set_input_files("#file-input", TWIN)
    proof = page.locator(".proof")
    expect(proof).to_contain_text("9,240 closed leads tell")
    expect(proof).to_contain_text("the very leads the model was trained on")
    expect(proof.locator("tbody").first.locator("tr")).to_have_count(4)
    expect(page.locator(".capacity")).to_be_hidden()
    expect(page.locator(".list")).to_be_hidden()


def test_people_are_called_by_name_and_reached(listed: Page) -> None:
    """Whole name, company, owner, phone and address; who has none of these is the number of the row."""
    row = listed.locator(".space .row").first
    name = row.locator(".who button")
    expect(name).to_have_text(r := name.inner_text())
    assert len(r.split()) >= 2
    assert row.locator("a[href^='tel:+4930']").count() == 1
    assert row.locator("a[href^='mailto:lead']").count() == 1
    listed.get_by_label("Search").fill("Row 61")
    rows(listed, 1, "lead")
    expect(listed.locator(".space .who button")).to_have_text("Row 61")


@pytest.mark.parametrize("words", ["garcia", "GARCÍA"])
def test_search_ignores_case_and_accents(listed: Page, words: str) -> None:
    """A name as one types it in a hurry finds who has it, and nobody else."""
    listed.get_by_label("Search").fill(words)
    expect(listed.locator(".tools [role=status]")).not_to_have_text("50 leads")
    assert all("García" in title for title in titles(listed))
    whole = _first(listed)
    listed.get_by_label("Search").fill(whole.lower())
    expect(listed.locator(".space .who button").first).to_have_text(whole)


def test_filters_combine_and_stay_in_the_address(listed: Page) -> None:
    """Grade and owner with counts; the address alone brings them back, and no request holds them."""
    choose(listed, "Grade", "A")
    expect(listed.locator(".tools [role=status]")).not_to_have_text("50 leads")
    option = listed.locator("[data-kind='column.Owner'] option", has_text="Eva")
    count = int(option.inner_text().split("(")[1].rstrip(")"))
    choose(listed, "column.Owner", "Eva")
    rows(listed, count, "lead" if count == 1 else "leads")
    assert listed.evaluate("location.hash") == "#file?Grade=A&column.Owner=Eva"
    listed.reload()
    rows(listed, count, "lead" if count == 1 else "leads")
    listed.get_by_role("button", name="Show all").click()
    rows(listed, 50)


def test_header_sorts(listed: Page) -> None:
    """By name and back by score, each way round; the header says which."""
    best = _first(listed)
    listed.get_by_role("button", name="Lead", exact=True).click()
    expect(listed.locator("[aria-sort=ascending]")).to_contain_text("Lead")
    shown = titles(listed)
    assert shown[0].startswith("Ann")
    listed.get_by_role("button", name="Lead", exact=True).click()
    expect(listed.locator("[aria-sort=descending]")).to_contain_text("Lead")
    listed.get_by_role("button", name="Score", exact=True).click()
    expect(listed.locator(".space .who button").first).to_have_text(best)


def _with_columns(path: Path, **cells: list[str]) -> Path:
    """The leads of a CRM with more columns, whose cells take turns."""
    head, *leads = csv.reader(io.StringIO(CRM.read_text(encoding="utf-8")))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*head, *cells])
        for number, lead in enumerate(leads):
            writer.writerow([*lead, *(turns[number % len(turns)] for turns in cells.values())])
    return path


def test_old_scores_of_a_file_do_not_order_the_list(visit: Open, listed: Page, tmp_path: Path) -> None:
    """A download of yesterday has a column `score`: the best by today's score stand first all the same.
    The column orders the list only if its own header is clicked, also after a reload.
    """
    best = titles(listed)
    old = [str(score) for score in range(80)]
    page = visit("file")
    upload(page, _with_columns(tmp_path / "ranked.csv", score=old))
    assert titles(page) == best
    expect(page.locator("[aria-sort=descending]")).to_have_text("Score ↓")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="score").check()
    page.get_by_role("button", name="score", exact=True).click()
    for _ in range(2):
        expect(page.locator("[aria-sort=ascending]")).to_have_text("score ↑")
        expect(page.locator("[aria-sort=descending]")).to_have_count(0)
        shown = [int(cell) for cell in page.locator(".space .extra").all_inner_texts()]
        assert shown == sorted(shown)
        page.reload()
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator(".space .who button").first).to_have_text(best[0])


def test_columns_called_like_filters_take_none_away(visit: Open, listed: Page, tmp_path: Path) -> None:
    """Columns `Grade` and `q` of a file: each filter by the model and by the file, in one address."""
    choose(listed, "Grade", "D")
    expect(listed.locator(".tools [role=status]")).not_to_have_text("50 leads")
    best = titles(listed)
    page = visit("file")
    upload(page, _with_columns(tmp_path / "graded.csv", Grade=["D", "Z"], q=["x", "y"], sort=["1", "2"]))
    choose(page, "Grade", "D")
    expect(page.locator(".tools [role=status]")).not_to_have_text("50 leads")
    assert titles(page) == best
    for name in ("Grade in the file", "q", "sort"):
        page.get_by_label("More filters").select_option(label=name)
        expect(page.get_by_role("combobox", name=name, exact=True)).to_be_visible()
    choose(page, "column.Grade", "Z")
    choose(page, "column.q", "y")
    choose(page, "column.sort", "2")
    both = titles(page)
    assert 0 < len(both) < len(best)
    assert set(page.locator(".space .grade").all_text_contents()) == {"grade D"}
    page.reload()
    expect(page.get_by_role("combobox", name="q", exact=True)).to_have_value("y")
    expect(page.get_by_label("Search")).to_have_value("")
    assert titles(page) == both


def test_columns_are_chosen_and_remembered(listed: Page) -> None:
    """Another column of the file beside the score, also after a reload."""
    listed.get_by_text("Columns", exact=True).click()
    listed.get_by_role("checkbox", name="City").check()
    expect(listed.get_by_role("columnheader", name="City")).to_be_visible()
    listed.reload()
    expect(listed.get_by_role("columnheader", name="City")).to_be_visible()


def test_unknown_level_gets_no_credit(listed: Page) -> None:
    """The reason names the level that was taken for the new one."""
    listed.get_by_label("Search").fill("TikTok")
    rows(listed, 1, "lead")
    listed.locator(".space .who button").click()
    dialog = listed.get_by_role("dialog")
    expect(dialog).to_contain_text("“TikTok” is new to the model")


def test_list_is_one_stop_for_tab_and_arrows_move_in_it(listed: Page) -> None:
    """Down and Enter open the second lead, the arrows step on, Escape returns to it, Tab leaves."""
    listed.locator(".space .who button").first.focus()
    listed.keyboard.press("ArrowDown")
    second = titles(listed)[1]
    assert listed.evaluate("document.activeElement.textContent") == second
    listed.keyboard.press("Enter")
    expect(listed.get_by_role("dialog").locator("h2")).to_have_text(second)
    listed.keyboard.press("ArrowRight")
    third = titles(listed)[2]
    expect(listed.get_by_role("dialog").locator("h2")).to_have_text(third)
    listed.keyboard.press("Escape")
    expect(listed.locator(":focus")).to_have_text(third)
    listed.keyboard.press("Tab")
    assert not listed.evaluate("document.activeElement.matches('.space *')")


def test_place_in_the_list_is_kept(listed: Page) -> None:
    """A look at the model, and the list is where it was."""
    listed.locator(".rows").evaluate("element => { element.scrollTop = 900 }")
    listed.get_by_role("link", name="The model").click()
    expect(listed.locator("#view-model h1")).to_be_visible()
    listed.get_by_role("link", name="Call list").click()
    expect(listed.locator(".rows")).to_have_js_property("scrollTop", 900)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(360, "dark"), pytest.param(768, "light", marks=pytest.mark.slow), (1440, "light")],
)
def test_reasons_are_whole_and_nothing_sticks_out(visit: Open, width: int, scheme: str) -> None:
    """No cell of a row is cut at any width, the list stands above the charts, and axe is content."""
    page = visit("file", width, scheme)
    upload(page, CRM)
    cut = page.locator(".space .row").evaluate_all(
        "rows => rows.filter(row => row.scrollHeight > row.clientHeight + 1).map(row => row.textContent)"
    )
    assert cut == []
    boxes = [page.locator(place).bounding_box() for place in (".list", ".capacity ~ .two")]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == len(boxes)
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".proof summary").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.locator(".space .who button").first.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
