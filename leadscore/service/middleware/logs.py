"""Logs: one JSON object a line, and one line a request, which holds no value of a lead."""

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
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore.service import problems

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Record:
    """What is noted of a request while it is answered."""

    id: str
    traceparent: str | None = None
    method: str = ""
    route: str | None = None
    status: int = 0
    seconds: float = 0
    rows: int = 0
    model_version: str = ""

    def line(self) -> str:
        """Its line in the log."""
        return _line(
            time.time(),
            "info",
            "request",
            id=self.id,
            traceparent=self.traceparent,
            method=self.method,
            route=self.route,
            status=self.status,
            ms=round(1000 * self.seconds, 3),
            rows=self.rows,
            model_version=self.model_version,
        )


current: ContextVar[Record | None] = ContextVar("current", default=None)
"""The record of the request in work."""


class Recorder:
    """Gives every request an id; notes each answered request.

    `X-Request-ID` and `traceparent` are taken from the request, if they are well formed, and given
    back. `note` gets the record of each request once it is answered.
    """

    def __init__(self, app: ASGIApp, note: Callable[[Record], None], log_requests: bool) -> None:
        self._app, self._note, self._log = app, note, log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a failure becomes a 500, unless the answer has begun."""
        started = time.perf_counter()
        record = _record(scope)
        current.set(record)

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], *_names(record)]
            await send(message)

        try:
            await self._app(scope, receive, headed)
        except Exception:
            log.exception("request failed", extra={"fields": {"id": record.id}})
            if record.status:
                raise
            refusal = problems.refusal(scope, 500, problems.FAILED)
            await refusal(scope, receive, headed)
        finally:
            record.seconds = time.perf_counter() - started
            # The template, not the path, which may hold anything; where no route is found, "".
            record.route = getattr(scope.get("route"), "path", None) or None
            self._note(record)
            if self._log:
                # Not by logging, whose way takes a tenth as long as a score.
                with contextlib.suppress(OSError):  # a log on a full disk stops no answer
                    sys.stdout.write(f"{record.line()}\n")
                    sys.stdout.flush()


def _record(scope: Scope) -> Record:
    record = Record(id="", method=scope["method"])
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            record.id = value.decode()
        elif name == b"traceparent" and TRACEPARENT.fullmatch(value):
            record.traceparent = value.decode()
    record.id = record.id or f"{random.getrandbits(128):032x}"
    return record


def _names(record: Record) -> Iterable[tuple[bytes, bytes]]:
    yield b"x-request-id", record.id.encode()
    if record.traceparent:
        yield b"traceparent", record.traceparent.encode()
    if record.model_version:
        yield b"x-model-version", record.model_version.encode("ascii", "replace")


def _line(seconds: float, level: str, message: str, **more: Any) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    line = {"time": moment.replace("+00:00", "Z"), "level": level, "message": message, **more}
    return json.dumps(line, ensure_ascii=False, default=str)


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Of an exception it keeps type and place; its text may quote a lead."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a log record; `extra={"fields": ...}` adds its own fields."""
        more: dict[str, Any] = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            more["exception"] = kind.__name__
            more["stack"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
        return _line(record.created, record.levelname.lower(), record.getMessage(), **more)


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
