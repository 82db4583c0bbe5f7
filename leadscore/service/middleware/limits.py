"""Limits: how large a request may be, how long it may take, and how many are in work at once."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore.service import problems
from leadscore.service.routes.route import IN_MEMORY, LARGE
from leadscore.settings import Settings

RETRY: Final = {"retry-after": "1"}


class Limits:
    """Refuses what is too large (413), too slow (408) or too much at once (503, to be tried again).

    A request counts as in work once its body is complete, so that slow clients take nobody's place. The
    bodies that are coming in may together hold as much as `max_large` bodies of `max_body`. `largest`:
    bytes of a body, for paths where another limit than `max_body` holds. `timeout` is the time for the
    whole request; one that is answered in pieces has as long for each of them.
    """

    def __init__(self, app: ASGIApp, settings: Settings, largest: Mapping[str, int]) -> None:
        self._app, self._settings, self._largest = app, settings, largest
        self.requests = Room(settings.max_concurrency, "requests")
        self.large = Room(settings.max_large, "large requests")
        self.bytes = Room(settings.max_large * settings.max_body, "large requests")
        # Made beforehand: under overload a refusal must cost much less than a score.
        self._busy = {
            path: problems.refusal({"path": path}, 503, _too_many("requests"), RETRY)
            for path in ("", "/v2")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its limits."""
        largest = self._largest.get(scope["path"], self._settings.max_body)
        if not self.requests.free:
            await self._busy["/v2" if scope["path"].startswith("/v2") else ""](scope, receive, send)
        elif _declared(scope) > largest:  # before the client is told to go on
            await problems.refusal(scope, 413, _too_large(largest))(scope, receive, send)
        else:
            await self._pass(_Request(self, largest, receive), scope, receive, send)

    async def _pass(self, request: "_Request", scope: Scope, receive: Receive, send: Send) -> None:
        seconds, loop = self._settings.timeout, asyncio.get_running_loop()
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


class Room:
    """A number of places, or of bytes, and how many are left."""

    def __init__(self, number: int, what: str) -> None:
        self.free, self._what = number, what

    def take(self, number: int) -> None:
        """Take some; a 503 if there are not so many."""
        if number > self.free:
            raise HTTPException(503, _too_many(self._what), RETRY)
        self.free -= number


class _Request:
    """One request as its body comes in."""

    def __init__(self, limits: Limits, largest: int, receive: Receive) -> None:
        self._limits, self._largest, self._receive = limits, largest, receive
        self._size = 0
        self._complete = False
        self._held: list[tuple[Room, int]] = []

    async def receive(self) -> Message:
        """The next part of the body, counted. HTTPException becomes a problem document in the app."""
        message = await self._receive()
        part = len(message.get("body", b""))
        if self._size < IN_MEMORY:
            self._hold(self._limits.bytes, part)
        self._size += part
        if self._size > self._largest:
            raise HTTPException(413, _too_large(self._largest))
        if not message.get("more_body") and not self._complete:
            self._complete = True
            if self._size > LARGE:
                self._hold(self._limits.large, 1)
            self._hold(self._limits.requests, 1)
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
        """Give back what is held."""
        for room, number in self._held:
            room.free += number

    def _hold(self, room: Room, number: int) -> None:
        room.take(number)
        self._held.append((room, number))


def _declared(scope: Scope) -> int:
    """The length of the body that a request declares; 0 if it declares none."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_large(largest: int) -> str:
    return f"The body is larger than {largest:,} bytes."


def _too_many(what: str) -> str:
    return f"Too many {what} at once; try again."
