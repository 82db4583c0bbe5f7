"""Drain: after SIGTERM the service says that it is not ready, and answers until balancers have heard."""

import asyncio
import signal
import threading
from types import FrameType
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from leadscore.service import problems

READY: Final = frozenset({"/ready", "/v2/health/ready"})


class Drain:
    """Puts `seconds` between SIGTERM and what the server does of it; a second signal is not held up."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._begun = seconds, False

    def before(self, app: ASGIApp) -> ASGIApp:
        """An app that is not ready from SIGTERM on, and answers everything else."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            refused = self._begun and scope["path"] in READY
            refusal = problems.refusal(scope, 503, "The service is about to stop.") if refused else None
            await (refusal or app)(scope, receive, send)

        return answer

    def listen(self) -> None:
        """Take SIGTERM before the server does, where this thread may."""
        server = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(server):
            return
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:
            wait = self._seconds if not self._begun else 0
            self._begun = True
            if wait:
                loop.call_soon_threadsafe(loop.call_later, wait, server, number, None)
            else:
                server(number, frame)

        signal.signal(signal.SIGTERM, stop)
