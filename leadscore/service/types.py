"""The types of the service's answers, as pydantic writes and OpenAPI describes them."""

from dataclasses import dataclass

from pydantic import BaseModel, Field

from leadscore.scoring.reading import Id
from leadscore.service.problems import Problem


@dataclass(slots=True)
class Reason:
    """What one column adds to the log-odds: its exact SHAP value."""

    column: str = Field(description="its name")
    value: str | float | None = Field(description="as read; null is missing", examples=[1200])
    effect: float = Field(description="in log-odds; positive raises the probability", examples=[0.91])
    points: float = Field(
        description="its share of the score: those of all columns add up to 100 times the probability, "
        "less that of the model's base",
        examples=[18.4],
    )
    text: str = Field(examples=["Time on the website 20 min: +18 points"])


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
    ids: dict[str, Id] = Field(description="the id columns and the `id` that were sent; dates, as read")
    model_version: str = Field(description="the model that answered")


@dataclass(slots=True)
class Capacity:
    """Whom to call when only so many calls are possible."""

    calls: int = Field(description="the calls asked for, or all leads if they are fewer")
    probability_from: float = Field(description="call the leads with at least this probability")
    expected_conversions: float = Field(description="among these leads")
    chosen: list[int] = Field(description="their places in the batch, the first to call first")


@dataclass(slots=True)
class Summary:
    """What a batch adds up to."""

    leads: int = Field(description="leads scored")
    errors: int = Field(description="leads that could not be scored, where `errors=item` was given")
    converts: int = Field(description="leads whose probability reaches the threshold")
    expected_conversions: float = Field(description="sum of the probabilities")
    grades: dict[str, int] = Field(description="leads of each grade", examples=[{"A": 3, "B": 5}])
    capacity: Capacity | None = Field(description="whom to call, where `calls` was given")


@dataclass(slots=True)
class BatchPrediction:
    """The answers for a batch, in the order sent."""

    predictions: list[Prediction | Problem] = Field(
        description="a problem only where `errors=item` was given"
    )
    summary: Summary = Field(description="what they add up to")
    model_version: str = Field(description="the model that answered")


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
