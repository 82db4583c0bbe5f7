"""`POST /predict` and `POST /predict/batch`: leads in, probabilities with grades and reasons out."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from leadscore.columns import Value
from leadscore.scoring.engine import Leads, Scored
from leadscore.scoring.phrases import missing
from leadscore.scoring.reading import Id, WrongLeadsError
from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.routes.batch import Place, batch_of
from leadscore.service.routes.route import (
    SCORING,
    JsonAnswer,
    answered,
    count,
    json_body,
    parameter,
    parsed,
)
from leadscore.service.types import (
    BatchPrediction,
    Capacity,
    Caution,
    Prediction,
    Reason,
    Summary,
)
from leadscore.settings import Settings
from leadscore.tables.block import REASONS

_ONE: Final = TypeAdapter(Prediction).serializer
_MANY: Final = TypeAdapter(BatchPrediction).serializer

_REASONS: Final = "reasons to give for each lead"


def add(routes: APIRouter, settings: Settings) -> None:
    """Add the routes."""

    @routes.post(
        "/predict",
        tags=SCORING,
        summary="Score one lead",
        response_model=Prediction,
        responses=problems.described(problems.BODY_FAILURES),
        openapi_extra={
            "parameters": [parameter("reasons", _REASONS, type="integer", minimum=0, default=REASONS)],
            "requestBody": json_body("Lead"),
        },
    )
    async def predict(request: Request) -> Response:
        return await answered(request, _one)

    @routes.post(
        "/predict/batch",
        tags=SCORING,
        summary="Score many leads",
        response_model=BatchPrediction,
        responses=problems.described(problems.BODY_FAILURES),
        openapi_extra={
            "parameters": [
                parameter("reasons", _REASONS, type="integer", minimum=0, default=0),
                parameter("calls", "calls possible for this batch", type="integer", minimum=1),
            ],
            "requestBody": json_body("Batch"),
        },
    )
    async def predict_batch(request: Request) -> Response:
        return await answered(request, many)

    def many(model: Model, request: Request, body: bytes) -> Response:
        batch = batch_of(parsed(request, body), settings.max_batch)
        calls = count(request, "calls", None, 1, 2**31)
        found = _predictions(model, request, batch.leads, batch.place, default=0)
        answer = BatchPrediction(found, _summary(model, found, calls), model.card.version)
        return JsonAnswer(_MANY.to_json(answer))


def _one(model: Model, request: Request, body: bytes) -> Response:
    (found,) = _predictions(model, request, [parsed(request, body)], lambda place: place[1:], REASONS)
    return JsonAnswer(_ONE.to_json(found))


def _predictions(
    model: Model, request: Request, raw: Sequence[Any], place: Callable[[Place], Place], default: int
) -> list[Prediction]:
    """Answers to raw leads. `place`: of a value among them -> of the same value in the body."""
    reasons = count(request, "reasons", default, 0, len(model.engine.features))
    try:
        leads, ids = model.reader.read(raw)
    except WrongLeadsError as error:
        errors = [problems.field_error(place(wrong.place), wrong.error) for wrong in error.errors]
        raise problems.invalid(errors) from None
    scored = model.engine.score(leads, reasons or 0)
    model.served.add(scored)
    return _answers(model, leads, ids, scored)


def _answers(
    model: Model, leads: Leads, ids: Sequence[dict[str, Id]], scored: Scored
) -> list[Prediction]:
    version, names = model.card.version, list(model.engine.vocabularies)
    return [
        Prediction(
            probability=probability,
            score=scored.score[lead],
            grade=scored.grade[lead],
            converts=scored.converts[lead],
            reasons=[
                Reason(names[feature], _known(leads[feature][lead].value), effect, points, text)
                for feature, effect, points, text in (scored.reasons[lead] if scored.reasons else ())
            ],
            warnings=[Caution(*caution) for caution in scored.cautions.get(lead, ())],
            ids=ids[lead],
            model_version=version,
        )
        for lead, probability in enumerate(scored.probability.tolist())
    ]


def _known(value: Value) -> Value | None:
    return None if missing(value) else value


def _summary(model: Model, found: Sequence[Prediction], calls: int | None) -> Summary:
    probability = np.sort([answer.probability for answer in found])[::-1]
    grades = Counter(answer.grade for answer in found)
    return Summary(
        leads=len(found),
        converts=sum(answer.converts for answer in found),
        expected_conversions=math.fsum(probability),
        grades={entry.grade: grades[entry.grade] for entry in model.card.grades},
        capacity=None if calls is None else _capacity(probability, calls),
    )


def _capacity(probability: NDArray[np.float64], calls: int) -> Capacity:
    """Whom to call when `calls` are possible; `probability` is sorted, the best lead first."""
    called = probability[:calls]
    return Capacity(
        calls=len(called),
        probability_from=float(called[-1]),
        expected_conversions=math.fsum(called),
    )
