"""The plan: how many calls, what they bring, who makes them, and who is left alone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import TWIN
from tests.service.page.conftest import CRM, Open, choose, rows, upload


@pytest.fixture
def planned(visit: Open) -> Page:
    """The leads of a CRM, with four calls a day for five days."""
    page = visit("file")
    upload(page, CRM)
    page.get_by_label("Calls a day").fill("4")
    return page


def test_calls_bring_conversions_within_a_range(planned: Page) -> None:
    """20 calls: as many conversions as their scores add up to, in a range that is explained."""
    plan = planned.locator(".plan")
    expect(plan).to_contain_text("Call the first 20 leads")
    found = re.search(r"about (\d+) conversions? \((\d+) to (\d+)\)", plan.inner_text())
    assert found
    middle, low, high = map(int, found.groups())
    assert 0 <= low <= middle <= high <= 20
    expect(planned.locator(".notes")).to_contain_text("the 1,848 newest ones the model was tested on")


def test_capacity_is_asked_for_once(planned: Page) -> None:
    """The next list, and the next day, start with the same calls."""
    planned.get_by_label("Days").fill("3")
    expect(planned.locator(".plan")).to_contain_text("Call the first 12 leads")
    planned.reload()
    expect(planned.locator(".plan")).to_contain_text("Call the first 12 leads")
    choose(planned, "Calls", "planned")
    rows(planned, 12)


def test_wish_to_be_left_alone_is_kept(planned: Page) -> None:
    """Whoever asked not to be called is flagged and in no plan, unless the reader knows better."""
    plan = planned.locator(".plan")
    planned.get_by_label("Calls a day").fill("100")
    expect(plan).to_contain_text("Call all 47 leads")
    planned.get_by_label("Search").fill("")
    planned.get_by_label("Leave out “Do Not Call” (2)").uncheck()
    expect(plan).to_contain_text("Call all 49 leads")
    planned.get_by_label("More filters").select_option("Do Not Call")
    choose(planned, "column.Do Not Call", "Yes")
    rows(planned, 2)
    expect(planned.locator(".space")).to_contain_text("Asked: Do Not Call")


@pytest.mark.parametrize(("share", "reps"), [("4", 4), ("owner", 3)])
def test_shares_are_equal(planned: Page, share: str, reps: int) -> None:
    """N reps, or the owners: lists of one size, and of the same expectation but for a lead's part."""
    planned.get_by_label("Share among").select_option(share)
    planned.locator(".hands summary").click()
    lists = [
        [cell.inner_text() for cell in row.locator("td").all()]
        for row in planned.locator(".hands tbody tr").all()
    ]
    assert len(lists) == reps
    sizes = [int(size) for _, size, _ in lists]
    assert sum(sizes) == 20
    assert max(sizes) - min(sizes) <= 1
    expected = [float(one) / size for size, (_, _, one) in zip(sizes, lists, strict=True)]
    assert max(expected) - min(expected) < 0.1
    choose(planned, "Rep", lists[0][0])
    rows(planned, sizes[0])


def test_channel_that_is_hardly_told_apart_is_named(visit: Open) -> None:
    """Where the score says little within a channel, the plan says so."""
    page = visit("file")
    card = page.evaluate("fetch('model').then(answer => answer.json())")
    for channel in card["metrics"]["channels"]:
        channel["roc_auc"] = 0.55
    page = visit("file", model=card)
    upload(page, TWIN, closed=True)
    page.get_by_label("Calls a day").fill("1000")
    expect(page.locator(".notes")).to_contain_text("Lead source “Google”")
    expect(page.locator(".notes")).to_contain_text("hardly tells these apart")


def test_one_lead_is_a_list(visit: Open, tmp_path: Path) -> None:
    """A single lead: its plan, charts with whole numbers, words in the singular."""
    (tmp_path / "one.csv").write_text("City\nPune\n")
    page = visit("file")
    upload(page, tmp_path / "one.csv", partial=True)
    rows(page, 1, "lead")
    expect(page.locator(".intro").first).to_contain_text("1 lead,")
    expect(page.locator(".plan")).to_contain_text("Call 1 lead ")
    for chart in page.locator("#view-file svg[role=img]").all():
        assert "NaN" not in chart.inner_html()
    ticks = page.locator("#view-file svg .tick").all_text_contents()
    assert all(re.fullmatch(r"\d+", tick) for tick in ticks)
