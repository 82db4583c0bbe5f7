"""The HTTP service: verified models behind a few routes, and what stands between them and the world."""

import contextlib
import ctypes
import gc
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from leadscore import __version__
from leadscore.scorer import ModelError, Scorer
from leadscore.serving import headers, metrics, page, problems, protocol, upload
from leadscore.serving.answers import Answers
from leadscore.serving.direct import Direct, Shortcut
from leadscore.serving.hotswap import HotSwap, Reload
from leadscore.serving.keys import KeyGuard, Keys
from leadscore.serving.leads import Leads, Reader
from leadscore.serving.limits import Limits
from leadscore.serving.logs import Recorder
from leadscore.serving.schema import (
    Alive,
    BatchPrediction,
    Prediction,
    Ready,
    Reloaded,
    batch_type,
    lead_type,
    query_types,
)
from leadscore.serving.settings import Settings


def create_service(scorer: Scorer, settings: Settings, keys: Keys) -> ASGIApp:
    """The service as it is run. A request passes, from the outside: log, CORS, keys, limits, model."""

    def build(scorer: Scorer, reload: Reload) -> Shortcut:
        return Shortcut(create_app(scorer, settings, reload if keys else None))

    swap = HotSwap(scorer, settings.model, build)
    guarded: ASGIApp = Limits(swap, settings)
    if keys:
        guarded = KeyGuard(guarded, keys)
    recorder = Recorder(headers.cors(guarded, settings), metrics.note_request, settings.log_requests)
    return _Service(recorder, start=swap.listen, stop=recorder.flush)


def create_app(scorer: Scorer, settings: Settings, reload: Reload | None = None) -> FastAPI:
    """The routes of one model; its request types and documentation come from the model's card."""
    card = scorer.card
    app = FastAPI(
        telemetry={"tracing": False, "metrics": False, "logs": False},  # asked for at each request
        title="Lead conversion",
        version=__version__,
        summary=f"How likely is a lead to convert? Model {card.version}.",
        description=(
            f"The target is “{card.dictionary.target.source}”. The threshold is "
            f"{card.threshold.value:g} ({card.threshold.rule})."
        ),
    )
    problems.install(app)
    reader = Reader(card.dictionary, settings.max_text)
    lead, batch = lead_type(card, reader), batch_type(card, reader, settings.max_batch)
    # GET /model answers the same bytes every time.
    document = card.to_json().encode()

    served = metrics.Served(card, max(1, settings.drift_window // settings.workers))
    app.state.scorer, app.state.served = scorer, served
    answers = Answers(scorer, served)

    def predict(body: Leads, asked: Any) -> Prediction:
        return answers.predict(body, asked.reasons)[0]

    def predict_batch(body: Any, asked: Any) -> BatchPrediction:
        return answers.predict_batch(body.leads, asked.reasons, asked.calls)

    asked, asked_of_batch = query_types(len(card.dictionary.features))
    predict.__annotations__ |= {"body": lead, "asked": Annotated[asked, Query()]}
    predict_batch.__annotations__ |= {"body": batch, "asked": Annotated[asked_of_batch, Query()]}
    post = partial(
        app.router.add_api_route,
        methods=["POST"],
        responses=problems.RESPONSES,
        route_class_override=Direct,
    )
    post("/predict", predict, summary="Score one lead")
    post("/predict/batch", predict_batch, summary="Score many leads")
    upload.install(app, scorer, settings, served)

    @app.get("/health", summary="Is the process alive?")
    async def health() -> Alive:
        return Alive(status="alive")

    @app.get("/ready", summary="Is a verified model loaded?")
    async def ready() -> Ready:
        return Ready(status="ready", model_version=card.version)

    @app.get("/model", summary="The model's card")
    async def model() -> Response:
        return Response(document, media_type="application/json")

    # Not async: it reads the numbers of all workers.
    @app.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
    def measured() -> Response:
        return Response(served.document(), headers={"content-type": metrics.MEDIA_TYPE})

    if reload:
        _add_reload(app, reload)
    app.include_router(protocol.router(answers, card, reader, settings.max_batch))
    page.install(app)
    return app


def _add_reload(app: FastAPI, reload: Reload) -> None:
    @app.post(
        "/model/reload",
        responses=problems.described(409, "The file is refused."),
        summary="Read the model file again",
    )
    async def reloaded() -> Reloaded:
        try:
            return await reload()
        except ModelError as error:
            raise HTTPException(409, f"The model in use stays: {error}") from None


class _Service:
    """An ASGI app with something to do when it starts and when it stops."""

    def __init__(self, app: ASGIApp, start: Callable[[], None], stop: Callable[[], None]) -> None:
        self._app, self._start, self._stop = app, start, stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests; start and stop with the server. There are no web sockets."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            # App and model stay for good: no later collection needs to walk through them.
            gc.collect()
            gc.freeze()
            _give_back_memory()
            self._start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._stop()
            await send({"type": "lifespan.shutdown.complete"})


def _give_back_memory() -> None:
    """Return what only the start needed to the system: 6 MB, where the C library can (glibc)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
