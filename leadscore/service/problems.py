"""Errors as problem documents (RFC 9457): what was wrong, where, and what was expected."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from leadscore.columns import ColumnError, show
from leadscore.scoring.reading import MOST_ERRORS

PROBLEM_JSON: Final = "application/problem+json"
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


class ProblemError(HTTPException):
    """A request that is refused; `errors` names every wrong value."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = errors


def invalid(errors: Sequence[FieldError]) -> ProblemError:
    """The refusal of a request with wrong values."""
    first, more = errors[0], len(errors) - 1
    detail = f"{first.pointer or 'the body'}: expected {first.expected}"
    at_least = "at least " if len(errors) > MOST_ERRORS else ""
    detail += f" (and {at_least}{more} more)" if more else ""
    return ProblemError(422, detail, errors=errors[:MOST_ERRORS])


def field_error(place: Iterable[str | int], error: ColumnError) -> FieldError:
    """What a column says of a value, at its place in the body."""
    return FieldError(pointer=pointer(place), value=show(error.value), expected=error.expected)


def of_pydantic(error: ValidationError) -> ProblemError:
    """What pydantic found wrong in a body."""
    return invalid(
        [
            FieldError(pointer=pointer(item["loc"]), expected=_EXPECTED.get(item["type"], item["msg"]))
            for item in error.errors(include_url=False)
        ]
    )


def pointer(place: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901), no longer than it helps and always encodable."""
    return "".join(f"/{_escaped(str(part))}" for part in place)


def install(app: FastAPI) -> None:
    """Make every error that FastAPI raises a problem document."""

    async def answered(request: HTTPConnection, error: Exception) -> Response:
        return answer(request.scope, error)

    app.exception_handler(HTTPException)(answered)


def answer(scope: Scope, error: Exception) -> Response:
    """The answer to a request that ended in an error: nothing of the inside is in it."""
    if isinstance(error, HTTPException):
        errors = getattr(error, "errors", ())
        return refusal(scope, error.status_code, error.detail, error.headers, errors)
    return refusal(scope, 500, FAILED)


def refusal(
    scope: Scope,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldError] = (),
) -> Response:
    """A problem document as the answer to a request."""
    document = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors),
        # Clients of the Open Inference Protocol look for this key.
        error=detail if str(scope["path"]).startswith("/v2") else None,
    )
    absent = {"error"} if document.error is None else set()
    return Response(document.model_dump_json(exclude=absent), status, headers, PROBLEM_JSON)


def described(statuses: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Ways to fail, for OpenAPI."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": why, "content": content} for status, why in statuses.items()}


BODY_FAILURES: Final = {
    400: "The body is not JSON.",
    408: "The request did not come in within the time limit.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "A value, a column or the number of leads is not what was expected.",
    503: "Too many requests at once, or no answer within the time limit; try again.",
}
"""How the routes that read a body can fail."""


def _escaped(key: str) -> str:
    return key[:200].replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()


_EXPECTED: Final = {
    "missing": "a value here",
    "extra_forbidden": "no such field",
}
