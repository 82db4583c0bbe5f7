"""Hot swap: a new model file takes over while the service runs."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.types import Receive, Scope, Send

from leadscore.scorer import ModelError, Scorer
from leadscore.serving import logs, metrics
from leadscore.serving.direct import Shortcut
from leadscore.serving.schema import Reloaded

log = logging.getLogger(__name__)

Reload = Callable[[], Awaitable[Reloaded]]
Build = Callable[[Scorer, Reload], Shortcut]


class HotSwap:
    """The app of the model in use; SIGHUP or `reload` puts that of the model file in its place.

    A model makes an app of its own, request types and all, so switching is one assignment, and a
    request ends in the app in which it began. What cannot be loaded or verified changes nothing.
    """

    def __init__(self, scorer: Scorer, path: Path, build: Build) -> None:
        self._path, self._build = path, build
        self._app = build(scorer, self.reload)
        self._loading = asyncio.Lock()
        self._signalled: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the model in use."""
        app = self._app
        if record := logs.current.get():
            record.model_version = app.state.scorer.card.version
        await app(scope, receive, send)

    async def reload(self) -> Reloaded:
        """Switch here, and have the other workers do the same. ModelError: nothing has changed."""
        reloaded = await self._reload()
        if (parent := multiprocessing.parent_process()) and parent.pid:
            os.kill(parent.pid, signal.SIGHUP)
        return reloaded

    def listen(self) -> None:
        """Reload at SIGHUP, where there is such a signal and this thread may take it."""
        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hung_up)

    def _hung_up(self) -> None:
        self._signalled = asyncio.ensure_future(self._reload_quietly())

    async def _reload_quietly(self) -> None:
        with contextlib.suppress(ModelError):  # it is in the log
            await self._reload()

    async def _reload(self) -> Reloaded:
        async with self._loading:
            previous = self._app
            try:
                self._app = await asyncio.to_thread(self._load)
            except ModelError as error:
                metrics.note_reload("refused")
                log.error("model not reloaded: %s", error)  # noqa: TRY400  (the message says it all)
                raise
            metrics.note_reload("switched")
            previous.state.served.window.close()
            old, new = (app.state.scorer.card.version for app in (previous, self._app))
            log.info("model reloaded: %s, before %s", new, old)
            return Reloaded(model_version=new, previous_version=old)

    def _load(self) -> Shortcut:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise ModelError(f"the model file cannot be read ({error.strerror})") from None
        return self._build(Scorer(content), self.reload)
