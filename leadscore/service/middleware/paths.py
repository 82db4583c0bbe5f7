"""The path of a request as routes know it: without a proxy's prefix, and without /v1.

Outermost, so that nothing else has to know the prefix. A server that was told it (`--root-path`) puts it
before every path; a proxy may take it off the path, or leave it there.
"""

from collections.abc import Set
from typing import Final

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

VERSION: Final = "/v1"


def rooted(app: ASGIApp, root_path: str, versioned: Set[str]) -> ASGIApp:
    """An app whose paths start behind the prefix; those `versioned` are also found below VERSION.

    The prefix stands in `scope["prefix"]`, for links; where the server names none it is `root_path`.
    Alone it is answered by a redirect, for the page's links are relative.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        given = scope.get("root_path", "")
        prefix = given.rstrip("/") or root_path
        if prefix:
            path = _behind(prefix, scope["path"].removeprefix(given))
            if not path:
                await RedirectResponse(f"{prefix}/", 308)(scope, receive, send)
                return
            scope = {**scope, "root_path": "", "path": path, "prefix": prefix}
        if scope["path"].startswith(VERSION) and (path := scope["path"][len(VERSION) :]) in versioned:
            scope = {**scope, "path": path}
        await app(scope, receive, send)

    return answer


def _behind(prefix: str, path: str) -> str:
    if path == prefix or path.startswith(f"{prefix}/"):
        return path[len(prefix) :]
    return path if path.startswith("/") else f"/{path}"
