"""The HTTP service: the model in use behind its routes, and what stands between them and the world."""

import contextlib
import gc
import tempfile
from collections.abc import Callable, Sequence

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from leadscore import __version__
from leadscore.scorer import Scorer
from leadscore.service import docs, metrics, openapi, page, problems
from leadscore.service.drain import Drain
from leadscore.service.middleware import encoding, headers, logs, paths
from leadscore.service.middleware.keys import KeyGuard, Keys
from leadscore.service.middleware.limits import Limits
from leadscore.service.reload import ModelInUse, Reload
from leadscore.service.routes import changes, csv, operations, predict, route
from leadscore.service.v2 import routes as v2
from leadscore.settings import Settings


def create_service(scorer: Scorer, settings: Settings, keys: Keys) -> ASGIApp:
    """The service as it is run. From outside to inside: path, log, encodings, CORS, keys, limits,
    model.
    """
    in_use, drain = ModelInUse(scorer, settings), Drain(settings.drain)
    app = create_app(settings, in_use.reload if keys else None)
    files = dict.fromkeys((csv.CSV_PATH, changes.PATH), settings.max_csv)
    limited: ASGIApp = Limits(in_use.before(drain.before(route.first(app))), settings, files)
    unpacked = encoding.unpacked(limited)
    guarded = KeyGuard(unpacked, keys) if keys else unpacked
    secured = headers.secured(headers.cors(guarded, settings))
    packed = encoding.packed(secured)
    recorder = logs.Recorder(packed, metrics.note_request, settings.log_requests)
    rooted = paths.rooted(recorder, settings.root_path, route.versioned(app))
    return _Service(rooted, start=[in_use.listen, drain.listen], stop=logs.lines.flush)


def create_app(settings: Settings, reload: Reload | None = None) -> FastAPI:
    """All routes, as FastAPI documents them. None of them knows a model before a request brings it."""
    app = FastAPI(
        telemetry={"tracing": False, "metrics": False, "logs": False},  # asked for at each request
        title="Lead conversion",
        version=__version__,
        redirect_slashes=False,  # the address of a redirect would come from the request's Host
        generate_unique_id_function=openapi.operation_id,
        openapi_url=None,  # the document is the model's: see openapi.py
    )
    problems.install(app)
    app.router.route_class = route.Route
    predict.add(app.router, settings)
    csv.add(app.router, settings)
    changes.add(app.router, settings)
    operations.add(app.router, reload)
    v2.add(app.router, settings)
    openapi.add(app, settings)
    page.install(app)
    docs.install(app)
    return app


class _Service:
    """An ASGI app with something to do when it starts and when it stops."""

    def __init__(
        self, app: ASGIApp, start: Sequence[Callable[[], None]], stop: Callable[[], None]
    ) -> None:
        self._app, self._start, self._stop = app, start, stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests; start and stop with the server. There are no web sockets."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            with contextlib.suppress(OSError):  # there may be none, and nothing but large files needs it
                tempfile.gettempdir()  # while it has room: from a full one Python turns to the next
            # App and model stay for good: no later collection needs to walk through them.
            gc.collect()
            gc.freeze()
            for start in self._start:
                start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._stop()
            await send({"type": "lifespan.shutdown.complete"})
