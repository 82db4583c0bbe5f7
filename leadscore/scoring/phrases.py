"""Phrases: what a value, its effect, and a value that training has not seen are called in an answer."""

import math
from typing import Final

from leadscore.columns import Column, Value

HARDLY: Final = 1.005  # a factor on the odds below this is not worth a number
NOTHING_KNOWN: Final = "Nothing is known of this lead: every column is missing."


def subject(column: Column, value: Value) -> str:
    """The first half of a reason: the column and its value."""
    return f"{column.title} is not known, which" if missing(value) else _named(column, value)


def moves(effect: float) -> str:
    """The second half: how many times an effect, in log-odds, raises or lowers the odds."""
    factor = math.exp(abs(effect))
    if factor < HARDLY:
        return "hardly changes the odds"
    return f"{'raises' if effect > 0 else 'lowers'} the odds {factor:.3g} times"


def new_level(column: Column, level: str, taken_for: str | None) -> str:
    """A caution: training has not seen this level."""
    taken = f", which takes it for “{taken_for}”" if taken_for is not None else ""
    return f"{_named(column, level)} is new to the model{taken}."


def outside(column: Column, number: float, low: float, high: float) -> str:
    """A caution: training has seen numbers from `low` to `high`, or none if `low` is above `high`."""
    seen = f"{low:,.10g} to {high:,.10g}" if low <= high else "no number"
    return f"{_named(column, number)} is outside what the model has seen ({seen})."


def missing(value: Value) -> bool:
    """Whether a clean value says that nothing is known."""
    return not value if isinstance(value, str) else math.isnan(value)


def _named(column: Column, value: Value) -> str:
    if isinstance(value, str):
        return f"{column.title} “{value}”"
    return f"{column.title} {value:,.10g} {column.unit}".rstrip()
