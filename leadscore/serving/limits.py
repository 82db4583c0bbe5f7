"""Limits: how large a request may be, how long it may take, and how many are in work at once."""

import asyncio
from functools import partial
from typing import Any, Final, cast

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from leadscore.serving import problems, upload
from leadscore.serving.settings import Settings

LARGE: Final = 64 * 2**10  # bytes: about 150 leads with all columns
RETRY: Final = {"retry-after": "1"}
OFFERS: Final = (b"\r\nUpgrade:", b"\r\nupgrade:")


class Limits:
    """Refuses what is too large (413), too slow (408) or too much at once (503, to be tried again).

    A request counts as in work once its body is complete, so that slow clients take nobody's place;
    only a body larger than LARGE counts as soon as it is known to be. `timeout` is the time for the
    whole request; one that is answered in pieces has as long for each of them.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._largest = {upload.PATH: settings.max_csv}
        self.requests = Places(settings.max_concurrency, "requests")
        self.large = Places(settings.max_large, "large requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its limits."""
        seconds = self._settings.timeout
        largest = self._largest.get(scope["path"], self._settings.max_body)
        request = _Request(self, largest, receive)
        loop = asyncio.get_running_loop()
        answering = False

        async def prompt(message: Message) -> None:
            nonlocal answering
            answering = True
            if message.get("more_body") and not clock.expired():
                clock.reschedule(loop.time() + seconds)
            await send(message)

        try:
            async with asyncio.timeout(seconds) as clock:
                await self._app(scope, request.receive, prompt)
        except TimeoutError:
            if answering or not clock.expired():
                raise  # the server closes the connection
            await request.late(scope, seconds)(scope, receive, send)
        finally:
            request.leave()


class Places:
    """A number of places, and whether there is one left."""

    def __init__(self, number: int, what: str) -> None:
        self._free, self._what = number, what

    def take(self) -> None:
        """Take a place; a 503 if there is none."""
        if not self._free:
            raise HTTPException(503, f"Too many {self._what} at once; try again.", RETRY)
        self._free -= 1

    def leave(self) -> None:
        """Give it back."""
        self._free += 1


class _Request:
    """One request as its body comes in."""

    def __init__(self, limits: Limits, largest: int, receive: Receive) -> None:
        self._limits, self._largest, self._receive = limits, largest, receive
        self._size = 0
        self._complete = False
        self._held: list[Places] = []

    async def receive(self) -> Message:
        """The next part of the body, counted. HTTPException becomes a problem document in the app."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._largest:
            raise HTTPException(413, f"The body is larger than {self._largest:,} bytes.")
        if self._size > LARGE:
            self._hold(self._limits.large)
        if not message.get("more_body") and not self._complete:
            self._complete = True
            self._hold(self._limits.requests)
            # All requests that have come in take a place before the first is worked on: without this
            # they would queue where nobody counts them.
            await asyncio.sleep(0)
        return message

    def late(self, scope: Scope, seconds: float) -> ASGIApp:
        """The answer to a request whose time is over."""
        if self._complete:
            return problems.refusal(scope, 503, f"No answer within {seconds:g} s; try again.", RETRY)
        return problems.refusal(
            scope, 408, f"The request did not come in within {seconds:g} s.", {"connection": "close"}
        )

    def leave(self) -> None:
        """Give back the places held."""
        for places in self._held:
            places.leave()

    def _hold(self, places: Places) -> None:
        if places not in self._held:
            places.take()
            self._held.append(places)


class Impatient(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, but a connection whose request head does not come in time is closed, and
    an offer to upgrade (curl's and Java's, to HTTP/2) is passed over: the parser would drop the body.
    """

    def __init__(self, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Read on, a new head without its offer (RFC 9110, 7.8)."""
        if any(offer in data for offer in OFFERS) and (not self.cycle or self.cycle.response_complete):
            head, end, body = data.partition(b"\r\n\r\n")
            for offer in OFFERS:
                head = head.replace(offer, b"\r\nx-upgrade:")
            data = head + end + body
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Wait for the rest of its head."""
        super().on_message_begin()
        self._start()

    def on_headers_complete(self) -> None:
        """From here on `Limits` watches."""
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self.transport.close)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def impatient(seconds: float) -> type[HttpToolsProtocol]:
    """`Impatient` as uvicorn takes a protocol; worker processes get it, too, so it can be pickled."""
    return cast("type[HttpToolsProtocol]", partial(Impatient, seconds))
