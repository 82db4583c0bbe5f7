"""`POST /predict` and `POST /predict/batch`: leads in, probabilities with grades and reasons out."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from leadscore.columns import Value
from leadscore.scoring.engine import Leads, Scored
from leadscore.scoring.phrases import missing
from leadscore.scoring.reading import MOST_ERRORS, Id, WrongValue
from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.problems import FieldError, Problem
from leadscore.service.routes.batch import Batch, batch_of
from leadscore.service.routes.route import (
    SCORING,
    JsonAnswer,
    answered,
    count,
    json_body,
    one_of,
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
                parameter("errors", "item: a wrong lead is answered by its problem", enum=["item"]),
            ],
            "requestBody": json_body("Batch"),
        },
    )
    async def predict_batch(request: Request) -> Response:
        return await answered(request, many)

    def many(model: Model, request: Request, body: bytes) -> Response:
        calls = count(request, "calls", None, 1, 2**31)
        each = one_of(request, "errors", ["item"]) is not None
        batch = batch_of(parsed(request, body), settings.max_batch)
        found = _predictions(model, request, batch, 0, each)
        answer = BatchPrediction(found, _summary(model, found, calls), model.card.version)
        return JsonAnswer(_MANY.to_json(answer))


def _one(model: Model, request: Request, body: bytes) -> Response:
    lead = Batch([parsed(request, body)], lambda place: place[1:])
    return JsonAnswer(_ONE.to_json(_predictions(model, request, lead, REASONS)[0]))


def _predictions(
    model: Model, request: Request, batch: Batch, default: int, each: bool = False
) -> list[Prediction | Problem]:
    """The answer to each lead. One that is wrong has its problem as the answer if `each` is to have one;
    else all are refused.
    """
    reasons = count(request, "reasons", default, 0, len(model.engine.features))
    leads, ids, wrong = model.reader.read_each(batch.leads)
    if wrong and not each:
        errors = (error for place in sorted(wrong) for error in model.reader.errors(place, batch.leads))
        raise problems.invalid(_field_errors(batch, errors))
    scored = model.engine.score(leads, reasons or 0)
    model.served.add(scored, wrong)
    found: list[Prediction | Problem] = [*_answers(model, leads, ids, scored)]
    for place in wrong:
        found[place] = problems.of_item(_field_errors(batch, model.reader.errors(place, batch.leads)))
    return found


def _field_errors(batch: Batch, errors: Iterable[WrongValue]) -> list[FieldError]:
    """As many as are looked for, and one that tells of more."""
    most = islice(errors, MOST_ERRORS + 1)
    return [problems.field_error(batch.place(wrong.place), wrong.error) for wrong in most]


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


def _summary(model: Model, found: Sequence[Prediction | Problem], calls: int | None) -> Summary:
    right = [(place, one) for place, one in enumerate(found) if isinstance(one, Prediction)]
    grades = Counter(one.grade for _, one in right)
    return Summary(
        leads=len(right),
        errors=len(found) - len(right),
        converts=sum(one.converts for _, one in right),
        expected_conversions=math.fsum(one.probability for _, one in right),
        grades={entry.grade: grades[entry.grade] for entry in model.card.grades},
        capacity=_capacity(right, calls) if calls and right else None,
    )


def _capacity(found: Sequence[tuple[int, Prediction]], calls: int) -> Capacity:
    """Whom to call when `calls` are possible: of leads with the same probability the first one sent."""
    called = sorted(found, key=lambda one: -one[1].probability)[:calls]
    return Capacity(
        calls=len(called),
        probability_from=called[-1][1].probability,
        expected_conversions=math.fsum(one.probability for _, one in called),
        chosen=[place for place, _ in called],
    )
