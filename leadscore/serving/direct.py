"""Routes that FastAPI documents, and that answer without its detours."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final, get_type_hints
from urllib.parse import parse_qsl

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from leadscore.serving import problems
from leadscore.serving.limits import LARGE

# As nearly every client declares a body.
DECLARED: Final = (b"content-type", b"application/json")


class Direct(APIRoute):
    """A route whose endpoint takes `body`, the request's JSON, and `asked`, its query.

    FastAPI's way from a request to an endpoint is made for endpoints of every kind and takes longer
    than scoring a lead. Here it is read, validated, answered and written, and nothing else. Work on a
    body of more than LARGE bytes is done in a thread: it would hold up the event loop.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        types = get_type_hints(endpoint, include_extras=True)
        body, asked, answer = (TypeAdapter[Any](types[name]) for name in ("body", "asked", "return"))
        self._body, self._asked, self._answer = body.validator, asked.validator, answer.serializer
        self._unasked = self._asked.validate_python({})
        self.app = self._respond

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is wrong with it is raised as FastAPI raises it."""
        body = await read(receive)
        if len(body) > LARGE:
            content = await asyncio.to_thread(self._content, scope, body)
        else:
            content = self._content(scope, body)
        headers = [(b"content-length", b"%d" % len(content)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _content(self, scope: Scope, body: bytes) -> bytes:
        try:
            given = self._body.validate_python(_parsed(scope, body))
        except ValidationError as error:
            raise refused("body", error) from None
        asked = self._unasked
        if query := scope["query_string"]:
            try:
                asked = self._asked.validate_python(
                    dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
                )
            except ValidationError as error:
                raise refused("query", error) from None
        return self._answer.to_json(self.endpoint(given, asked))


class Shortcut:
    """An app whose Direct routes are answered without passing through it.

    HEAD is answered as GET, which FastAPI leaves to the app; the server sends no body then.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app, self.state = app, app.state
        self._routes = {route.path: route for route in app.routes if isinstance(route, Direct)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        route = self._routes.get(scope["path"])
        if route is None or scope["method"] != "POST":
            # A copy: the server knows by its own scope that no body is to be sent.
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._app(asked, receive, send)
            scope["route"] = asked.get("route")
            return
        scope["route"] = route
        try:
            await route.app(scope, receive, send)
        except (HTTPException, RequestValidationError) as error:
            await problems.answer(HTTPConnection(scope), error)(scope, receive, send)


async def read(receive: Receive) -> bytes:
    """The whole body of a request. HTTPException if the client goes before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The request was not sent to its end.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _parsed(scope: Scope, body: bytes) -> Any:
    """The JSON of a body; what is not declared as JSON stays as it is, to be refused."""
    if DECLARED not in scope["headers"] and not problems.is_json(
        problems.media_type(HTTPConnection(scope))
    ):
        return body
    if not body:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": ""}])
    try:
        return from_json(body)
    except ValueError:  # json says better what is wrong, and can tell where a surrogate pair is halved
        pass
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", error.pos), "ctx": {"error": error.msg}}
        raise RequestValidationError([wrong]) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is not JSON that can be read.") from None


def refused(place: str, error: ValidationError) -> RequestValidationError:
    """What pydantic found wrong in the body or the query, as FastAPI raises it."""
    return RequestValidationError(
        [{**entry, "loc": (place, *entry["loc"])} for entry in error.errors(include_url=False)]
    )
