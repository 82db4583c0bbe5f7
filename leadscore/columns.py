"""Columns: what each column of a lead is, and how a raw value becomes a model input.

Training, export and serving all read leads through this module, so a value means the same everywhere:
raw value -> `Column.read` -> clean value -> `tensor` -> model input. How a text is read is in values.py.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leadscore import values
from leadscore.values import AS_IN_JSON, MARKERS, Levels, NumberError, level_key

Role = Literal["feature", "id", "target", "excluded", "ignored"]
Kind = Literal["number", "category", "list", "date", "email"]

MOMENTS = ("capture", "engaged", "contacted")
"""The moments from which values are known, in order, where the dictionary names no others."""

Value: TypeAlias = float | str
"""A clean value: a finite float or NaN (missing) for a number, text or "" (missing) for a category."""

Tensors: TypeAlias = dict[str, NDArray[Any]]
"""Model inputs by feature name: shape (n, 1), float32 for numbers, object (str) for categories."""

# The model computes in float32; a larger number would silently become infinite there.
LARGEST = float(np.finfo(np.float32).max)

_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SOME_DAY = datetime(2024, 1, 31, 9, 30)  # of examples in errors


class ColumnError(ValueError):
    """One value of a lead is not what its column takes.

    Attributes: `column` (as the caller named it), `value` (as given), `expected` (in words).
    """

    def __init__(self, column: str, value: object, expected: str) -> None:
        place = column if column.isprintable() else ascii(column)
        super().__init__(f"{place}: got {show(value)}, expected {expected}")
        self.column, self.value, self.expected = column, value, expected


def show(value: object, longest: int = 80) -> str:
    """A value as an error message quotes it: printable, and never longer than it helps."""
    if isinstance(value, str):
        start, length = value[: longest + 1], len(value)  # of millions of characters, too
        text = repr(start) if start.isprintable() else ascii(start)
    else:
        text = repr(value)
        length = len(text)
    return text if len(text) <= longest else f"{text[:longest]}... ({length} characters)"


@dataclass(frozen=True)
class Column:
    """One column of the raw data; data/columns.toml explains each field but the last three.

    `missing`: the dictionary's markers. `levels`: those of a category, as they are to be spelled.
    `decimal`: how its numbers are written, see `values.number`.
    """

    name: str
    source: str
    role: Role
    kind: Kind
    known: str
    why: str = ""
    label: str = ""
    unit: str = ""
    minimum: float | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    set_apart: tuple[str, ...] = ()
    slices: bool = False
    key: bool = False
    clock: bool = False
    consent: bool = False
    format: str = ""
    separator: str = ""
    part: tuple[str, ...] = ()
    whole: str = ""
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
    levels: tuple[str, ...] = ()
    decimal: str = AS_IN_JSON

    @property
    def title(self) -> str:
        """The column as a person reads it."""
        return self.label or self.source

    @property
    def reason(self) -> str:
        """Why it has its role, in words."""
        return self.why or "the data dictionary gives no reason"

    @property
    def refused(self) -> bool:
        """Whether a lead to be scored may not have it."""
        return self.role in ("excluded", "target")

    @property
    def expected(self) -> str:
        """What the column takes, in words."""
        if self.kind == "list":
            return "a list of texts, or a text with separators, or null"
        if self.kind == "date":
            return f"{self._some_date} or null"
        if self.kind != "number":
            return "text or null"
        bound = "" if self.minimum is None else f" of at least {self.minimum:g}"
        return f"a number{bound} or null"

    def read(self, value: object) -> Value:
        """Turn one raw value, from JSON or from a table's cell, into a clean one.

        Blank text, markers of missing values, None and NaN are missing: NaN for a number, "" for any
        other. Text is read as a number in any of the notations of `values.number`, and as the level it
        is a spelling of; a level that is not known stays as it is, with single spaces. A date becomes
        one in ISO 8601.

        Raises ColumnError for a value the column does not take: another type, an infinite or too
        large number, one below the minimum, text that is not valid Unicode or may be two numbers.
        """
        absent = self.absent(value)
        if self.kind == "number":
            return math.nan if absent else self._number(value)
        if self.kind == "date" and not absent:
            return _iso(self.moment(value))
        return "" if absent else self._text(value)

    def absent(self, value: object) -> bool:
        """Whether a raw value says that nothing is known."""
        if isinstance(value, str):
            key = level_key(value)
            return not key or (key in self._markers and key not in self._aliases)
        return value is None or (isinstance(value, float | np.floating) and math.isnan(value))

    def _number(self, value: object) -> float:
        number = value
        if isinstance(value, str):
            try:
                number = values.number(value.strip(), self.decimal, self.unit)
            except NumberError as error:
                why = f"{self.expected}; {error}" if str(error) else self.expected
                raise ColumnError(self.name, value, why) from None
        if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.floating):
            raise ColumnError(self.name, value, self.expected)
        # Compared before float(): an int of 400 digits has none.
        if not -LARGEST <= number <= LARGEST or (self.minimum is not None and number < self.minimum):
            raise ColumnError(self.name, value, self.expected)
        return float(number) + 0.0  # -0.0 is 0.0

    def _text(self, value: object) -> str:
        if not isinstance(value, str) and not self._stands_for_level(value):
            raise ColumnError(self.name, value, self.expected)
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: JSON can carry it, UTF-8 cannot
            raise ColumnError(self.name, value, "valid Unicode text") from None
        text = self._aliases.get(level_key(text), text)
        return self.spellings.find(text) or " ".join(text.split())

    def _stands_for_level(self, value: object) -> bool:
        """Whether a value that is no text may be a level: yes or no, or a number among numbers."""
        levels = self.spellings
        if isinstance(value, bool | np.bool_):
            return levels.yes_or_no
        if not isinstance(value, int | float | np.number) or not -LARGEST <= value <= LARGEST:
            return False
        return levels.find(str(value)) is not None or (levels.numbers and not levels.yes_or_no)

    @cached_property
    def _markers(self) -> frozenset[str]:
        return frozenset(map(level_key, (*MARKERS, *self.missing)))

    @cached_property
    def _aliases(self) -> Mapping[str, str]:
        return {level_key(spelling): level for spelling, level in self.aliases.items()}

    @cached_property
    def spellings(self) -> Levels:
        """The known levels, by all of their spellings."""
        return Levels(self.levels)

    def outcome(self, value: object) -> int | None:
        """Turn a raw target value into 1 (positive), 0 (negative) or None: still open, or blank.

        Labels are found in any spelling, as levels are. ColumnError for any other.
        """
        label = self._labels.find(str(value))
        if label is None and not self.absent(value):
            labels = " or ".join(map(repr, (*self.negative, *self.positive, *self.open)))
            raise ColumnError(self.name, value, labels)
        return None if label is None or label in self.open else int(label in self.positive)

    @cached_property
    def _labels(self) -> Levels:
        return Levels((*self.positive, *self.negative, *self.open))

    def moment(self, value: object) -> datetime:
        """Turn a raw date into a moment, in UTC if it names its time zone.

        ColumnError for what is no text, or none in the column's format or, as workbooks and databases
        hand over dates of any format, in ISO 8601.
        """
        try:
            if not isinstance(value, str):
                raise ValueError  # noqa: TRY004  (as what reads dates raises)
            found = _moment(value.strip(), self.format)
            return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
        except (ValueError, OverflowError):  # of a zone beyond the first year
            expected = self.expected if self.kind == "date" else self._some_date
            raise ColumnError(self.name, value, expected) from None

    @property
    def _some_date(self) -> str:
        form = self.format or "%Y-%m-%d or %Y-%m-%dT%H:%M"
        return f"a date like {_SOME_DAY:{form}}"


def _moment(text: str, form: str) -> datetime:
    """ValueError for a text that is no date."""
    # A format that starts with the year may mean another order of day and month.
    iso = not form or (not form.startswith("%Y") and _ISO.match(text))
    return datetime.fromisoformat(text) if iso else datetime.strptime(text, form)


def _iso(moment: datetime) -> str:
    return moment.isoformat() if moment.time() > time.min else moment.date().isoformat()


def tensor(column: Column, values: Sequence[Value]) -> NDArray[Any]:
    """Clean values of one feature as a model input: shape (n, 1), float32 or object (str)."""
    return np.array(values, dtype=np.float32 if column.kind == "number" else object, ndmin=2).T
