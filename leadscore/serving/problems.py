"""Errors as problem documents (RFC 9457): what was wrong, where, and what was expected."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Scope

from leadscore.columns import ColumnError, LeadError, show

MEDIA_TYPE: Final = "application/problem+json"
MOST_ERRORS: Final = 100  # in one document
FAILED: Final = "The service failed on this request; its log says more."


class FieldError(BaseModel):
    """One wrong value."""

    pointer: str = Field(description="JSON Pointer to the value", examples=["/leads/3/total_visits"])
    value: str | None = Field(default=None, description="the value as it was read", examples=["'many'"])
    expected: str = Field(description="what it should be", examples=["a number or null"])


class Problem(BaseModel):
    """A problem document."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(description="what went wrong, in one sentence")
    errors: list[FieldError] = Field(default=[], description="every wrong value, at most 100")
    error: str | None = Field(default=None, description="`detail` again, where a protocol asks for it")


Responses = dict[int | str, dict[str, Any]]


def described(status: int, description: str) -> Responses:
    """A way to fail, for OpenAPI."""
    schema = Problem.model_json_schema()
    return {status: {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}}


RESPONSES: Final[Responses] = {
    **described(400, "The body is not JSON."),
    **described(401, "The service asks for a key, and the request carries none that it knows."),
    **described(408, "The request did not come in within the time limit."),
    **described(413, "The body is too large."),
    **described(415, "The body is not declared as JSON."),
    **described(422, "A value, a column or the number of leads is not what was expected."),
    **described(503, "Too many requests at once, or no answer within the time limit; try again."),
}
"""How the routes that read a body can fail, for OpenAPI."""


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document that reveals nothing of the inside."""
    for kind in (RequestValidationError, HTTPException, Exception):
        app.exception_handler(kind)(answer)


def answer(request: HTTPConnection, error: Exception) -> JSONResponse:
    """The answer to a request that ended in an error."""
    match error:
        case RequestValidationError():
            return _invalid(request, error)
        case HTTPException():
            return refusal(request.scope, error.status_code, error.detail, error.headers)
        case _:
            return refusal(request.scope, 500, FAILED)


def refusal(
    scope: Scope,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
) -> JSONResponse:
    """A problem document as the answer to a request."""
    document = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors or [],
        # Clients of the Open Inference Protocol look for this key.
        error=detail if _is_inference(scope) else None,
    )
    absent = {"error"} if document.error is None else set()
    return JSONResponse(document.model_dump(exclude=absent), status, headers, MEDIA_TYPE)


def media_type(request: HTTPConnection) -> str:
    """What a request declares its body to be, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(declared: str) -> bool:
    """Whether that is JSON."""
    return declared == "application/json" or declared.endswith("+json")


def _invalid(request: HTTPConnection, error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    in_body = any(item["loc"][0] == "body" for item in found)
    declared = media_type(request)
    if in_body and not is_json(declared) and not _is_inference(request.scope):
        got = show(declared) if declared else "none"
        return refusal(request.scope, 415, f"Content-Type: got {got}, expected 'application/json'")
    if found[0]["type"] == "json_invalid":
        place, why = found[0]["loc"][-1], found[0]["ctx"]["error"]
        return refusal(request.scope, 400, f"The body is not JSON: {why} at character {place}.")
    errors = [entry for item in found for entry in _entries(item)]
    first, more = errors[0], len(errors) - 1
    detail = f"{first.pointer or 'the body'}: expected {first.expected}"
    detail += f" (and {more} more)" if more else ""
    return refusal(request.scope, 422, detail, errors=errors[:MOST_ERRORS])


def _is_inference(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/v2")


def _entries(item: Mapping[str, Any]) -> Iterator[FieldError]:
    """One of pydantic's errors; one of a lead's stands for every wrong value in it."""
    loc = item["loc"][1:] if item["loc"][0] == "body" else item["loc"]
    path = "".join(f"/{_escaped(str(part))}" for part in loc)
    error = item.get("ctx", {}).get("error")
    match error:
        case LeadError():
            for one in error.errors:
                yield FieldError(
                    pointer=f"{path}/{_escaped(one.column)}",
                    value=show(one.value),
                    expected=one.expected,
                )
        case ColumnError():
            yield FieldError(pointer=path, value=show(error.value), expected=error.expected)
        case _:
            yield FieldError(pointer=path, expected=_EXPECTED.get(item["type"], item["msg"]))


def _escaped(key: str) -> str:
    """A key inside a JSON Pointer (RFC 6901), no longer than it helps and always encodable."""
    return key[:200].replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()


_EXPECTED: Final = {
    "missing": "a value here",
    "extra_forbidden": "no such field",
}
