"""The page in a real browser: its views, one lead, the model, the key."""

import json
import re
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Route, expect

from leadscore.service.page import FILES
from tests.service.page.conftest import Open

VIEWS = {"file": "Whom should we call first?", "lead": "How likely", "model": "What the model knows"}
SCRIPT = '<script>document.title="broken"</script><img src=x onerror=alert(1)>'


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "dark"),
        pytest.param(360, "light", marks=pytest.mark.slow),
        pytest.param(1440, "dark", marks=pytest.mark.slow),
        pytest.param(1440, "light", marks=pytest.mark.slow),
    ],
)
def test_views_are_accessible_and_fit(visit: Open, view: str, width: int, scheme: str) -> None:
    """axe-core finds nothing to object to, light and dark, wide and narrow; nothing sticks out."""
    page = visit(view, width, scheme)
    expect(page.get_by_role("heading", level=1).locator("visible=true")).to_contain_text(VIEWS[view])
    if view == "file":
        page.get_by_role("button", name="made-up leads").click()
        expect(page.locator(".space .row").first).to_be_visible()
    if view == "lead":
        expect(page.locator(".reasons li").first).to_be_visible()
    if view == "model":
        for summary in page.locator("#view-model summary").all():
            summary.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_typical_lead_is_scored_as_the_service_does(visit: Open, client: httpx2.Client) -> None:
    """The form starts with a typical lead; score, grade and reasons are those of POST /predict."""
    page = visit("lead")
    expect(page.locator(".score strong")).to_be_visible()
    lead = {}
    for field in page.locator("#view-lead .field").all():
        control = field.locator("input, select")
        lead[str(control.get_attribute("id")).removeprefix("field-")] = control.input_value()
    answer = client.post("/predict?reasons=6", json=lead).raise_for_status().json()
    assert len(lead) == 11
    expect(page.locator(".score strong")).to_have_text(str(answer["score"]))
    expect(page.locator(".headline .grade")).to_contain_text(answer["grade"])
    shown = page.locator(".reasons .text").all_inner_texts()
    assert shown == [reason["text"] for reason in answer["reasons"]]


def test_change_shows_its_difference_and_can_be_undone(visit: Open) -> None:
    """What-if: another value, another score, the difference in points; undoing restores the first."""
    page = visit("lead")
    score = page.locator(".score strong")
    before = int(score.inner_text())
    page.get_by_label("Time on the website").fill("1400")
    expect(page.locator(".difference")).to_be_visible()
    points = int(score.inner_text()) - before
    assert points > 0
    expect(page.locator(".difference strong")).to_have_text(f"+{points} points")
    page.get_by_role("button", name="Undo them").click()
    expect(score).to_have_text(str(before))
    expect(page.locator(".difference")).to_have_count(0)


def test_wrong_value_is_said_beside_its_field(visit: Open) -> None:
    """A value the service refuses is marked where it stands, in words."""
    page = visit("lead")
    expect(page.locator(".score strong")).to_be_visible()
    with page.expect_response("**/predict?*"):
        page.get_by_label("Visits to the website").fill("-3")
    field = page.locator(".field", has=page.get_by_label("Visits to the website"))
    expect(field.locator(".wrong")).to_have_text("Expected a number of at least 0.")
    page.get_by_label("Visits to the website").fill("3")
    expect(page.locator(".score strong")).to_be_visible()
    expect(field.locator(".wrong")).to_have_text("")


def test_shared_link_shows_the_lead_and_tells_the_server_nothing(visit: Open, base: str) -> None:
    """A link carries the lead in its fragment, markup in it stays text, and no address holds it."""
    addresses: list[str] = []
    page = visit("model")
    page.on("request", lambda sent: addresses.append(sent.url))
    page.evaluate(
        "value => location.hash = 'lead?' + new URLSearchParams({city: value, total_visits: 7})", SCRIPT
    )
    expect(page.locator(".warnings")).to_contain_text(f"City “{SCRIPT}” is new to the model")
    assert page.get_by_label("City").input_value() == SCRIPT
    assert page.get_by_label("Visits to the website").input_value() == "7"
    page.get_by_role("button", name="Copy link").click()
    expect(page).to_have_url(re.compile("#.*total_visits=7"))
    assert addresses
    assert not any("script" in url or "total_visits" in url for url in addresses)
    assert page.title() == "One lead · Lead conversion"


def test_number_of_a_link_is_never_dropped(visit: Open) -> None:
    """What no field of numbers can hold is shown, and read as the service does, or refused in words."""
    page = visit("lead?total_visits=$5")
    expect(page.get_by_label("Visits to the website")).to_have_value("$5")
    page.get_by_role("button", name="weaker reasons").click()
    expect(page.locator(".reasons")).to_contain_text("Visits to the website 5")
    page.evaluate("location.hash = 'lead?total_visits=1,200'")
    field = page.locator(".field", has=page.get_by_label("Visits to the website"))
    expect(field.locator(".wrong")).to_have_text(
        re.compile(r"^Expected .* which mark is the decimal one\?$")
    )
    page.get_by_role("button", name="Typical lead").click()
    expect(page.get_by_role("spinbutton", name="Visits to the website")).not_to_have_value("")


def test_shared_link_outlives_a_slow_service(visit: Open, base: str) -> None:
    """A lead whose score is still under way is there after a look at another view, not a typical one."""
    page = visit("model")
    waiting: list[Route] = []

    def held(route: Route) -> None:
        waiting.append(route)

    page.route(f"{base}/predict?*", held)
    page.evaluate("location.hash = 'lead?total_visits=7'")
    expect(page.get_by_label("Visits to the website")).to_have_value("7")
    page.get_by_role("link", name="The model").click()
    page.get_by_role("link", name="One lead").click()
    expect(page).to_have_title("One lead · Lead conversion")
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(page.locator(".score strong")).to_be_visible()
    assert page.get_by_label("Visits to the website").input_value() == "7"


def test_refused_lead_is_not_compared_with(visit: Open) -> None:
    """A lead the service refused has no score: changes count from the first one it answered."""
    page = visit("lead?total_visits=-3")
    expect(page.locator(".field .wrong", has_text="Expected")).to_be_visible()
    page.get_by_label("Visits to the website").fill("3")
    expect(page.locator(".score strong")).to_be_visible()
    expect(page.locator(".difference")).to_have_count(0)
    page.get_by_label("Time on the website").fill("1400")
    expect(page.locator(".difference")).to_be_visible()
    page.get_by_role("button", name="Undo them").click()
    expect(page.locator(".difference")).to_have_count(0)
    assert page.get_by_label("Visits to the website").input_value() == "3"


def test_lead_of_a_list_opens_in_the_form(visit: Open) -> None:
    """From a row to the same lead in the form: the same score, and what-if from there."""
    page = visit("file")
    page.get_by_role("button", name="made-up leads").click()
    score = page.locator(".row .points strong").first.inner_text()
    page.locator(".row .who button").first.click()
    page.get_by_role("link", name="All reasons, and what if").click()
    expect(page.locator(".score strong")).to_have_text(score)


def test_charts_of_the_card_are_drawn(visit: Open, client: httpx2.Client) -> None:
    """The card's reliability and gains get their charts; a card without them misses nothing else."""
    card = json.loads(client.get("/model").text)
    page = visit("model")
    charts = page.locator("#view-model svg[role=img]")
    expect(charts).to_have_count(2)
    for chart, curve in zip(charts.all(), ("reliability", "gains"), strict=True):
        drawn = max(
            len((line.get_attribute("points") or "").split()) for line in chart.locator("polyline").all()
        )
        assert drawn >= len(card["metrics"][curve])
        assert "NaN" not in chart.inner_html()
    del card["metrics"]["reliability"], card["metrics"]["gains"]
    page = visit("model", model=card)
    expect(page.get_by_role("heading", name="What it refuses")).to_be_visible()
    expect(page.locator("#view-model svg[role=img]")).to_have_count(0)


def test_model_is_told_in_words(visit: Open, client: httpx2.Client) -> None:
    """What counts most, each channel with how far to trust it, what to do with a grade; no jargon."""
    card = client.get("/model").json()
    page = visit("model")
    most = max(card["importance"], key=card["importance"].__getitem__)
    titles = {column["name"]: column.get("label") for column in card["dictionary"]["column"]}
    first = page.locator(".block", has_text="What counts most").locator("tbody tr").first
    expect(first).to_contain_text(titles[most])
    meter = first.locator(".meter i").bounding_box()
    assert meter
    assert meter["height"] > 0
    channels = page.locator(".block", has_text="The scores said").locator("tbody tr")
    expect(channels).to_have_count(len(card["metrics"]["channels"]))
    expect(channels.first).to_contain_text("of 100)")
    expect(page.locator(".block", has_text="What to do")).to_contain_text("Call today")
    page.get_by_text("measures on the newest leads").click()
    words = page.locator(".block", has_text="All figures").locator("td:nth-child(2)").all_inner_texts()
    assert words
    assert all(words)


def test_key_is_asked_for_and_kept_in_memory_only(visit: Open, base: str) -> None:
    """The page asks for a key, asks again if it is refused, sends it and stores it nowhere."""
    page = visit("none")
    page.unroute_all()
    sent: list[str | None] = []

    def locked(route: Any) -> None:
        sent.append(route.request.headers.get("authorization"))
        if sent[-1] == "Bearer right":
            route.continue_()
        else:
            problem = {"title": "Unauthorized", "status": 401, "detail": "A key is needed."}
            route.fulfill(status=401, json=problem, content_type="application/problem+json")

    page.route(f"{base}/model", locked)
    page.route(f"{base}/predict*", locked)
    page.reload()
    page.get_by_role("textbox", name="Key").fill("wrong")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").filter(has_text="does not accept")).to_be_visible()
    page.get_by_role("textbox", name="Key").fill("right")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Drop a CSV or Excel file here")).to_be_visible()
    page.goto(f"{base}/#lead")
    expect(page.locator(".score strong")).to_be_visible()
    assert sent[:3] == [None, "Bearer wrong", "Bearer right"]
    assert sent[-1] == "Bearer right"
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_silent_service_is_reported(visit: Open, base: str) -> None:
    """Without a model the page says so and can try again."""
    page = visit("none")
    page.unroute_all()
    broken = True
    page.route(
        f"{base}/model",
        lambda route: (
            route.fulfill(status=200, body="no card", content_type="application/json")
            if broken
            else route.continue_()
        ),
    )
    page.reload()
    expect(page.get_by_role("heading", name="The model could not be loaded")).to_be_visible()
    broken = False
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Drop a CSV or Excel file here")).to_be_visible()


def test_page_is_small(client: httpx2.Client) -> None:
    """Everything the page loads is under 200 kB, its own, and free of inline script and style."""
    files = [path for path in FILES.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 200_000
    index = client.get("/").raise_for_status().text
    assert "<style" not in index
    assert " style=" not in index
    assert "http" not in index.replace("http-equiv", "")
    for path in files:
        if path.name != "index.html":
            assert client.get(f"/page/{path.name}").raise_for_status().content == path.read_bytes()
