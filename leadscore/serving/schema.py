"""The request and answer types. The request types are built from the model card: a model file that reads
other columns makes another API.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    WrapValidator,
    create_model,
)

from leadscore.card import Card
from leadscore.columns import LARGEST, Column, Lead
from leadscore.serving.leads import Id, Leads, Reader
from leadscore.serving.table import REASONS


@dataclass(slots=True)
class Reason:
    """What one column adds to the log-odds: its exact SHAP value."""

    column: str = Field(description="its name")
    value: str | float | None = Field(description="as read; null is missing", examples=[1200])
    effect: float = Field(description="in log-odds; positive raises the probability", examples=[0.91])
    text: str = Field(examples=["Time on the website 1,200 s raises the odds 2.48 times"])


@dataclass(slots=True)
class Caution:
    """A reason to trust a score less."""

    column: str | None = Field(description="its name; null: the lead as a whole")
    text: str = Field(examples=["City “Atlantis” is new to the model, which takes it for “Mumbai”."])


@dataclass(slots=True)
class Prediction:
    """The answer for one lead."""

    probability: float = Field(description="of converting", ge=0, le=1, examples=[0.731])
    score: int = Field(description="the probability in whole percent", ge=0, le=100, examples=[73])
    grade: str = Field(
        description="a band of probabilities; the model's card says which", examples=["B"]
    )
    converts: bool = Field(description="whether the probability reaches the model's threshold")
    reasons: list[Reason] = Field(description="the columns that moved the probability most, first")
    warnings: list[Caution] = Field(description="values the model has not seen in training")
    ids: dict[str, Id] = Field(description="the id columns that were sent")
    model_version: str = Field(description="the model that answered")


@dataclass(slots=True)
class Capacity:
    """Whom to call when only so many calls are possible."""

    calls: int = Field(description="the calls asked for, or all leads if they are fewer")
    probability_from: float = Field(description="call the leads with at least this probability")
    expected_conversions: float = Field(description="among these leads")


@dataclass(slots=True)
class Summary:
    """What a batch adds up to."""

    leads: int = Field(description="leads scored")
    converts: int = Field(description="leads whose probability reaches the threshold")
    expected_conversions: float = Field(description="sum of the probabilities")
    grades: dict[str, int] = Field(description="leads of each grade", examples=[{"A": 3, "B": 5}])
    capacity: Capacity | None = Field(description="whom to call, where `calls` was given")


@dataclass(slots=True)
class BatchPrediction:
    """The answers for a batch, in the order sent."""

    predictions: list[Prediction]
    summary: Summary
    model_version: str


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["alive"])


class Ready(BaseModel):
    """A model is loaded and verified."""

    status: str = Field(examples=["ready"])
    model_version: str


class Reloaded(BaseModel):
    """The model file was read again, and its model answers now."""

    model_version: str = Field(description="of the file as it is now")
    previous_version: str = Field(description="of the model that answered before")


def lead_type(card: Card, reader: Reader) -> Any:
    """The type of one lead in a request: an object of columns, validated by the data dictionary."""
    return Annotated[Leads, PlainValidator(reader.one), WithJsonSchema(_lead_schema(card, reader))]


def batch_type(card: Card, reader: Reader, max_batch: int) -> type[BaseModel]:
    """The type of a batch request: `leads`, 1 to `max_batch` of them."""
    one: Any = Annotated[
        Any, PlainValidator(reader.carefully), WithJsonSchema(_lead_schema(card, reader))
    ]

    def read(raw: Any, each: Callable[[Any], list[tuple[Lead, dict[str, Id]]]]) -> Leads:
        if isinstance(raw, list) and 1 <= len(raw) <= max_batch and (found := reader.many(raw)):
            return found
        leads, ids = zip(*each(raw), strict=True)
        return Leads.of(leads, ids)

    leads = Annotated[list[one], Field(min_length=1, max_length=max_batch), WrapValidator(read)]
    return create_model("Batch", __config__=ConfigDict(extra="forbid"), leads=(leads, ...))


def query_types(features: int) -> tuple[type[BaseModel], type[BaseModel]]:
    """What the queries of a lead and of a batch may ask; a model gives up to `features` reasons."""

    def reasons(default: int) -> Any:
        about = "reasons to give for each lead"
        return int, Field(default=default, ge=0, le=features, description=about)

    calls: Any = int | None, Field(default=None, ge=1, description="calls possible for this batch")
    one: type[BaseModel] = create_model("Asked", reasons=reasons(REASONS))
    batch: type[BaseModel] = create_model("AskedOfBatch", reasons=reasons(0), calls=calls)
    return one, batch


def _lead_schema(card: Card, reader: Reader) -> dict[str, Any]:
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
        "properties": {column.name: _column_schema(column, card, reader.max_text) for column in columns},
        "examples": [example(card)],
    }


def _column_schema(column: Column, card: Card, max_text: int) -> dict[str, Any]:
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


def example(card: Card) -> dict[str, Any]:
    """A lead to show: the most common level and the median of each feature."""
    return {column.name: _common(column, card) for column in card.dictionary.features}


def _common(column: Column, card: Card) -> Any:
    known = card.reference[column.name]
    if column.kind == "category":
        return next(iter(known["levels"]), None)
    quantiles = known["quantiles"]
    return quantiles[len(quantiles) // 2] if quantiles else None
