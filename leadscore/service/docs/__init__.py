"""The page at `/docs`: the OpenAPI document, shown by Swagger UI.

Its files come from the service itself: a page that loads scripts from elsewhere is blank without
internet. Swagger UI is part of the package fastapi-offline, which is not imported.
"""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.requests import Request

from leadscore.service.page import FRESH, Files

PAGE: Final = "/docs"
FOLDER: Final = Path(__file__).parent / "static"
SWAGGER_UI: Final = ("fastapi_offline", "static")
USED: Final = ("docs.js", "swagger-ui-bundle.js", "swagger-ui.css")


def install(app: FastAPI) -> None:
    """Serve the page and its files."""

    @app.get(PAGE, include_in_schema=False)
    async def docs(request: Request) -> FileResponse:
        return FileResponse(FOLDER / "docs.html", headers=FRESH)

    app.mount(PAGE, Files(directory=FOLDER, packages=[SWAGGER_UI]), name="docs")


def paths() -> frozenset[str]:
    """The paths of the page and its files, which tell nothing and need no key."""
    return frozenset((PAGE, *(f"{PAGE}/{name}" for name in USED)))
