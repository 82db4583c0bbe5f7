"""A model of lists, dates and e-mail addresses on the page: its parts are what one can change."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import Serve
from tests.service.page.conftest import Open, titles, upload


@pytest.fixture(scope="module")
def base(serve: Serve, with_parts: Path) -> Iterator[str]:
    """Where that model is served."""
    with serve(LEADSCORE_MODEL=str(with_parts)) as client:
        yield str(client.base_url).rstrip("/")


def _file(with_parts: Path, target: Path, **renamed: str) -> list[dict[str, str]]:
    """The first leads that have all, in a file with some columns under other names; as they were."""
    with with_parts.with_name("leads.csv").open(encoding="utf-8", newline="") as file:
        leads = [row for row in csv.DictReader(file) if row["Close Date"] and row["Touchpoints"]][:20]
    rows = [{renamed.get(name, name): cell for name, cell in row.items()} for row in leads]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return leads


def test_what_if_begins_with_the_parts_of_a_lead(
    visit: Open, base: str, with_parts: Path, tmp_path: Path
) -> None:
    """From the list: each part stands in its field as it was read, with the score of the file, and
    other days until a date make a difference to it.
    """
    leads = {row["Lead ID"]: row for row in _file(with_parts, tmp_path / "leads.csv")}
    page = visit("file", base=base)
    upload(page, tmp_path / "leads.csv", closed=True)
    lead = leads[titles(page)[0]]
    score = page.locator(".space .row .points strong").first.inner_text()
    page.locator(".space .who button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(lead["Touchpoints"])
    page.get_by_role("link", name="All reasons, and what if").click()
    expect(page.locator(".score strong")).to_have_text(score)
    demo = "Yes" if "Demo" in lead["Touchpoints"].split(";") else "No"
    expect(page.locator("#field-touch_demo")).to_have_value(demo)
    expect(page.locator("#field-mail_kind")).not_to_have_value("")
    days = page.locator("#field-created_date_days_until_close_date")
    assert 0 <= float(days.input_value()) < 90
    days.fill("-500")
    expect(page.locator(".difference")).to_contain_text(f"against {score} before your changes")
    expect(page.locator(".warnings")).to_contain_text("days until Close Date -500 is outside")


def test_column_of_parts_is_asked_for_by_its_own_name(
    visit: Open, base: str, with_parts: Path, tmp_path: Path
) -> None:
    """A file with another name for it: one question, with what all its parts weigh."""
    _file(with_parts, tmp_path / "leads.csv", Touchpoints="Contacts so far", Visits="Pages")
    page = visit("file", base=base)
    page.set_input_files("#file-input", tmp_path / "leads.csv")
    expect(page.locator(".naming select")).to_have_count(2)
    page.locator("#column-touch").select_option("Contacts so far")
    page.locator("#column-visits").select_option("Pages")
    page.get_by_role("button", name="Use these columns").click()
    expect(page.locator(".mapping summary")).to_contain_text("in the file")
    expect(page.locator(".mapping summary")).not_to_contain_text("What is not there")


def test_wrong_date_of_a_link_is_told(visit: Open, base: str) -> None:
    """It has no field beside which it could be said."""
    page = visit("lead?close_date=soon", base=base)
    expect(page.locator(".result .wrong")).to_contain_text("a date like 31.01.2024")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".score strong")).to_be_visible()
