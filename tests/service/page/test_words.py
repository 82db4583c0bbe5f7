"""Words and axes: one scale for scores, counts that agree, sense in files of one lead and odd ones."""

import csv
import io
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import TWIN
from tests.service.page.conftest import CRM, Open, choose, rows, upload
from tests.service.page.test_file import OUTSIDE


def _leads(path: Path, count: int, **cells: str) -> Path:
    """A file of the first leads, with other cells in all of them."""
    leads = list(csv.DictReader(io.StringIO(TWIN.read_text(encoding="utf-8"))))[:count]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(leads[0]))
        writer.writeheader()
        writer.writerows(lead | cells for lead in leads)
    return path


def _axes_make_sense(page: Page) -> None:
    """No text sticks out of a chart, no tick stands twice, nothing is not a number."""
    expect(page.locator("svg[role=img]").first).to_be_visible()
    for chart in page.locator("svg[role=img]").all():
        assert "NaN" not in chart.inner_html()
        down = chart.locator("text.tick[text-anchor=end]").all_text_contents()
        along = chart.locator("text.tick[text-anchor=middle]").all_text_contents()
        assert len(down) == len(set(down)) > 1
        assert len(along) == len(set(along)) > 1
    assert page.locator("svg text").evaluate_all(OUTSIDE) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_tiny_files_have_sensible_words_and_axes(visit: Open, tmp_path: Path, count: int) -> None:
    """One lead is one lead; a part of a conversion is told; all calls are compared with nothing."""
    page = visit("file", width=360)
    upload(page, _leads(tmp_path / "tiny.csv", count, Converted=""))
    words = page.locator(".plan")
    expect(words).to_contain_text("Call 1 lead and" if count == 1 else f"Call all {count} leads and")
    expect(words).not_to_contain_text("At random")
    expect(words).not_to_contain_text("about 0 conversions")
    _axes_make_sense(page)
    last = page.locator(".space .row").last.bounding_box()
    frame = page.locator(".rows").bounding_box()
    assert last
    assert frame
    assert frame["y"] + frame["height"] == pytest.approx(last["y"] + last["height"], abs=2)


def test_file_without_a_conversion_says_so(visit: Open, tmp_path: Path) -> None:
    """A single closed lead tells; none converted, so nothing is proved."""
    page = visit("file")
    page.set_input_files("#file-input", _leads(tmp_path / "closed.csv", 1, Converted="0"))
    proof = page.locator(".proof")
    expect(proof).to_contain_text("1 closed lead tells")
    expect(proof).to_contain_text("None of them converted")
    page.get_by_label("Rank closed leads too").check()
    rows(page, 1, "lead")
    _axes_make_sense(page)


def test_counts_of_one_view_agree(visit: Open, tmp_path: Path) -> None:
    """Leads above the list, in it and in the plan are as many, or it is said why not."""
    content = CRM.read_text(encoding="utf-8").splitlines()
    source = tmp_path / "leads.csv"
    broken = content[-1].split(",")
    broken[12] = "many"
    source.write_text("\n".join([*content, ",".join(broken), ""]), encoding="utf-8")
    page = visit("file")
    upload(page, source)
    shown = page.locator(".tools [role=status]").inner_text()
    leads = shown.split()[0]
    assert shown == f"{leads} leads, 1 row that could not be read"
    expect(page.locator(".bar-top .intro")).to_contain_text(f": {leads} open leads")
    expect(page.locator(".plan")).to_contain_text("leads who may be called")
    choose(page, "Grade", "A")
    expect(page.locator(".tools [role=status]")).not_to_contain_text("could not be read")


def test_scores_have_one_scale(visit: Open, client: httpx2.Client, tmp_path: Path) -> None:
    """Threshold and grades are scores from 0 to 100, as the scores are, in every view; F1 in words."""
    card = client.get("/model").json()
    at = f"{100 * card['threshold']['value']:.4g}"
    page = visit("lead")
    label = page.locator(".threshold-label")
    expect(label).to_have_text(f"threshold {at}")
    expect(page.locator(".field", has_text="Time on the website")).to_contain_text(" s (23 min)")
    letters = page.locator(".band i").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().bottom)"
    )
    line = page.locator(".threshold").bounding_box()
    assert line
    assert line["y"] >= max(letters)
    page = visit("model")
    expect(page.locator(".columns dd", has_text="Seconds on the website")).to_contain_text("to 38 min")
    facts = page.locator(".facts")
    expect(facts).to_contain_text(f"a score of {at} (highest F1: the best balance")
    grades = page.locator(".block", has_text="What to do").locator("td:nth-child(2)").all_inner_texts()
    assert grades == [f"{100 * one['at_least']:.4g}" for one in card["grades"]]
    page = visit("file")
    upload(page, _leads(tmp_path / "leads.csv", 30, Converted=""))
    expect(page.get_by_text("line: the threshold,")).to_have_text(f"line: the threshold, {at}")


def test_bars_have_the_colours_of_their_leads(visit: Open, tmp_path: Path) -> None:
    """A bar of scores that two grades share shows both, and no grade that no lead has."""
    page = visit("file")
    upload(page, _leads(tmp_path / "leads.csv", 200, Converted=""))
    shown = page.locator("svg rect").evaluate_all(
        "bars => [...new Set(bars.map(bar => bar.className.baseVal))]"
    )
    options = page.locator("[data-kind='Grade'] option").all_inner_texts()[1:]
    there = [f"g{rank}" for rank, text in enumerate(options) if not text.endswith("(0)")]
    assert sorted(shown) == there


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_table_of_the_model_is_cut(visit: Open, width: int) -> None:
    """How far to trust a channel is in sight on a phone, too."""
    page = visit("model", width=width)
    page.locator("#view-model .scroll").first.wait_for(state="attached")
    for summary in page.locator("#view-model summary").all():
        summary.click()
    cut = page.locator(".scroll").evaluate_all(
        "all => all.map(one => one.scrollWidth - one.clientWidth)"
    )
    assert max(cut) <= 0
