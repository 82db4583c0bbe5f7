"""What changed since an earlier list, on the page: counts, filters, marks, mistakes explained."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import Command
from tests.service.page.conftest import CRM, Open, rows, upload

TIME = "Total Time Spent on Website"


def _open_leads() -> list[dict[str, str]]:
    """Those of the CRM that have a number of their own and are open."""
    leads = csv.DictReader(io.StringIO(CRM.read_text(encoding="utf-8")))
    return [lead for lead in leads if lead["Lead Number"] and not lead["Converted"]]


def _write(path: Path, leads: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(leads[0]))
        writer.writeheader()
        writer.writerows(leads)
    return path


@pytest.fixture
def days(command: Command, tmp_path: Path) -> tuple[Path, Path]:
    """The download of yesterday, and today's file: two have been on the website, one has come."""
    leads = _open_leads()
    before = _write(tmp_path / "before.csv", leads)
    download = tmp_path / "yesterday.csv"
    command("score", str(before), "--partial", "-o", str(download))
    slow = [n for n, lead in enumerate(leads) if lead[TIME] in ("", "0")][:2]
    today = [lead | ({TIME: "1500"} if n in slow else {}) for n, lead in enumerate(leads)]
    today.append(leads[0] | {"Lead Number": "9999999", "First Name": "Newton"})
    return download, _write(tmp_path / "today.csv", today[1:])


def _compare(page: Page, earlier: Path) -> None:
    page.locator(".changes > summary").click()
    page.set_input_files("#earlier-input", earlier)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (768, "dark"), (360, "light")])
def test_changes_are_counted_filtered_and_told(
    visit: Open, days: tuple[Path, Path], width: int, scheme: Any
) -> None:
    """New, risen and gone leads by number and name; a click shows them; each says what moved it."""
    download, today = days
    page = visit("file", width=width, scheme=scheme)
    upload(page, today)
    _compare(page, download)
    panel = page.locator(".changes")
    expect(panel.get_by_role("status")).to_contain_text("Since “yesterday.csv”")
    expect(panel).to_contain_text("0 fallen")
    expect(panel).to_contain_text("1 lead is gone")
    panel.locator("details summary").click()
    first = _open_leads()[0]
    expect(panel.locator("li")).to_contain_text(f"{first['First Name']} {first['Last Name']}: score ")
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    panel.get_by_role("button", name="1 new").click()
    rows(page, 1, "lead")
    expect(page.locator(".space .row")).to_contain_text("New since the earlier list")
    assert "Change=new" in page.url
    page.locator("[data-kind='Change']").select_option("risen")
    rows(page, 2)
    expect(page.locator(".space .moved").first).to_have_text(
        re.compile(r"Up from \d+ \([A-D]\): Time on the website 25 min, before .*: \+\d+ points")
    )
    page.locator(".space .who button").first.click()
    expect(page.get_by_role("dialog").locator(".moved")).to_contain_text("Up from")


def test_column_called_change_does_not_hide_the_new_leads(visit: Open, days: tuple[Path, Path]) -> None:
    """A click on “1 new” filters by what the comparison found, not by the file's own column."""
    download, today = days
    leads = list(csv.DictReader(io.StringIO(today.read_text(encoding="utf-8"))))
    _write(today, [lead | {"Change": "yn"[n % 2]} for n, lead in enumerate(leads)])
    page = visit("file")
    upload(page, today)
    _compare(page, download)
    page.locator(".changes").get_by_role("button", name="1 new").click()
    rows(page, 1, "lead")
    expect(page.locator(".space .row")).to_contain_text("New since the earlier list")


def test_changes_survive_a_reload_and_are_exported(visit: Open, days: tuple[Path, Path]) -> None:
    """Nothing is asked again; the list has columns with the change, and can be compared tomorrow."""
    download, today = days
    page = visit("file")
    upload(page, today)
    _compare(page, download)
    expect(page.locator(".changes")).to_contain_text("2 risen")
    page.reload()
    expect(page.locator(".changes")).to_contain_text("2 risen")
    page.get_by_role("button", name="Export…").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV", exact=True).click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert sorted(row["change"] for row in found if row["change"]) == ["new", "risen", "risen"]
    assert all("25 min" in row["moved_by"] for row in found if row["change"] == "risen")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.set_input_files("#earlier-input", saved.value.path())
    expect(page.locator(".changes")).to_contain_text("0 leads of the list have changed")
    expect(page.locator(".changes")).to_contain_text("No lead is gone.")
    expect(page.locator(".space .moved")).to_have_count(0)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: "", "the earlier file: the file is empty"),
        (lambda text: text.replace("probability", "chance"), "has no column 'probability'"),
        (lambda text: text.replace("Lead Number", "No"), "no column that names its leads"),
        (lambda text: "Lead Number,probability\nx,0.5\n", "are these the right files"),
        (lambda text: "Lead Number,probability\n", "the earlier file holds no leads"),
    ],
)
def test_useless_earlier_list_is_explained(
    visit: Open, days: tuple[Path, Path], tmp_path: Path, edit: Callable[[str], str], message: str
) -> None:
    """A sentence says what is wrong; the list stays, and another file can be chosen."""
    download, today = days
    earlier = tmp_path / "other.csv"
    earlier.write_text(edit(download.read_text()))
    page = visit("file")
    upload(page, today)
    _compare(page, earlier)
    expect(page.locator(".changes").get_by_role("alert")).to_contain_text(message)
    expect(page.locator(".space .row").first).to_be_visible()
    page.set_input_files("#earlier-input", download)
    expect(page.locator(".changes")).to_contain_text("2 risen")


def test_other_model_and_double_ids_are_said_first(
    visit: Open, days: tuple[Path, Path], tmp_path: Path
) -> None:
    """Above the counts: that the earlier scores are another model's, and what is not compared."""
    download, today = days
    header, first, *lines = download.read_text().splitlines()
    version = first.rpartition(",")[2]
    earlier = tmp_path / "older.csv"
    text = "\n".join([header, first, lines[0], *lines, ""]).replace(version, "0a1b2c")
    earlier.write_text(text)
    page = visit("file")
    upload(page, today)
    _compare(page, earlier)
    notes = page.locator(".changes .warnings p")
    expect(notes.first).to_contain_text(
        f"Another model scored the earlier list (0a1b2c; today it is {version})"
    )
    expect(notes.nth(1)).to_contain_text("0 of ")
    expect(notes.nth(2)).to_contain_text("more than once")
