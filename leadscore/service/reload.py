"""Reload: a new model file takes over while the service runs."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from leadscore.scorer import ModelError, Scorer
from leadscore.service import metrics
from leadscore.service.middleware import logs
from leadscore.service.model import Model
from leadscore.service.types import Reloaded
from leadscore.settings import Settings

log = logging.getLogger(__name__)

Reload: TypeAlias = Callable[[], Awaitable[Reloaded]]


class ModelInUse:
    """Gives each request the model in use; SIGHUP or `reload` puts that of the model file in its place.

    Switching is one assignment: running requests finish on the old model, new ones use the new one.
    What cannot be loaded or verified changes nothing.
    """

    def __init__(self, scorer: Scorer, settings: Settings) -> None:
        self._settings = settings
        self.model = Model(scorer, settings)
        self._loading = asyncio.Lock()
        self._signalled: asyncio.Task[None] | None = None

    def before(self, app: ASGIApp) -> ASGIApp:
        """An app whose requests have the model in their scope."""

        async def with_model(scope: Scope, receive: Receive, send: Send) -> None:
            scope["model"] = model = self.model
            if record := logs.current.get():
                record.model_version = model.card.version
            await app(scope, receive, send)

        return with_model

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
            # One that came while this process started has waited: see `workers.Workers`.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def _hung_up(self) -> None:
        self._signalled = asyncio.ensure_future(self._reload_quietly())

    async def _reload_quietly(self) -> None:
        with contextlib.suppress(ModelError):  # it is in the log
            await self._reload()

    async def _reload(self) -> Reloaded:
        async with self._loading:
            previous = self.model
            try:
                self.model = await asyncio.to_thread(self._load)
            except ModelError as error:
                metrics.note_reload("refused")
                log.error("model not reloaded: %s", error)  # noqa: TRY400  (the message says it all)
                raise
            metrics.note_reload("switched")
            previous.served.window.close()
            new, old = self.model.card.version, previous.card.version
            del previous
            gc.collect()  # the old model has cycles, and would wait for its end beside the next ones
            log.info("model reloaded: %s, before %s", new, old)
            return Reloaded(model_version=new, previous_version=old)

    def _load(self) -> Model:
        try:
            content = self._settings.model.read_bytes()
        except OSError as error:
            raise ModelError(f"the model file cannot be read ({error.strerror})") from None
        return Model(Scorer(content), self._settings)
