"""Batches: the forms in which clients of this service and of others send many leads."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from leadscore.service import problems
from leadscore.service.problems import FieldError

Place: TypeAlias = tuple[str | int, ...]
"""Of a value: the keys and numbers on the way to it."""

FORMS: Final = (
    '{"leads": [...]}, a list of leads, {"instances": [...]}, {"dataframe_records": [...]} or '
    '{"dataframe_split": {"columns": [...], "data": [[...]]}}'
)
LISTS: Final = ("leads", "instances", "dataframe_records")
"""Keys of a list of leads: ours, TensorFlow Serving's and Vertex AI's, MLflow's."""


class Batch(NamedTuple):
    """Raw leads, and the way from a place among them to the place in the body."""

    leads: list[Any]
    place: Callable[[Place], Place]


def batch_of(body: Any, most: int) -> Batch:
    """The leads of a body, 1 to `most`; ProblemError if it has none of the FORMS."""
    if isinstance(body, list):
        return Batch(_counted(body, (), most), lambda place: place)
    if not isinstance(body, Mapping):
        raise problems.invalid([FieldError(pointer="", value=body, expected=FORMS)])
    found = [key for key in (*LISTS, "dataframe_split") if key in body]
    if others := [key for key in body if key not in found[:1]]:
        raise problems.invalid([_unexpected(key, found) for key in others])
    if not found:
        raise problems.invalid([FieldError(pointer="", value={}, expected=FORMS)])
    if (key := found[0]) == "dataframe_split":
        return _split(body[key], most)
    return Batch(_counted(body[key], (key,), most), lambda place: (key, *place))


def _split(table: Any, most: int) -> Batch:
    """MLflow's table: the names of columns once, and rows of values."""
    at = ("dataframe_split",)
    columns = table.get("columns") if isinstance(table, Mapping) else None
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _wrong(
            at, columns, 'an object with "columns", a list of names, and "data", a list of rows'
        )
    if len(set(columns)) < len(columns):
        raise _wrong((*at, "columns"), columns, "each column once")
    rows = _counted(table.get("data"), (*at, "data"), most)
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            raise _wrong((*at, "data", number), row, f"a list of {len(columns)} values")
    numbers = {name: number for number, name in enumerate(columns)}

    def place(of: Place) -> Place:
        return (*at, "data", of[0], *(numbers[str(name)] for name in of[1:]))

    return Batch([dict(zip(columns, row, strict=True)) for row in rows], place)


def _counted(leads: Any, at: Place, most: int) -> list[Any]:
    if isinstance(leads, list) and 1 <= len(leads) <= most:
        return leads
    got = f"{len(leads):,} leads" if isinstance(leads, list) else leads
    raise _wrong(at, got, f"a list of 1 to {most:,} leads")


def _unexpected(key: str, found: list[str]) -> FieldError:
    expected = f"nothing beside {found[0]}" if found else FORMS
    return FieldError(pointer=problems.pointer((key,)), expected=expected)


def _wrong(at: Place, value: object, expected: str) -> problems.ProblemError:
    error = FieldError(pointer=problems.pointer(at), value=value, expected=expected)
    return problems.invalid([error])
