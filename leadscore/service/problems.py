"""Errors as problem documents (RFC 9457): what was wrong, where, and what was expected."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from leadscore.columns import ColumnError
from leadscore.scoring.reading import MOST_ERRORS

PROBLEM_JSON: Final = "application/problem+json"
LONGEST_VALUE: Final = 80  # characters of a value in a problem
LONGEST_INTEGER: Final = 10**15  # that every reader of JSON keeps
MOST_OF_ITEM: Final = 5  # errors of one lead in a batch that is answered
FAILED: Final = "The service failed on this request; its log says more."


def shown(value: Any) -> Any:
    """A value as a problem shows it: as it is in JSON, or as text if it is none or long."""
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) < LONGEST_INTEGER:
        return value
    text = value if isinstance(value, str) else _as_text(value)
    if len(text) > LONGEST_VALUE:
        text = f"{text[:LONGEST_VALUE]}... ({len(text)} characters)"
    written = text.encode(errors="replace").decode()  # without halves of surrogate pairs
    return value if isinstance(value, list | dict) and written == _as_text(value) else written


def _as_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return type(value).__name__


class FieldError(BaseModel):
    """One wrong value."""

    pointer: str = Field(description="JSON Pointer to the value", examples=["/leads/3/total_visits"])
    value: Annotated[Any, BeforeValidator(shown)] = Field(
        default=None, description="the value as it was sent, shortened if it is long", examples=["many"]
    )
    expected: str = Field(description="what it should be", examples=["a number or null"])


class Problem(BaseModel):
    """A problem document."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(description="what went wrong, in one sentence")
    errors: list[FieldError] = Field(default=[], description="every wrong value, at most 100")
    error: str | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="`detail` again, where a protocol asks for it",
    )


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
    return ProblemError(422, _sentence(errors), errors=errors[:MOST_ERRORS])


def of_item(errors: Sequence[FieldError]) -> Problem:
    """The problem of one lead of a batch, whose other leads are answered."""
    return _problem(422, _sentence(errors), errors[:MOST_OF_ITEM])


def _sentence(errors: Sequence[FieldError]) -> str:
    first, more = errors[0], len(errors) - 1
    at_least = "at least " if len(errors) > MOST_ERRORS else ""
    others = f" (and {at_least}{more} more)" if more else ""
    return f"{first.pointer or 'the body'}: expected {first.expected}{others}"


def field_error(place: Iterable[str | int], error: ColumnError) -> FieldError:
    """What a column says of a value, at its place in the body."""
    return FieldError(pointer=pointer(place), value=error.value, expected=error.expected)


def of_pydantic(error: ValidationError) -> ProblemError:
    """What pydantic found wrong in a body."""
    return invalid(
        [
            FieldError(
                pointer=pointer(item["loc"]),
                value=None if item["type"] in _ABOUT_KEYS else item["input"],
                expected=_EXPECTED.get(item["type"], "another value").format(**item.get("ctx", {})),
            )
            for item in error.errors(include_url=False)
        ]
    )


def pointer(place: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901), no longer than it helps and always encodable."""
    return "".join(f"/{_escaped(str(part))}" for part in place)


def install(app: FastAPI) -> None:
    """Make every error that FastAPI raises, or meets, a problem document."""

    async def answered(request: HTTPConnection, error: Exception) -> Response:
        return answer(request.scope, error)

    for kind in (HTTPException, Exception):
        app.exception_handler(kind)(answered)


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
    document = _problem(status, detail, errors)
    if str(scope["path"]).startswith("/v2"):
        document.error = detail  # clients of the Open Inference Protocol look for this key
    return Response(document.model_dump_json(), status, headers, PROBLEM_JSON)


def _problem(status: int, detail: str, errors: Sequence[FieldError]) -> Problem:
    title = HTTPStatus(status).phrase
    return Problem(type="about:blank", title=title, status=status, detail=detail, errors=list(errors))


def described(statuses: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Ways to fail, for OpenAPI."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": why, "content": content} for status, why in statuses.items()}


PACKED_OTHERWISE: Final = "is packed otherwise than by gzip or deflate"

BODY_FAILURES: Final = {
    400: "The body is not JSON.",
    408: "The request did not come in within the time limit.",
    413: "The body is too large.",
    415: f"The body is not declared as JSON, or {PACKED_OTHERWISE}.",
    422: "A value, a column or the number of leads is not what was expected.",
    503: "Too many requests at once, or no answer within the time limit; try again.",
}
"""How the routes that read a body can fail."""


def _escaped(key: str) -> str:
    return key[:200].replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()


_EXPECTED: Final = {
    "missing": "a value here",
    "extra_forbidden": "no such field",
    "dict_type": "an object",
    "model_type": "an object",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "id": "text, a whole number or null",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
_ABOUT_KEYS: Final = frozenset({"missing", "extra_forbidden"})
