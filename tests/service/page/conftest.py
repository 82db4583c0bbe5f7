"""The page in a real browser, under a strict policy: what goes wrong in it fails the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.browser import CHROMIUM, chromium

if CHROMIUM is None:
    pytest.skip("chromium is not installed", allow_module_level=True)

expect.set_options(timeout=30_000)  # on a busy machine

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
REFUSED = "the server responded with a status of 4"
CRM = Path(__file__).parent / "crm.csv"
"""Made-up leads as a CRM exports them: names, phones, owners, open and closed ones."""

Open = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def base(client: httpx2.Client) -> str:
    """Where the shipped model is served."""
    return str(client.base_url).rstrip("/")


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Open]:
    """Open a view in a fresh tab under a strict policy; nothing may have gone wrong in it afterwards.
    `base`: where another model than the shipped one is served.
    """
    wrong: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # The browser notes refusals the page handles, such as a 422, as errors.
        if REFUSED not in message.text:
            wrong.append(message.text)

    def start(
        view: str, width: int = 1280, scheme: Any = "light", base: str = base, **routes: object
    ) -> Page:
        def own_alone(sent: Request) -> None:
            if not _own(sent.url, base):
                wrong.append(f"left: {sent.url}")

        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", own_alone)

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


def upload(page: Page, path: Path, closed: bool = False, partial: bool = False) -> None:
    """Give the page a file, and wait for its list; `closed`: with the closed leads; `partial`: though it
    lacks columns.
    """
    page.set_input_files("#file-input", path)
    if partial:
        page.get_by_role("button", name="Score it all the same").click()
    if closed:
        page.get_by_label("Rank closed leads too").check()
    expect(page.locator(".space .row").first).to_be_visible()


def titles(page: Page) -> list[str]:
    """What the leads in sight are called."""
    return page.locator(".space .who button").all_inner_texts()


def choose(page: Page, kind: str, value: str) -> None:
    """Filter the list by one of its categories."""
    page.locator(f"[data-kind='{kind}']").select_option(value)


def rows(page: Page, count: int, noun: str = "leads") -> None:
    """Wait until the list has so many leads."""
    expect(page.locator(".tools [role=status]")).to_have_text(f"{count:,} {noun}")
