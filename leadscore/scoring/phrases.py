"""Phrases: what a value, its effect, and a value that training has not seen are called in an answer."""

import math
from functools import cache
from typing import Final

from leadscore.columns import Column, Value

MINUTE: Final = 60  # seconds
NOTHING_KNOWN: Final = "Nothing is known of this lead: every column is missing."


def subject(column: Column, value: Value, taken_for: str | None = None) -> str:
    """The first half of a reason: the column and its value. `taken_for`: the level a new one counts as,
    which earns the points.
    """
    if missing(value):
        return f"{column.title} is not known"
    if taken_for is not None:
        return f"{column.title} counted as “{taken_for}”, for “{value}” is new"
    return _named(column, value)


@cache
def points(number: int) -> str:
    """The second half: what a column adds to a score from 0 to 100."""
    if number == 0:
        return "hardly a point"
    size = abs(number)
    return f"{'+' if number > 0 else '−'}{size} point{'s' if size > 1 else ''}"  # noqa: RUF001


def new_level(column: Column, level: str, taken_for: str | None) -> str:
    """A caution: training has not seen this level."""
    taken = f", which takes it for “{taken_for}”" if taken_for is not None else ""
    return f"{_named(column, level)} is new to the model{taken}."


def outside(column: Column, number: float, low: float, high: float) -> str:
    """A caution: training has seen numbers from `low` to `high`, or none if `low` is above `high`."""
    seen = f"{low:,.10g} to {high:,.10g}" if low <= high else "no number"
    value = f"{column.title} {number:,.10g} {column.unit}".rstrip()
    return f"{value} is outside what the model has seen ({seen})."


def missing(value: Value) -> bool:
    """Whether a clean value says that nothing is known."""
    return not value if isinstance(value, str) else math.isnan(value)


def _named(column: Column, value: Value) -> str:
    if isinstance(value, str):
        return f"{column.title} “{value}”"
    return f"{column.title} {_amount(value, column.unit)}".rstrip()


def _amount(number: float, unit: str) -> str:
    """A number with its unit; seconds as nobody says them become minutes."""
    if unit == "s" and number >= MINUTE:
        hours, minutes = divmod(round(number / MINUTE), 60)
        return f"{hours:,} h {minutes} min" if hours else f"{minutes} min"
    return f"{number:,.10g} {unit}"
