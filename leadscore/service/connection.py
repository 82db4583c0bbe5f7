"""A connection: uvicorn's HTTP protocol with what it lacks. Its classes are no public interface: this
file and workers.py alone use them, and pyproject.toml pins the minor version they were tested with.
"""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from leadscore.service import metrics, problems
from leadscore.service.middleware import headers, logs

HEAD_BYTES: Final = 16 * 2**10  # of a request's head
HEAD_FIELDS: Final = 100
DRAIN_BYTES: Final = 2**20  # read of a body that was answered before its end
DRAIN_SECONDS: Final = 5.0


class Protocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol with limits, and with offers to upgrade passed over.

    - Kludex/uvicorn#157: a connection whose request head does not come in within `seconds` is closed; a
      head of more than HEAD_BYTES or HEAD_FIELDS is a 431. Fields behind a body (trailers) are left
      out. A body that was answered before its end is read on, for DRAIN_BYTES and DRAIN_SECONDS.
    - Kludex/uvicorn#2722: curl and Java offer an upgrade to HTTP/2. A server may pass it over (RFC
      9110, 7.8), but the parser then drops the body: a new one gets the head without the offer.
    """

    def __init__(self, seconds: float, log: bool, **options: Any) -> None:
        super().__init__(**options)
        self._seconds, self._log = seconds, log
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._ended = False  # a message, in the data that is read
        self._skipped = False  # the message in work, which has no cycle
        self._too_large = False  # a head; from then on nothing is answered but that
        self._head_bytes = self._drained = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._start(self._seconds)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._unset_keepalive_if_required()
        self._ended = False
        try:
            rest = data
            while rest:  # it may hold many requests, each with its offer
                rest = self._fed(rest)
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if self._in_head and not self._ended:
            self._start(self._seconds)
            self._head_bytes += len(data)
            self._too_large |= self._head_bytes > HEAD_BYTES
        if self._too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """From here on `Limits` watches."""
        self._in_head = False
        self._stop()
        size = sum(len(name) + len(value) for name, value in self.headers)
        self._too_large |= size > HEAD_BYTES or len(self.headers) > HEAD_FIELDS
        self._skipped = self._too_large or self.parser.should_upgrade()
        if not self._skipped:
            super().on_headers_complete()
            self.headers = []  # for trailers, which are no fields of the head

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body, or drop it if nobody waits for it."""
        if self._skipped:
            return
        super().on_body(body)
        if self.cycle.response_complete:
            self._drained += len(body)
            if self._drained > DRAIN_BYTES:
                self.transport.close()

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._in_head, self._ended, self._head_bytes = True, True, 0
        self._stop()
        if not self._skipped:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """If the body is still coming in, read on for a while."""
        super().on_response_complete()
        if not self._in_head:
            self._drained = 0
            self._start(DRAIN_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _fed(self, data: bytes) -> bytes:
        """Feed the parser; what a new one is to get, if the data held an offer to upgrade."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if self._too_large:
                return b""
            if b"upgrade" not in dict(self.headers):  # CONNECT, which the parser calls one, too
                raise httptools.HttpParserError from None
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            return head + data[offer.args[0] :]
        return b""

    def _head_without_offer(self) -> bytes:
        """The head that was read, without its offer to upgrade."""
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        for name, value in self.headers:
            if name == b"connection":
                options = [o for o in value.split(b",") if o.strip().lower() != b"upgrade"]
                lines.append(b"connection: " + b",".join(options))
            elif name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what the app never sees, and close the connection."""
        record = logs.Record(logs.new_id(), status=status)
        metrics.note_request(record)
        if self._log:
            logs.lines.add(record.line())
        if not self.cycle or self.cycle.response_complete or not self.cycle.response_started:
            self._write(record)
        self.transport.close()

    def _write(self, record: logs.Record) -> None:
        status = HTTPStatus(record.status)
        answer = problems.refusal({"path": ""}, status, f"The request cannot be read: {status.phrase}.")
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), b"connection: close"]
        fields = (*answer.raw_headers, *headers.SECURITY, *logs.names(record))
        lines += [name + b": " + value for name, value in fields]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))

    def _start(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def protocol(seconds: float, log: bool) -> type[HttpToolsProtocol]:
    """`Protocol` as uvicorn takes one; worker processes get it, too, so it can be pickled."""
    return cast("type[HttpToolsProtocol]", partial(Protocol, seconds, log))
