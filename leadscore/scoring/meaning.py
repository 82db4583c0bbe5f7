"""Meanings: a raw value of one column, read and put into words once."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from leadscore.columns import Column, ColumnError, Value
from leadscore.parts import reader
from leadscore.scoring import phrases

# Values remembered by a column; then all are forgotten, so that memory stays bounded.
REMEMBERED: Final = 5_000
SHORT: Final = 64  # characters; longer texts are not remembered

# Values of these types are never equal to one of another of them.
PLAIN: Final = frozenset({str, float, type(None)})


class Meaning(NamedTuple):
    """What one raw value means.

    `value`: clean; a missing one where there is an error. `subject`: the first half of a reason.
    `caution`: what to say if training has not seen it. `error`: why the column does not take it.
    """

    value: Value
    subject: str
    caution: str | None
    error: ColumnError | None


class Vocabulary:
    """The meanings of one column's raw values. Safe to share between threads.

    `reference`: the column's entry in the card's `reference`. `max_text`: characters of one value.
    `wholes`: the column whose raw values are read, if the model reads a part of them; or two, of whose
    raw values pairs are read.
    """

    def __init__(
        self,
        column: Column,
        reference: Mapping[str, Any],
        max_text: int,
        wholes: Sequence[Column] = (),
    ) -> None:
        self.column, self._max_text = column, max_text
        self._name = (*wholes, column)[0].name
        self._take = reader(column, wholes) if wholes else None
        self._sources = {one.name: one.source for one in (*wholes, column)}
        levels = list(reference.get("levels", ()))  # the commonest first
        self._levels, self._commonest = frozenset(levels), next(iter(levels), None)
        quantiles = reference.get("quantiles") or [math.inf, -math.inf]
        self._low, self._high = quantiles[0], quantiles[-1]
        self._memory = _Memory(self)
        self.missing = self.meaning((None, None) if len(wholes) > 1 else None)

    def read(self, values: Sequence[object]) -> list[Meaning]:
        """The meaning of each raw value."""
        memory = self._memory
        try:
            if PLAIN.issuperset(map(type, values)):
                return list(map(memory.__getitem__, values))
            return [memory[v if type(v) in PLAIN else (type(v), v)] for v in values]
        except TypeError:  # a list or an object, which no memory takes for a key
            return [self.meaning(value) for value in values]

    def meaning(self, raw: object) -> Meaning:
        """The meaning of one raw value, whether or not it is remembered."""
        column = self.column
        try:
            if isinstance(raw, str) and len(raw) > self._max_text:
                raise ColumnError(self._name, raw, f"text of at most {self._max_text} characters")
            value = column.read(self._take(raw) if self._take else raw)
            error = None
        except ColumnError as wrong:
            error = ColumnError(self._sources[wrong.column], wrong.value, wrong.expected)
            value = column.read(None)
        new = column.kind == "category" and value != "" and value not in self._levels
        subject = phrases.subject(column, value, self._commonest if new else None)
        return Meaning(value, subject, self._caution(value, new), error)

    def _caution(self, value: Value, new: bool) -> str | None:
        if phrases.missing(value):
            return None
        if isinstance(value, str):
            return phrases.new_level(self.column, value, self._commonest) if new else None
        if self._low <= value <= self._high:
            return None
        return phrases.outside(self.column, value, self._low, self._high)


def _length(raw: object) -> int:
    """Characters of a text, or of the longer one of a pair."""
    if isinstance(raw, str):
        return len(raw)
    return max(map(_length, raw)) if isinstance(raw, tuple) else 0


class _Memory(dict[Any, Meaning]):
    """Raw value -> meaning, for values met before. Errors are not remembered.

    The key of a value whose type is not PLAIN is a pair of both: 1, 1.0 and True are equal, and not the
    same.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, key: Any) -> Meaning:
        raw = key[1] if isinstance(key, tuple) else key
        meaning = self._vocabulary.meaning(raw)
        if meaning.error is None and _length(raw) <= SHORT:
            if len(self) >= REMEMBERED:
                self.clear()
            self[key] = meaning
        return meaning
