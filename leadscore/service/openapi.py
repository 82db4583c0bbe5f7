"""The OpenAPI document: the routes as FastAPI describes them, and the leads of the model in use.

What a lead may hold comes from the model's card: a model file that reads other columns makes another
document.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from leadscore.card import Card
from leadscore.columns import LARGEST, Column
from leadscore.service.model import Model
from leadscore.service.problems import Problem
from leadscore.service.v2.types import Inference
from leadscore.settings import Settings

DOCUMENT: Final = "/openapi.json"


def add(app: FastAPI, settings: Settings) -> None:
    """Add the document, and two pages that show it."""

    @app.router.get(DOCUMENT, include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return JSONResponse(document(app, request.scope["model"], settings))

    @app.router.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return get_swagger_ui_html(openapi_url=DOCUMENT, title=app.title)

    @app.router.get("/redoc", include_in_schema=False)
    async def redoc(request: Request) -> Response:
        return get_redoc_html(openapi_url=DOCUMENT, title=app.title)


def document(app: FastAPI, model: Model, settings: Settings) -> dict[str, Any]:
    """The document of the app with this model."""
    card = model.card
    found = get_openapi(
        title=app.title,
        version=app.version,
        summary=f"How likely is a lead to convert? Model {card.version}.",
        description=(
            f"The target is “{card.dictionary.target.source}”. The threshold is "
            f"{card.threshold.value:g} ({card.threshold.rule})."
        ),
        routes=app.routes,
    )
    for path in found["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "reasons":
                    parameter["schema"]["maximum"] = len(model.engine.features)
    found["components"]["schemas"] |= {
        **_schemas(Problem, Inference),
        "Lead": _lead(card, settings.max_text),
        "Batch": {
            "title": "Batch",
            "type": "object",
            "additionalProperties": False,
            "required": ["leads"],
            "properties": {
                "leads": {
                    "title": "Leads",
                    "type": "array",
                    "minItems": 1,
                    "maxItems": settings.max_batch,
                    "items": {"$ref": "#/components/schemas/Lead"},
                }
            },
        },
    }
    return found


def _schemas(*types: type[BaseModel]) -> dict[str, Any]:
    """The schemas of documents that no route declares as its answer, by name."""
    modes = [(one, "validation") for one in types]
    _, found = models_json_schema(modes, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _lead(card: Card, max_text: int) -> dict[str, Any]:
    columns = (*card.dictionary.features, *card.dictionary.ids)
    return {
        "title": "Lead",
        "type": "object",
        "description": (
            "One lead. Every column may be absent; absent, null, blank and "
            f"{', '.join(sorted(columns[0].missing)) or 'NaN'} all mean missing. "
            "The CSV header may stand for the name."
        ),
        "additionalProperties": False,
        "properties": {column.name: _column(column, card, max_text) for column in columns},
        "examples": [_example(card)],
    }


def _column(column: Column, card: Card, max_text: int) -> dict[str, Any]:
    about = {"title": column.source, "description": column.why}
    text = {"type": "string", "maxLength": max_text}
    if column.role == "id":
        return {**about, "anyOf": [text, {"type": "number"}, {"type": "null"}]}
    if column.kind == "category":
        commonest = list(card.reference[column.name]["levels"])[:10]
        return {**about, "anyOf": [text, {"type": "null"}], "examples": commonest}
    low = -LARGEST if column.minimum is None else column.minimum
    number = {"type": "number", "minimum": low, "maximum": LARGEST}
    return {**about, "anyOf": [number, {"type": "null"}]}


def _example(card: Card) -> dict[str, Any]:
    """A lead to show: the most common level and the median of each feature."""
    return {column.name: _common(column, card) for column in card.dictionary.features}


def _common(column: Column, card: Card) -> Any:
    known = card.reference[column.name]
    if column.kind == "category":
        return next(iter(known["levels"]), None)
    quantiles = known["quantiles"]
    return quantiles[len(quantiles) // 2] if quantiles else None
