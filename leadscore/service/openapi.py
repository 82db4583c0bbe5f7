"""The OpenAPI document: the routes as FastAPI describes them, and the leads of the model in use.

What a lead may hold comes from the model's card: a model file that reads other columns makes another
document. docs/openapi.json is that of the shipped model, written by `make openapi`.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from leadscore.card import Card
from leadscore.service import problems
from leadscore.service.middleware.keys import OPEN
from leadscore.service.schemas import schemas
from leadscore.settings import Settings

DOCUMENT: Final = "/openapi.json"

TAGS: Final = [
    {"name": "Scoring", "description": "Leads in, probabilities with grades and reasons out."},
    {"name": "Operations", "description": "Health, the model in use, metrics."},
    {"name": "Open Inference Protocol", "description": "For clients of KServe, Triton and MLServer."},
]

KEYS: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
"""Two ways to send a key."""

EVERYWHERE: Final = {
    431: "The head of the request is too large, or has too many fields.",
    503: "Too many requests at once, or the service is about to stop; try again.",
}
"""How any request can fail."""

GUARDED: Final = EVERYWHERE | {
    401: "The service asks for a key, and the request carries none that it knows."
}
"""How one can fail that needs a key where the service has any."""


def add(app: FastAPI, settings: Settings) -> None:
    """Add the document."""

    @app.router.get(DOCUMENT, include_in_schema=False)
    async def openapi(request: Request) -> Response:
        prefix = request.scope.get("prefix", "")
        return JSONResponse(document(app, request.scope["model"].card, settings, prefix))


def document(app: FastAPI, card: Card, settings: Settings, prefix: str = "") -> dict[str, Any]:
    """The document of the app with the model of this card, under the prefix of a proxy."""
    found = get_openapi(
        title=app.title,
        version=app.version,
        summary=f"How likely is a lead to convert? Model {card.version}.",
        description=(
            f"The target is “{card.dictionary.target.source}”. The threshold is "
            f"{card.threshold.value:g} ({card.threshold.rule})."
        ),
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": prefix or "/"}],
        tags=TAGS,
        routes=app.routes,
    )
    for path, operations in found["paths"].items():
        for operation in operations.values():
            _complete(operation, path in OPEN, len(card.dictionary.features))
    found["components"]["schemas"] |= schemas(card, settings)
    found["components"]["securitySchemes"] = KEYS
    # Any of these will do: no key, where the service has none, or one sent in either way.
    found["security"] = [{}, *({way: []} for way in KEYS)]
    return found


def operation_id(route: APIRoute) -> str:
    """What generated clients call a route: as its endpoint, predictBatch for predict_batch."""
    first, *others = route.name.split("_")
    return first + "".join(map(str.capitalize, others))


def _complete(operation: dict[str, Any], is_open: bool, features: int) -> None:
    """Add to an operation what its route does not know."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "reasons":
            parameter["schema"]["maximum"] = features
    if is_open:
        operation["security"] = []
    answers = operation["responses"]
    for status, answer in problems.described(EVERYWHERE if is_open else GUARDED).items():
        answers.setdefault(str(status), answer)
    operation["responses"] = dict(sorted(answers.items()))
