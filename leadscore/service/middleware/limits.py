"""Limits: how large a request may be, how long it may take, and how many are in work at once."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore.service import problems
from leadscore.service.routes.route import LARGE
from leadscore.settings import Settings

RETRY: Final = {"retry-after": "1"}


class Limits:
    """Refuses what is too large (413), too slow (408) or too much at once (503, to be tried again).

    A request counts as in work once its body is complete, so that slow clients take nobody's place;
    only a body larger than LARGE counts as soon as it is known to be. `largest`: bytes of a body, for
    paths where another limit than `max_body` holds. `timeout` is the time for the
    whole request; one that is answered in pieces has as long for each of them.
    """

    def __init__(self, app: ASGIApp, settings: Settings, largest: Mapping[str, int]) -> None:
        self._app, self._settings, self._largest = app, settings, largest
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
