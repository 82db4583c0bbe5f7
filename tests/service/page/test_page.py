"""The page in a real browser: what a sales manager sees and does."""

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from leadscore.service.page import FILES
from tests.browser import CHROMIUM, chromium
from tests.conftest import TWIN, Command

if CHROMIUM is None:
    pytest.skip("chromium is not installed", allow_module_level=True)

expect.set_options(timeout=30_000)  # on a busy machine

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
VIEWS = {"file": "Whom should we call first?", "lead": "How likely", "model": "What the model knows"}
SCRIPT = '<script>document.title="broken"</script><img src=x onerror=alert(1)>'
OUTSIDE = """texts => texts.filter(text => {
    const [inner, outer] = [text, text.ownerSVGElement].map(element => element.getBoundingClientRect());
    return inner.left < outer.left || inner.right > outer.right;
}).map(text => text.textContent)"""
REFUSED = "the server responded with a status of 4"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def base(client: httpx2.Client) -> str:
    """Where the shipped model is served."""
    return str(client.base_url).rstrip("/")


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Open]:
    """Open a view in a fresh tab under a strict policy; nothing may have gone wrong in it afterwards."""
    wrong: list[str] = []
    contexts = []

    def start(view: str, width: int = 1280, scheme: Any = "light", **routes: object) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        # The browser notes refusals the page handles, such as a 422, as errors.
        page.on("console", lambda m: REFUSED in m.text or wrong.append(m.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda sent: _own(sent.url, base) or wrong.append(f"left: {sent.url}"))

        def guarded(route: Any) -> None:
            answer = route.fetch()
            headers = {**answer.headers, "content-security-policy": POLICY}
            route.fulfill(response=answer, headers=headers)

        page.route(f"{base}/", guarded)
        for path, document in routes.items():
            page.route(f"{base}/{path}", lambda route, _, body=document: route.fulfill(json=body))
        page.goto(f"{base}/#{view}")
        return page

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


def _own(url: str, base: str) -> bool:
    return url.startswith((base + "/", "blob:", "data:"))


def _upload(page: Page, path: Path, partial: bool = False) -> None:
    page.set_input_files("#file-input", path)
    if partial:
        page.get_by_role("button", name="Score it all the same").click()
    expect(page.locator(".row").first).to_be_visible(timeout=30_000)


def _numbers(page: Page) -> list[str]:
    return page.locator(".row .who button").all_inner_texts()


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
        expect(page.locator(".row").first).to_be_visible()
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
    page.wait_for_function("location.hash.includes('total_visits=7')")
    assert addresses
    assert not any("script" in url or "total_visits" in url for url in addresses)
    assert page.title() == "One lead · Lead conversion"


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


def test_page_ranks_like_the_command(visit: Open, command: Command, tmp_path: Path) -> None:
    """The newest fifth: order, scores, reasons and the downloaded bytes of `predict.py score --sort`."""
    _compare_with_the_command(visit, command, TWIN, tmp_path)


def test_page_ranks_the_original_like_the_command(
    visit: Open, command: Command, tmp_path: Path, original_csv: Path
) -> None:
    """The same with the newest fifth of the original."""
    _compare_with_the_command(visit, command, original_csv, tmp_path)


def _compare_with_the_command(visit: Open, command: Command, leads: Path, folder: Path) -> None:
    rows = list(csv.reader(io.StringIO(leads.read_text(encoding="utf-8"), newline="")))
    clock = rows[0].index("Lead Number")
    newest = sorted(rows[1:], key=lambda row: -int(row[clock]))[: len(rows) // 5]
    source = folder / "newest.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([rows[0], *newest])
    scored = command("score", str(source), "--sort").out
    expected = list(csv.DictReader(io.StringIO(scored.decode(), newline="")))
    page = visit("file")
    _upload(page, source)
    assert _numbers(page)[:10] == [row["Lead Number"] for row in expected[:10]]
    first = page.locator(".row").first
    expect(first.locator(".points strong")).to_have_text(expected[0]["score"])
    assert first.locator(".reason").all_inner_texts() == [expected[0][f"reason_{n}"] for n in (1, 2, 3)]
    page.locator(".rows").evaluate("element => { element.scrollTop = element.scrollHeight }")
    expect(page.locator(f"[aria-rowindex='{len(expected)}'] .who button")).to_have_text(
        expected[-1]["Lead Number"]
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download ranked list").click()
    assert download.value.suggested_filename == "newest ranked.csv"
    assert Path(download.value.path()).read_bytes() == codecs.BOM_UTF8 + scored


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
    _upload(page, source, partial=True)
    assert sorted(text[0] for text in _numbers(page)) == ["A", "B"]
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
    _upload(page, source, partial=True)
    assert SCRIPT in _numbers(page)
    page.get_by_role("button", name=SCRIPT).click()
    expect(page.get_by_role("dialog")).to_contain_text(SCRIPT)
    assert page.locator("main script, main img:not(.brand img)").count() == 0
    assert page.title() == "Call list · Lead conversion"


def test_slider_search_and_filters_agree(visit: Open) -> None:
    """The plan counts the calls; search, grade and calls narrow the list down."""
    page = visit("file")
    _upload(page, TWIN)
    expect(page.locator(".tools [role=status]")).to_have_text("9,240 leads")
    page.get_by_label("Calls, as a number").fill("100")
    expect(page.locator(".plan")).to_contain_text("Call the first 100")
    page.get_by_label("Only the calls I can make").check()
    expect(page.locator(".tools [role=status]")).to_have_text("100 leads")
    page.get_by_label("Only the calls I can make").uncheck()
    page.get_by_label("Grade", exact=True).select_option("D")
    expect(page.locator(".row .grade").first).to_contain_text("D")
    page.get_by_label("Search", exact=True).fill("1083603")
    expect(page.locator(".tools [role=status]")).to_have_text("1 lead")
    page.get_by_label("Search", exact=True).fill("nobody has this")
    expect(page.locator(".space")).to_have_text("No lead matches.")


@pytest.mark.slow
def test_long_lists_hold_few_rows(visit: Open, tmp_path: Path) -> None:
    """100,000 leads: only the rows in sight exist, at the top and after a jump to the end; the charts
    have room for their numbers.
    """
    header, _, rows = TWIN.read_text(encoding="utf-8").partition("\n")
    lines = (rows * 11).splitlines()[:100_000]
    source = tmp_path / "long.csv"
    source.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    page = visit("file")
    page.set_input_files("#file-input", source)
    expect(page.locator(".tools [role=status]")).to_have_text("100,000 leads", timeout=120_000)
    page.locator(".rows").evaluate("element => { element.scrollTop = element.scrollHeight }")
    expect(page.locator("[aria-rowindex='100000']")).to_be_visible()
    assert page.locator(".row").count() < 60
    texts = page.locator("svg text")
    assert "100K" in texts.all_text_contents()
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
    _upload(page, source, partial=True)
    expect(page.locator(".row").last).to_contain_text("TotalVisits: got 'many'")
    expect(page.locator("p.warnings")).to_contain_text("1 row could not be read")


def test_columns_of_other_names_are_asked_for_once(visit: Open, tmp_path: Path) -> None:
    """A file that lacks what matters is not scored; the choice of columns is kept in this browser alone,
    and the next file of the kind needs none. What was read stands above the plan.
    """
    header, *rows = TWIN.read_text(encoding="utf-8").splitlines()[:30]
    source = tmp_path / "export.csv"
    other = header.replace("Total Time Spent on Website", "Seconds").replace("TotalVisits", "Hits")
    source.write_text("\n".join(["My leads", other, *rows, ""]), encoding="utf-8")
    page = visit("file")
    page.set_input_files("#file-input", source)
    expect(page.get_by_role("alert")).to_contain_text("lacks much of what the model goes by")
    expect(page.get_by_role("alert")).to_contain_text("Time on the website 39")
    page.locator("#column-total_time_spent_on_website").select_option("Seconds")
    page.locator("#column-total_visits").select_option("Hits")
    page.get_by_role("button", name="Use these columns").click()
    expect(page.locator(".row").first).to_be_visible(timeout=30_000)
    expect(page.locator(".mapping summary")).to_have_text(
        "11 of the 11 columns the model reads are in the file"
    )
    page.locator(".mapping summary").click()
    expect(page.locator(".mapping")).to_contain_text("1 line above the header")
    above = "(element) => element.compareDocumentPosition(document.querySelector('.plan'))"
    assert page.locator(".mapping").evaluate(above) & 4
    page.get_by_role("button", name="Another file").click()
    _upload(page, source)
    assert page.evaluate("Object.keys(localStorage)") == ["leadscore.columns"]


def test_workbook_is_ranked(visit: Open, command: Command, tmp_path: Path) -> None:
    """As Excel saves it."""
    few = b"\n".join(TWIN.read_bytes().splitlines()[:30])
    command("score", "-", "-o", str(tmp_path / "leads.xlsx"), content=few)
    page = visit("file")
    _upload(page, tmp_path / "leads.xlsx")
    expect(page.locator(".tools [role=status]")).to_have_text("29 leads")


def test_keyboard_alone_is_enough(visit: Open) -> None:
    """Tab, Enter and Escape lead from the address bar to a ranked list, a lead and back."""
    page = visit("file")
    expect(page.get_by_text("Drop a CSV or Excel file here")).to_be_visible()
    _tab_to(page, "made-up leads")
    page.keyboard.press("Enter")
    expect(page.locator(".row").first).to_be_visible()
    name = page.locator(".row .who button").first.inner_text()
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
            len(line.get_attribute("points").split()) for line in chart.locator("polyline").all()
        )
        assert drawn >= len(card["metrics"][curve])
        assert "NaN" not in chart.inner_html()
    del card["metrics"]["reliability"], card["metrics"]["gains"]
    page = visit("model", model=card)
    expect(page.get_by_role("heading", name="What it refuses")).to_be_visible()
    expect(page.locator("#view-model svg[role=img]")).to_have_count(0)


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
    """Everything the page loads is under 150 kB, its own, and free of inline script and style."""
    files = [path for path in FILES.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 150_000
    index = client.get("/").raise_for_status().text
    assert "<style" not in index
    assert " style=" not in index
    assert "http" not in index.replace("http-equiv", "")
    for path in files:
        if path.name != "index.html":
            assert client.get(f"/page/{path.name}").raise_for_status().content == path.read_bytes()
