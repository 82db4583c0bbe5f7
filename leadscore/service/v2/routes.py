"""The routes of the Open Inference Protocol."""

import re
from enum import Enum
from itertools import islice
from typing import Any, Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadscore import __version__
from leadscore.card import MODEL, Card
from leadscore.scoring.engine import Leads
from leadscore.scoring.reading import MOST_ERRORS
from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.problems import FieldError
from leadscore.service.routes.repetition import refuse_repeated
from leadscore.service.routes.route import JsonAnswer, answered, json_body
from leadscore.service.v2.tensors import JSON_LENGTH, RawColumns, answer, raw_columns
from leadscore.service.v2.types import (
    NATURAL,
    OUTPUTS,
    Inference,
    Inferred,
    Live,
    ModelMetadata,
    ModelReady,
    Output,
    ServerMetadata,
    Tensor,
    TensorMetadata,
)
from leadscore.settings import Settings

TAGS: Final[list[str | Enum]] = ["Open Inference Protocol"]
NAMED: Final = "/v2/models/{name}"
VERSIONED: Final = f"{NAMED}/versions/{{version}}"

_LENGTH = re.compile(r"\d{1,20}", re.ASCII)
_PATH = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "examples": [MODEL]},
}
_UNKNOWN = problems.described({404: "No such model or version."})


def add(routes: APIRouter, settings: Settings) -> None:
    """Add the routes. `infer` reads values as every other route does."""
    of_model: dict[str, Any] = {"responses": _UNKNOWN, "openapi_extra": {"parameters": [_PATH]}}

    @routes.get("/v2", tags=TAGS, summary="The server", response_model=ServerMetadata)
    async def server_metadata(request: Request) -> Response:
        extensions = ["binary_tensor_data"]
        return _json(ServerMetadata(name="leadscore", version=__version__, extensions=extensions))

    @routes.get("/v2/health/live", tags=TAGS, summary="Is the process alive?", response_model=Live)
    async def server_live(request: Request) -> Response:
        return _json(Live(live=True))

    @routes.get(
        "/v2/health/ready", tags=TAGS, summary="Is a verified model loaded?", response_model=ModelReady
    )
    async def server_ready(request: Request) -> Response:
        return _json(ModelReady(ready=True))

    @routes.get(VERSIONED, include_in_schema=False)
    @routes.get(
        NAMED,
        tags=TAGS,
        summary="The model's inputs and outputs",
        response_model=ModelMetadata,
        **of_model,
    )
    async def model_metadata(request: Request) -> Response:
        return _json(_metadata(_model(request).card))

    @routes.get(f"{VERSIONED}/ready", include_in_schema=False)
    @routes.get(
        f"{NAMED}/ready", tags=TAGS, summary="Is the model ready?", response_model=ModelReady, **of_model
    )
    async def model_ready(request: Request) -> Response:
        _model(request)
        return _json(ModelReady(ready=True, name=MODEL))

    @routes.post(f"{VERSIONED}/infer", include_in_schema=False)
    @routes.post(
        f"{NAMED}/infer",
        tags=TAGS,
        summary="Score tensors, one for each column",
        response_model=Inferred,
        responses=problems.described(
            problems.BODY_FAILURES | {415: f"The body {problems.PACKED_OTHERWISE}."}
        )
        | _UNKNOWN,
        openapi_extra={"parameters": [_PATH], "requestBody": json_body("Inference")},
    )
    async def model_infer(request: Request) -> Response:
        _model(request)
        return await answered(request, inferred)

    def inferred(model: Model, request: Request, body: bytes) -> Response:
        inference, binary = _parsed(body, request.headers.get(JSON_LENGTH))
        asked = _outputs(inference)
        raw = raw_columns(inference.inputs, binary, model.card.dictionary, settings.max_batch)
        leads = model.engine.read(raw.values, raw.leads)
        _check(leads, raw, model)
        scored = model.engine.score(leads)
        model.served.add(scored)
        outputs = dict(zip(OUTPUTS, (scored.probability, scored.contributions), strict=True))
        return answer(inference, asked, outputs, model.card.version)


def _model(request: Request) -> Model:
    """The model in use; a 404 if the path names another."""
    model: Model = request.scope["model"]
    version = model.card.version
    asked = request.path_params
    if asked["name"] != MODEL or asked.get("version", version) != version:
        raise HTTPException(404, f"No such model; there is {MODEL} in version {version}.")
    return model


def _parsed(body: bytes, json_length: str | None) -> tuple[Inference, bytes]:
    """The request's JSON and the bytes after it."""
    size = len(body)
    if json_length is not None:
        size = int(json_length) if _LENGTH.fullmatch(json_length) else -1
    if not 0 <= size <= len(body):
        raise HTTPException(400, f"{JSON_LENGTH}: expected a number of bytes of this body")
    head = body[:size]
    try:
        inference = Inference.model_validate_json(head)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise HTTPException(400, f"The body is not JSON: {first['ctx']['error']}.") from None
        raise problems.of_pydantic(error) from None
    outputs = inference.outputs or ()
    parts: list[Inference | Tensor | Output] = [inference, *inference.inputs, *outputs]
    keys = sum(len(part.model_fields_set) + len(part.parameters or ()) for part in parts)
    refuse_repeated(head, keys)
    return inference, body[size:]


def _outputs(inference: Inference) -> list[Output]:
    """The outputs asked for; ProblemError for one that is unknown, or asked for twice."""
    asked = inference.outputs or [Output(name=name) for name in OUTPUTS]
    names = [output.name for output in asked]
    for place, name in enumerate(names):
        expected = f"one of {', '.join(OUTPUTS)}" if name not in OUTPUTS else "each output once"
        if name not in OUTPUTS or name in names[:place]:
            place_of_it = problems.pointer(("outputs", place, "name"))
            wrong = FieldError(pointer=place_of_it, value=name, expected=expected)
            raise problems.invalid([wrong])
    return asked


def _check(leads: Leads, raw: RawColumns, model: Model) -> None:
    """ProblemError with every value that its column does not take."""
    by_key = model.card.dictionary.by_key
    errors = (
        problems.field_error(("inputs", raw.places[by_key[error.column].name], "data", row), error)
        for row, found in model.engine.errors(leads).items()
        for error in found
    )
    if first := list(islice(errors, MOST_ERRORS + 1)):
        raise problems.invalid(first)


def _metadata(card: Card) -> ModelMetadata:
    features = card.dictionary.features
    return ModelMetadata(
        name=MODEL,
        versions=[card.version],
        platform="onnx_onnxruntime",
        inputs=[TensorMetadata(name=c.name, datatype=NATURAL[c.kind], shape=[-1, 1]) for c in features],
        outputs=[
            TensorMetadata(name="probability", datatype="FP32", shape=[-1]),
            TensorMetadata(name="contributions", datatype="FP32", shape=[-1, len(features)]),
        ],
    )


def _json(document: Any) -> Response:
    return JsonAnswer(document.model_dump_json(exclude_none=True).encode())
