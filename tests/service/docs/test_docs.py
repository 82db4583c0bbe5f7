"""The page at /docs, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser import CHROMIUM, chromium
from tests.conftest import Serve, Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    """A service with a key, behind a proxy's prefix."""
    with serve(LEADSCORE_API_KEYS="key", LEADSCORE_ROOT_PATH="/scoring") as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page as it opens. Anything it says in the console or asks of another host fails the test."""
    found = browser.new_page()
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((str(server.base_url), "data:")):
            wrong.append(request.url)

    found.on("request", asked)
    found.on("console", lambda said: None if "401" in said.text else wrong.append(said.text))
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.goto(f"{server.base_url}/scoring/docs")
    yield found
    found.close()
    assert wrong == []


def test_page_needs_nothing_but_the_service(page: Page, server: Server) -> None:
    """It asks for a key, shows every operation, and a lead that is tried is scored with that key."""
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("This key is not known.").wait_for()
    page.get_by_label("Key").fill("key")
    page.get_by_role("button", name="Continue").click()
    operation = page.locator("#operations-Scoring-predict")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    operation.get_by_text('"probability"').first.wait_for()
    assert "/scoring/predict" in operation.locator(".request-url").inner_text()


def test_service_without_keys_asks_for_none(browser: Browser, client: Server) -> None:
    """The document is there at once."""
    page = browser.new_page()
    page.goto(f"{client.base_url}/docs")
    page.locator("#operations-Scoring-predict").wait_for()
    assert not page.get_by_label("Key").is_visible()
    page.close()
