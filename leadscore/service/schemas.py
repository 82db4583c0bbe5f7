"""The schemas of the OpenAPI document that come from the model in use: its leads, and its card."""

from typing import Any, Final

from pydantic import TypeAdapter

from leadscore.blocks import LABELS, NOT_IN_BLOCK
from leadscore.card import FORMAT, Card
from leadscore.columns import LARGEST, Column
from leadscore.service.problems import Problem
from leadscore.service.v2.types import Inference
from leadscore.settings import Settings
from leadscore.values import MARKERS

_CALLERS_ID: Final = {
    "description": "The caller's own id of the lead, handed back.",
    "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}],
}
SHOWN_LEVELS: Final = 10  # of a category


def schemas(card: Card, settings: Settings) -> dict[str, Any]:
    """The schemas that no route declares as its answer, by name."""
    return {
        **_described(Problem, Inference, Card),
        "Lead": _lead(card, settings.max_text),
        "Batch": _batch(settings.max_batch),
    }


def _described(*types: Any) -> dict[str, Any]:
    """As pydantic describes them, with the card as its `to_dict` writes it."""
    _, found = TypeAdapter.json_schemas(
        [(one, "validation", TypeAdapter(one)) for one in types],
        ref_template="#/components/schemas/{model}",
    )
    known: dict[str, Any] = found["$defs"]
    known["Card"]["properties"]["format"] = {"title": "Format", "const": FORMAT}
    known["Card"]["required"].append("format")
    dictionary, column = known["Dictionary"], known["Column"]
    elsewhere = {name: column["properties"].pop(name) for name in NOT_IN_BLOCK}
    for label in LABELS:
        text = {"type": "string"}
        one_or_more = {"title": label.title(), "anyOf": [text, {"type": "array", "items": text}]}
        column["properties"][label] = one_or_more
    column["description"] = "One column of the raw data; data/columns.toml explains each field."
    dictionary["description"] = (
        "All columns of a data source. `missing`: what means a missing value. `moments`: from which a "
        "column may be known, the earliest first, and `grades`: what to do with a lead of each, both if "
        "the dictionary says so."
    )
    parts = dictionary["properties"]
    dictionary["properties"] = {
        "missing": elsewhere["missing"],
        "moments": parts["moments"],
        "grades": {**parts["actions"], "title": "Grades"},
        "column": parts["columns"],
    }
    dictionary["required"] = ["missing", "column"]
    return known


def _batch(most: int) -> dict[str, Any]:
    leads = {
        "title": "Leads",
        "type": "array",
        "minItems": 1,
        "maxItems": most,
        "items": {"$ref": "#/components/schemas/Lead"},
    }
    return {
        "title": "Batch",
        "type": "object",
        "additionalProperties": False,
        "required": ["leads"],
        "properties": {"leads": leads},
    }


def _lead(card: Card, max_text: int) -> dict[str, Any]:
    columns = (*card.dictionary.features, *card.dictionary.wholes, *card.dictionary.ids)
    return {
        "title": "Lead",
        "type": "object",
        "description": (
            "One lead. Every column may be absent; absent, null, blank and "
            f"{', '.join(sorted({*MARKERS, *columns[0].missing}))} all mean missing. "
            "The CSV header may stand for the name, and either may be spelled in any way."
        ),
        "additionalProperties": False,
        "properties": {"id": _CALLERS_ID}
        | {column.name: _column(column, card, max_text) for column in columns},
        "examples": [_example(card)],
    }


def _column(column: Column, card: Card, max_text: int) -> dict[str, Any]:
    about = {"title": column.source, "description": column.why}
    text = {"type": "string", "maxLength": max_text}
    if column.role == "id":
        return {**about, "anyOf": [text, {"type": "number"}, {"type": "null"}]}
    if column.kind == "list":
        return {**about, "anyOf": [text, {"type": "array", "items": text}, {"type": "null"}]}
    if column.kind in ("date", "email"):
        return {**about, "anyOf": [text, {"type": "null"}]}
    if column.kind == "category":
        commonest = list(card.reference[column.name]["levels"])[:SHOWN_LEVELS]
        others = [{"type": "boolean"}] if column.spellings.yes_or_no else []
        others += [{"type": "number"}] if column.spellings.numbers else []
        return {**about, "anyOf": [text, *others, {"type": "null"}], "examples": commonest}
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
