"""What operators ask for: health, readiness, the card, metrics, a reload."""

from enum import Enum
from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from leadscore.scorer import ModelError
from leadscore.service import metrics, problems
from leadscore.service.model import Model
from leadscore.service.reload import Reload
from leadscore.service.routes.route import JsonAnswer, json_content
from leadscore.service.types import Alive, Ready, Reloaded

TAGS: Final[list[str | Enum]] = ["Operations"]


def add(routes: APIRouter, reload: Reload | None) -> None:
    """Add the routes. `reload`: reads the model file again; None: there is no such route."""

    @routes.get("/health", tags=TAGS, summary="Is the process alive?", response_model=Alive)
    async def health(request: Request) -> Response:
        return JsonAnswer(Alive(status="alive").model_dump_json().encode())

    @routes.get("/ready", tags=TAGS, summary="Is a verified model loaded?", response_model=Ready)
    async def ready(request: Request) -> Response:
        version = request.scope["model"].card.version
        answer = Ready(status="ready", model_version=version)
        return JsonAnswer(answer.model_dump_json().encode())

    @routes.get(
        "/model",
        tags=TAGS,
        summary="The model's card",
        responses={
            200: {"content": json_content("Card")},
            304: {"description": "`If-None-Match` names the card as it is."},
        },
    )
    async def get_model(request: Request) -> Response:
        model: Model = request.scope["model"]
        headers = {"etag": model.etag, "cache-control": "private, no-cache"}
        tags = request.headers.get("if-none-match", "")
        if tags.strip() == "*" or model.etag.removeprefix("W/") in tags:
            return Response(status_code=304, headers=headers)
        return Response(model.document, 200, headers, "application/json")

    @routes.get(
        "/metrics", tags=TAGS, summary="Metrics for Prometheus", response_class=PlainTextResponse
    )
    async def get_metrics(request: Request) -> Response:
        # In a thread: it reads the numbers of all workers.
        document = await run_in_threadpool(request.scope["model"].served.document)
        return Response(document, headers={"content-type": metrics.EXPOSITION})

    if reload:

        @routes.post(
            "/model/reload",
            tags=TAGS,
            summary="Read the model file again",
            response_model=Reloaded,
            responses=problems.described({409: "The file is refused."}),
        )
        async def reload_model(request: Request) -> Response:
            try:
                return JsonAnswer((await reload()).model_dump_json().encode())
            except ModelError as error:
                raise HTTPException(409, f"The model in use stays: {error}") from None
