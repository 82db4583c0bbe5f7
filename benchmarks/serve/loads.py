"""What is sent to each server, and what its answer says: the same leads, in the form it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import COLUMNS
from leadscore.dictionary import Dictionary

DICTIONARY: Final = Dictionary.load(COLUMNS).known_at("capture")
MISSING: Final = {c.name: None if c.kind == "number" else "" for c in DICTIONARY.features}
"""What stands for a missing value in a table, where none can be left out."""

Lead = dict[str, Any]
Route = tuple[str, Any]
"""Path and document of a request."""
Form = Callable[[list[Lead]], Route]
Reader = Callable[[Any], list[float]]
"""The document of an answer -> probabilities."""


@dataclass(frozen=True)
class Load:
    """Requests of one size, from so many connections at once."""

    name: str
    leads: int
    connections: int


UNHURRIED: Final = Load("unhurried", 1, 1)
SINGLE: Final = Load("single", 1, 16)
BATCHES: Final = (
    Load("batch of 10", 10, 4),
    Load("batch of 100", 100, 4),
    Load("batch of 1,000", 1000, 4),
)
LOADS: Final = (UNHURRIED, SINGLE, *BATCHES)


def two_routes(leads: list[Lead]) -> Route:
    """A route for one lead and one for many."""
    return ("/predict", leads[0]) if len(leads) == 1 else ("/predict/batch", {"leads": leads})


def one_route(leads: list[Lead]) -> Route:
    """One lead is a batch of one."""
    return "/predict", {"leads": leads}


def split(leads: list[Lead]) -> Route:
    """MLflow's form of a table."""
    data = [[lead.get(name, value) for name, value in MISSING.items()] for lead in leads]
    return "/invocations", {"dataframe_split": {"columns": list(MISSING), "data": data}}


def tensors(leads: list[Lead]) -> Route:
    """The Open Inference Protocol: a tensor for each column."""
    text = {"datatype": "BYTES", "parameters": {"content_type": "str"}}
    inputs = [
        {
            "name": column.name,
            "shape": [len(leads), 1],
            **({"datatype": "FP32"} if column.kind == "number" else text),
            "data": [lead.get(column.name, MISSING[column.name]) for lead in leads],
        }
        for column in DICTIONARY.features
    ]
    return "/v2/models/lead_conversion/infer", {"inputs": inputs}


def our_tensors(leads: list[Lead]) -> Route:
    """The same, with the probability alone in the answer."""
    path, document = tensors(leads)
    return path, {**document, "outputs": [{"name": "probability"}]}


def predictions(answer: Any) -> list[float]:
    """What we answer."""
    return [one["probability"] for one in answer.get("predictions", [answer])]


def probabilities(answer: Any) -> list[float]:
    """What the apps of benchmarks/peers answer."""
    return list(answer["probabilities"])


def second(answer: Any) -> list[float]:
    """What MLflow answers: the probabilities of both outcomes."""
    return [both[1] for both in answer["predictions"]]


def first_tensor(answer: Any) -> list[float]:
    """What we answer to tensors."""
    return list(answer["outputs"][0]["data"])


def every_second(answer: Any) -> list[float]:
    """What MLServer answers to them: the probabilities of both outcomes, one after the other."""
    return first_tensor(answer)[1::2]
