"""The kind of route that all routes of the service are, and how they read a body and a query."""

import json
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from leadscore.columns import show
from leadscore.names import nearest
from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.routes.repetition import keys_of, refuse_repeated

LARGE: Final = 64 * 2**10
"""Bytes of a body, about 150 leads with all columns: a larger one is worked on in a thread, for it would
hold up the event loop."""

MANY: Final = 4_000
"""Values of a body: more are worked on in a thread, too, however short they are."""

IN_MEMORY: Final = 2**24
"""Bytes of a file that are held in memory; the rest of a larger one waits on disk."""

AS_JSON: Final = (b"content-type", b"application/json")
"""As nearly every client declares a body."""

SCORING: Final[list[str | Enum]] = ["Scoring"]
"""The tag of the routes that score, for OpenAPI."""

LONGEST_NUMBER: Final = 20  # digits of a number in a query

Work = Callable[[Model, Request, bytes], Response]
"""Turns a body into an answer."""


class Route(APIRoute):
    """A route that FastAPI documents, and whose endpoint gets the request and nothing else.

    FastAPI's way from a request to an endpoint is made for endpoints of every kind and takes longer
    than scoring a lead: with plain routes the service answers a sixth fewer single leads a second
    (benchmarks/routes.py). Endpoints are written as for plain routes.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is wrong with it becomes a problem document."""
        request = Request(scope, receive)
        scope["route"] = self
        try:
            if not self._takes(scope["method"]):
                raise HTTPException(405, headers={"allow": ", ".join(sorted(self.methods or ()))})
            if scope["query_string"]:
                self._check_query(request)
            response: Response = await self.endpoint(request)
        except HTTPException as error:
            response = problems.answer(scope, error)
        except ClientDisconnect:
            response = problems.refusal(scope, 400, "The request was not sent to its end.")
        await response(scope, receive, send)

    def _check_query(self, request: Request) -> None:
        """ProblemError for a parameter that is none of those the route documents, if it has any."""
        names = [
            one["name"]
            for one in (self.openapi_extra or {}).get("parameters", ())
            if one["in"] == "query"
        ]
        unknown = [name for name in request.query_params if names and name not in names]
        if unknown:
            raise problems.invalid(
                [
                    problems.FieldError(
                        pointer=problems.pointer(("query", name)),
                        value=request.query_params[name],
                        expected=_hint(name, names),
                    )
                    for name in unknown
                ]
            )

    def _takes(self, method: str) -> bool:
        """HEAD is answered as GET: the server, which knows better, sends no body."""
        return ("GET" if method == "HEAD" else method) in (self.methods or ())


def _hint(name: str, names: Sequence[str]) -> str:
    near = nearest(name, names)
    return f"one of the parameters {', '.join(names)}" + (f" (did you mean {near!r}?)" if near else "")


class JsonAnswer(Response):
    """A document that is JSON already. Starlette's own constructor takes six times as long."""

    def __init__(self, content: bytes) -> None:
        self.status_code, self.background, self.body = 200, None, content
        length = str(len(content)).encode()
        self.raw_headers = [(b"content-length", length), (b"content-type", b"application/json")]


def first(app: FastAPI) -> ASGIApp:
    """The app, whose routes of one path each get their requests before its middleware, which they do
    not need and which takes a third as long as a score.
    """
    routes = {one.path: one for one in app.routes if isinstance(one, Route)}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        route = routes.get(scope["path"])
        await (route.handle if route else app)(scope, receive, send)

    return answer


def versioned(app: FastAPI) -> frozenset[str]:
    """The paths that are also there below /v1: our own. The Open Inference Protocol has its version."""
    ours = (one.path for one in app.routes if isinstance(one, Route) and one.include_in_schema)
    return frozenset(path for path in ours if not path.startswith("/v2"))


async def answered(request: Request, work: Work) -> Response:
    """Read the body, and work on it: large ones in a thread, one after the other, so that the memory
    they take on the way is that of one.
    """
    model, body = request.scope["model"], await _body(request.receive)
    if len(body) > LARGE or body.count(b",") > MANY:
        async with model.large:
            return await run_in_threadpool(_bounded, work, model, request, body)
    return work(model, request, body)


def _bounded(work: Work, model: Model, request: Request, body: bytes) -> Response:
    """Work on a large body, unless reading it alone would take a hundred times its memory."""
    if body.count(b",") > (most := max(MANY, model.most_values)):
        raise HTTPException(413, f"The body holds more than {most:,} values.")
    return work(model, request, body)


async def _body(receive: Receive) -> bytes:
    """The whole body. Starlette's own way to it takes three times as long."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def parsed(request: Request, body: bytes) -> Any:
    """The JSON of a body; refused if it is not declared so, empty, repeats a key, or cannot be read."""
    if AS_JSON not in request.scope["headers"]:
        declared = media_type(request)
        if declared != "application/json" and not declared.endswith("+json"):
            got = show(declared) if declared else "none"
            raise HTTPException(415, f"Content-Type: got {got}, expected 'application/json'")
    if not body:
        raise problems.invalid([problems.FieldError(pointer="", expected="a value here")])
    document = _document(body)
    refuse_repeated(body, keys_of(document))
    return document


def _document(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:  # json says better what is wrong, and can tell where a surrogate pair is halved
        pass
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        detail = f"The body is not JSON: {error.msg} at character {error.pos}."
        raise HTTPException(400, detail) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is not JSON that can be read.") from None


def media_type(request: Request) -> str:
    """What a request declares its body to be, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def count(request: Request, name: str, default: int | None, low: int, high: int) -> int | None:
    """A whole number of the query, from `low` to `high`."""
    if not (query := request.scope["query_string"]):
        return default
    if (values := parse_qs(query.decode("latin-1"), keep_blank_values=True).get(name)) is None:
        return default
    text = values[-1].strip()
    if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER and low <= int(text) <= high:
        return int(text)
    raise problems.invalid(
        [
            problems.FieldError(
                pointer=problems.pointer(("query", name)),
                value=text,
                expected=f"a whole number from {low} to {high}",
            )
        ]
    )


def one_of(request: Request, name: str, choices: Sequence[str]) -> str | None:
    """An optional parameter of the query that takes few values."""
    value = request.query_params.get(name)
    if value not in (None, *choices):
        expected = " or ".join(map(repr, choices))
        wrong = problems.FieldError(
            pointer=problems.pointer(("query", name)), value=value, expected=expected
        )
        raise problems.invalid([wrong])
    return value


def json_content(schema: str) -> dict[str, Any]:
    """Content in JSON of a named schema, for OpenAPI."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def parameter(name: str, about: str, **schema: Any) -> dict[str, Any]:
    """A parameter of the query, for OpenAPI."""
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def json_body(schema: str) -> dict[str, Any]:
    """A body in JSON of a named schema, for OpenAPI."""
    return {"required": True, "content": json_content(schema)}
