"""The HTTP service: one verified model behind a few routes."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore import __version__
from leadscore.scorer import Scorer
from leadscore.serving import page, problems, upload
from leadscore.serving.answers import Answers
from leadscore.serving.schema import (
    Alive,
    BatchPrediction,
    Prediction,
    Ready,
    Request,
    batch_type,
    lead_type,
)
from leadscore.serving.settings import Settings


def create_app(scorer: Scorer, settings: Settings) -> FastAPI:
    """The service for a loaded model; its request types and documentation come from the model's card."""
    card = scorer.card
    app = FastAPI(
        title="Lead conversion",
        version=__version__,
        summary=f"How likely is a lead to convert? Model {card.version}.",
        description=(
            f"The target is “{card.dictionary.target.source}”. The threshold is "
            f"{card.threshold.value:g} ({card.threshold.rule})."
        ),
    )
    app.add_middleware(BodyLimit, largest=settings.max_body, exceptions={upload.PATH: settings.max_csv})
    problems.install(app)
    lead = lead_type(card, settings.max_text)
    batch = batch_type(lead, settings.max_batch)
    # GET /model answers the same bytes every time.
    document = card.to_json().encode()

    answers = Answers(scorer)
    features = len(card.dictionary.features)

    async def predict(lead: Request, reasons: int = 3) -> Prediction:
        return answers.predict([lead], reasons)[0]

    # Not async: a large batch must not hold up the event loop.
    def predict_batch(batch: Any, reasons: int = 0, calls: int | None = None) -> BatchPrediction:
        return answers.predict_batch(batch.leads, reasons, calls)

    how_many = Annotated[int, Query(ge=0, le=features, description="reasons to give for each lead")]
    possible = Annotated[int | None, Query(ge=1, description="calls possible for this batch")]
    predict.__annotations__ |= {"lead": lead, "reasons": how_many}
    predict_batch.__annotations__ |= {"batch": batch, "reasons": how_many, "calls": possible}
    app.post("/predict", responses=problems.RESPONSES, summary="Score one lead")(predict)
    app.post("/predict/batch", responses=problems.RESPONSES, summary="Score many leads")(predict_batch)
    upload.install(app, scorer, settings)

    @app.get("/health", summary="Is the process alive?")
    async def health() -> Alive:
        return Alive(status="alive")

    @app.get("/ready", summary="Is a verified model loaded?")
    async def ready() -> Ready:
        return Ready(status="ready", model_version=card.version)

    @app.get("/model", summary="The model's card")
    async def model() -> Response:
        return Response(document, media_type="application/json")

    page.install(app)
    return app


class BodyLimit:
    """Refuses a request once its body has grown larger than allowed, whatever length it declares.

    FastAPI's `max_body_size` does the same, but answers in plain text instead of a problem document.
    """

    def __init__(self, app: ASGIApp, largest: int, exceptions: Mapping[str, int]) -> None:
        self._app, self._largest, self._exceptions = app, largest, exceptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting the bytes of its body."""
        received = 0
        largest = self._exceptions.get(scope.get("path", ""), self._largest)

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise HTTPException(413, f"The body is larger than {largest:,} bytes.")
            return message

        await self._app(scope, limited, send)
