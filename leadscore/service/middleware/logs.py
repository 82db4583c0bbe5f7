"""Logs: one JSON object a line, and one line a request, which holds no value of a lead."""

import asyncio
import contextlib
import json
import logging
import logging.config
import random
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore import __version__
from leadscore.service import problems

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

# An IP address. A trusted proxy may send anything in its place.
ADDRESS: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}")

LINES: Final = 12  # written at once, so that a pipe does not mix those of several workers
SECONDS: Final = 0.2  # that a line waits at most

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Record:
    """What is noted of a request while it is answered."""

    id: str
    traceparent: str | None = None
    client: str | None = None
    method: str = ""
    route: str | None = None
    status: int = 0
    seconds: float = 0
    rows: int = 0
    model_version: str = ""

    def line(self) -> str:
        """Its line in the log: JSON, put together by hand, for json.dumps costs 4 % of all requests. No
        field needs escaping: route and version are ours, the others are checked.
        """
        trace = f'"{self.traceparent}"' if self.traceparent else "null"
        client = f'"{self.client}"' if self.client else "null"
        route = f'"{self.route}"' if self.route else "null"
        return (
            f'{{"time": "{_moment(time.time())}", "level": "info", "message": "request", '
            f'"id": "{self.id}", "traceparent": {trace}, "client": {client}, '
            f'"method": "{self.method}", "route": {route}, '
            f'"status": {self.status}, "ms": {1000 * self.seconds:.3f}, "rows": {self.rows}, '
            f'"model_version": "{self.model_version}", "app_version": "{__version__}"}}\n'
        )


current: ContextVar[Record | None] = ContextVar("current", default=None)
"""The record of the request in work."""


class Lines:
    """Lines for standard output, written a few at once: one write for each request costs 6 % of them."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def add(self, line: str) -> None:
        """Write a line, soon."""
        self._waiting.append(line)
        if len(self._waiting) == LINES:
            self.flush()
        elif len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(SECONDS, self.flush)

    def flush(self) -> None:
        """Write the lines that wait."""
        waiting, self._waiting = self._waiting, []
        with contextlib.suppress(OSError):  # a log on a full disk stops no answer
            sys.stdout.write("".join(waiting))
            sys.stdout.flush()


lines: Final = Lines()
"""The lines of this process's requests."""


class Recorder:
    """Gives every request an id; notes each answered request.

    `X-Request-ID` and `traceparent` are taken from the request, if they are well formed, and given
    back. `note` gets the record of each request once it is answered.
    """

    def __init__(self, app: ASGIApp, note: Callable[[Record], None], log_requests: bool) -> None:
        self._app, self._note, self._log = app, note, log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a failure becomes a 500, unless the answer has begun. FastAPI raises what
        it has answered: only in the midst of an answer there is more for the server to do.
        """
        started = time.perf_counter()
        record = _record(scope)
        current.set(record)
        complete = False

        async def headed(message: Message) -> None:
            nonlocal complete
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], *names(record)]
            complete = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        try:
            await self._app(scope, receive, headed)
        except Exception:
            log.exception("request failed", extra={"fields": {"id": record.id}})
            if not record.status:
                refusal = problems.refusal(scope, 500, problems.FAILED)
                await refusal(scope, receive, headed)
            elif not complete:
                raise
        finally:
            record.seconds = time.perf_counter() - started
            # The template, not the path, which may hold anything; where no route is found, "".
            record.route = getattr(scope.get("route"), "path", None) or None
            self._note(record)
            if self._log:
                lines.add(record.line())


def new_id() -> str:
    """An id for a request that brings none."""
    return f"{random.getrandbits(128):032x}"


def _record(scope: Scope) -> Record:
    record = Record(id="", method=scope["method"])
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            record.id = value.decode()
        elif name == b"traceparent" and TRACEPARENT.fullmatch(value):
            record.traceparent = value.decode()
    if (client := scope.get("client")) and ADDRESS.fullmatch(client[0] or ""):
        record.client = client[0]
    record.id = record.id or new_id()
    return record


def names(record: Record) -> Iterable[tuple[bytes, bytes]]:
    """Header fields that tell of a request: its id, its trace, the model that answered."""
    yield b"x-request-id", record.id.encode()
    if record.traceparent:
        yield b"traceparent", record.traceparent.encode()
    if record.model_version:
        yield b"x-model-version", record.model_version.encode("ascii", "replace")


def _moment(seconds: float) -> str:
    """ISO 8601, in UTC, to the millisecond."""
    return f"{_second(int(seconds))}.{int(seconds % 1 * 1000):03d}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Of an exception it keeps type and place; its text may quote a lead."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a log record; `extra={"fields": ...}` adds its own fields."""
        line: dict[str, Any] = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
            "app_version": __version__,
        }
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            line["exception"] = kind.__name__
            line["stack"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
        return json.dumps(line, ensure_ascii=False, default=str)


def install() -> None:
    """Write the logs of the service and of its server to standard output, as JSON."""
    to_output = {"handlers": ["output"], "level": "INFO", "propagate": False}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {
                "output": {
                    "class": "logging.StreamHandler",
                    "formatter": "json",
                    "stream": "ext://sys.stdout",
                }
            },
            # Uvicorn's own line for each request would be a second one.
            "loggers": {
                "leadscore": to_output,
                "uvicorn": to_output,
                "uvicorn.access": {"handlers": [], "propagate": False},
            },
        }
    )
