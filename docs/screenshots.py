"""Pictures of the page: `make screenshots`.

The README's go to docs/screenshots/, the same in dark and narrow to build/screenshots/, to be looked at.
"""

import contextlib
import csv
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, Page

from leadscore.scorer import Scorer
from leadscore.service.server import app
from leadscore.settings import Settings
from tests.browser import chromium

ROOT = Path(__file__).resolve().parent.parent
WIDE, NARROW = (1280, 940), (360, 780)


def main() -> None:
    """Take all pictures."""
    with _service() as base, chromium() as browser:
        for scheme in ("light", "dark"):
            for size in (WIDE, NARROW):
                readme = scheme == "light" and size == WIDE
                folder = ROOT / "docs" / "screenshots" if readme else ROOT / "build" / "screenshots"
                _take(browser, base, folder, "" if readme else f"-{scheme}-{size[0]}", scheme, size)


def _take(
    browser: Browser,
    base: str,
    folder: Path,
    suffix: str,
    scheme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    for name, prepare in (("call-list", _list), ("one-lead", _lead), ("model", _model)):
        page.goto(f"{base}/")
        prepare(page)
        page.screenshot(path=folder / f"{name}{suffix}.png")
    page.close()


def _list(page: Page) -> None:
    page.set_input_files("#file-input", _open_leads())
    page.locator(".space .row").first.wait_for()
    page.locator(".capacity").evaluate("element => element.scrollIntoView()")


def _open_leads() -> Path:
    """The newest fifth of the shipped leads, half of them still open."""
    leads = ROOT / "data" / "leads.csv"
    with leads.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    newest = sorted(rows, key=lambda row: int(row["Lead Number"]))[-len(rows) // 5 :]
    for row in newest[len(newest) // 2 :]:
        row["Converted"] = ""
    path = ROOT / "build" / "newest leads.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(newest)
    return path


def _lead(page: Page) -> None:
    page.goto(f"{page.url.partition('#')[0]}#lead")
    page.locator(".reasons li").first.wait_for()
    page.get_by_label("Time on the website").fill("1200")
    page.locator(".difference").wait_for()


def _model(page: Page) -> None:
    page.goto(f"{page.url.partition('#')[0]}#model")
    page.locator(".fact").first.wait_for()


@contextlib.contextmanager
def _service() -> Iterator[str]:
    """The shipped model on a free port."""
    settings = Settings(log_requests=False)
    server = uvicorn.Server(
        uvicorn.Config(app(Scorer(settings.model), settings), port=0, log_config=None)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
