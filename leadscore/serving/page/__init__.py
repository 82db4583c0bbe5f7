"""The page at `/`: static files beside this module, drawn by the browser from the card alone."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

FILES: Final = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    """Serve the page, after every other route: what no route answers is looked for among its files."""
    app.mount("/", StaticFiles(directory=FILES, html=True), name="page")
