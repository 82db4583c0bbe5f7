"""The page at `/`: static files, drawn by the browser from the card and the service's answers alone."""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.requests import Request
from starlette.staticfiles import StaticFiles

FILES: Final = Path(__file__).parent / "static"
PAGE: Final = "/page"
"""Where the scripts and styles of the page are."""

# Asked for anew each time, and mostly answered with 304: no script of an old version meets a new one.
FRESH: Final = {"cache-control": "no-cache"}


def install(app: FastAPI) -> None:
    """Serve the page."""

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> FileResponse:
        return FileResponse(FILES / "index.html", headers=FRESH)

    app.mount(PAGE, Files(directory=FILES), name="page")


def paths() -> frozenset[str]:
    """The paths of the page's files."""
    return frozenset(f"{PAGE}/{path.name}" for path in FILES.iterdir())


class Files(StaticFiles):
    """Files that are asked for anew each time."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """A file, or a 304 if the asker has it."""
        response = super().file_response(*arguments, **options)
        response.headers.update(FRESH)
        return response
