"""The page at `/`: static files, drawn by the browser from the card and the service's answers alone."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

FILES: Final = Path(__file__).parent / "static"
PATH: Final = "/page"
"""Where the scripts and styles of the page are."""


def install(app: FastAPI) -> None:
    """Serve the page."""

    @app.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(FILES / "index.html")

    app.mount(PATH, StaticFiles(directory=FILES), name="page")
