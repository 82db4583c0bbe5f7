"""Words: what a value and its effect are called in an answer, and what training has seen of a column."""

import math
from collections.abc import Sequence
from typing import Final

from leadscore.card import Card
from leadscore.columns import Column, Value

HARDLY: Final = 1.005  # a factor on the odds below this is not worth a number
NOTHING_KNOWN: Final = "Nothing is known of this lead: every column is missing."


class Seen:
    """What training has seen of a column."""

    def __init__(self, column: Column, card: Card) -> None:
        self.column = column
        reference = card.reference[column.name]
        levels = list(reference.get("levels", ()))  # the commonest first
        self._levels, self._commonest = frozenset(levels), next(iter(levels), None)
        self._usual = self._levels | {""}
        quantiles = reference.get("quantiles") or [math.inf, -math.inf]
        self._low, self._high = quantiles[0], quantiles[-1]

    def unusual(self, values: Sequence[Value]) -> list[tuple[int, Value]]:
        """Those of many values that `caution` may have something to say about, with their places."""
        if self.column.kind == "category":
            if self._usual.issuperset(values):
                return []
            return [(place, value) for place, value in enumerate(values) if value not in self._usual]
        low, high = self._low, self._high
        return [(place, value) for place, value in enumerate(values) if not low <= value <= high]

    def caution(self, value: Value) -> str | None:
        """What to say of a value training has not seen."""
        if missing(value):
            return None
        if isinstance(value, str):
            return None if value in self._levels else self._new(value)
        if self._low <= value <= self._high:
            return None
        seen = f"{self._low:,.10g} to {self._high:,.10g}" if self._low <= self._high else "no number"
        return f"{_named(self.column, value)} is outside what the model has seen ({seen})."

    def _new(self, level: str) -> str:
        taken = f", which takes it for “{self._commonest}”" if self._levels else ""
        return f"{_named(self.column, level)} is new to the model{taken}."


def sentence(column: Column, value: Value, effect: float) -> str:
    """A contribution in words: how many times it raises or lowers the odds of converting."""
    return f"{subject(column, value)} {moves(effect)}"


def subject(column: Column, value: Value) -> str:
    """The first half of that sentence: the column and its value."""
    return f"{column.title} is not known, which" if missing(value) else _named(column, value)


def moves(effect: float) -> str:
    """The second half: what an effect in log-odds does."""
    factor = math.exp(abs(effect))
    if factor < HARDLY:
        return "hardly changes the odds"
    return f"{'raises' if effect > 0 else 'lowers'} the odds {factor:.3g} times"


def _named(column: Column, value: Value) -> str:
    if isinstance(value, str):
        return f"{column.title} “{value}”"
    return f"{column.title} {value:,.10g} {column.unit}".rstrip()


def missing(value: Value) -> bool:
    """Whether a clean value says that nothing is known."""
    return not value if isinstance(value, str) else math.isnan(value)
