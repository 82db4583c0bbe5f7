"""The data dictionary: what each column of a lead is, and how a raw value becomes a model input.

Training, export and serving all read leads through this module, so a value means the same everywhere:
raw value -> `Column.read` -> clean value -> `tensor` -> model input. How a text is read is in values.py.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from leadscore import values
from leadscore.names import LONGEST, fold, nearest
from leadscore.values import AS_IN_JSON, MARKERS, Levels, NumberError, level_key

Role = Literal["feature", "id", "target", "excluded"]
Kind = Literal["number", "category"]

MOMENTS = ("capture", "engaged", "contacted")
"""The moments from which values are known, in order, where the dictionary names no others."""

Value: TypeAlias = float | str
"""A clean value: a finite float or NaN (missing) for a number, text or "" (missing) for a category."""

Tensors: TypeAlias = dict[str, NDArray[Any]]
"""Model inputs by feature name: shape (n, 1), float32 for numbers, object (str) for categories."""

# The model computes in float32; a larger number would silently become infinite there.
LARGEST = float(np.finfo(np.float32).max)

REMEMBERED = 5_000  # keys of leads, whose columns are known without folding them again
_NOT_IN_BLOCK = ("missing", "levels", "decimal")  # fields of a column that its table does not have
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")


class DictionaryError(ValueError):
    """The data dictionary itself is wrong."""


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
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


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
    clock: bool = False
    consent: bool = False
    positive: str = ""
    negative: str = ""
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
        if self.kind == "category":
            return "text or null"
        bound = "" if self.minimum is None else f" of at least {self.minimum:g}"
        return f"a number{bound} or null"

    def read(self, value: object) -> Value:
        """Turn one raw value, from JSON or from a table's cell, into a clean one.

        Blank text, markers of missing values, None and NaN are missing: NaN for a number, "" for a
        category. Text is read as a number in any of the notations of `values.number`, and as the level
        it is a spelling of; a level that is not known stays as it is, with single spaces.

        Raises ColumnError for a value the column does not take: another type, an infinite or too
        large number, one below the minimum, text that is not valid Unicode or may be two numbers.
        """
        if isinstance(value, str):
            key = level_key(value)
            absent = not key or (key in self._markers and key not in self._aliases)
        else:
            absent = value is None or (isinstance(value, float | np.floating) and math.isnan(value))
        if self.kind == "number":
            return math.nan if absent else self._number(value)
        return "" if absent else self._text(value)

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

    def outcome(self, value: object) -> int:
        """Turn a raw target value into 1 (positive) or 0 (negative); ColumnError for any other."""
        text = value.strip() if isinstance(value, str) else str(value)
        if text not in (self.positive, self.negative):
            raise ColumnError(self.name, value, f"{self.negative!r} or {self.positive!r}")
        return int(text == self.positive)


@dataclass(frozen=True)
class Dictionary:
    """All columns of a data source, in the order of the data dictionary.

    `actions`, by grade: what to do with a lead that has it. `moments`: from which a column may be known,
    the earliest first.
    """

    columns: tuple[Column, ...]
    actions: Mapping[str, str] = field(default_factory=dict)
    moments: tuple[str, ...] = MOMENTS

    def __post_init__(self) -> None:
        taken: dict[str, tuple[str, Column]] = {}
        for column in self.columns:
            for key in (column.name, column.source):
                other, owner = taken.setdefault(fold(key), (key, column))
                if owner is not column:
                    raise DictionaryError(
                        f"column {column.name!r}: {key!r} reads like {other!r} of column {owner.name!r}"
                    )
        for role, count in (("target", "one"), ("feature", "at least one")):
            found = [c.name for c in self.columns if c.role == role]
            if not found or (count == "one" and len(found) > 1):
                raise DictionaryError(f"expected {count} column of role {role!r}, found {found}")
        if len(clocks := [c.name for c in self.columns if c.clock]) != 1:
            raise DictionaryError(
                "expected clock = true on one id column, the one that grows with time, "
                f"found it on {clocks}"
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a data dictionary; DictionaryError names the file and what is wrong in it."""
        try:
            return cls.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, DictionaryError) as error:
            raise DictionaryError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Build from a parsed document: `column`, a list of tables, and, where given, `missing`, a
        list of markers, `moments`, a list of names, and `grades`, a table of what to do with each.
        """
        if extra := set(document) - {"missing", "moments", "grades", "column"}:
            raise DictionaryError(
                f"unknown key {min(extra)!r}, expected 'missing', 'moments', 'grades' and 'column'"
            )
        missing = frozenset(document.get("missing", ()))
        moments = _moments(document.get("moments", list(MOMENTS)))
        columns = tuple(_column(block, missing, moments) for block in document.get("column", ()))
        return cls(columns, _actions(document.get("grades", {})), moments)

    def to_dict(self) -> dict[str, Any]:
        """The document `from_dict` reads, without the fields that hold their default."""
        blocks = []
        for column in self.columns:
            block = {k: v for k, v in asdict(column).items() if v or (k == "minimum" and v is not None)}
            for key in _NOT_IN_BLOCK:
                block.pop(key, None)
            blocks.append(block)
        grades = {"grades": dict(self.actions)} if self.actions else {}
        moments = {"moments": list(self.moments)} if self.moments != MOMENTS else {}
        return {"missing": sorted(self.columns[0].missing), **moments, **grades, "column": blocks}

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns the model reads, in its input order."""
        return self._of_role("feature")

    @cached_property
    def ids(self) -> tuple[Column, ...]:
        """The columns that say who the lead is."""
        return self._of_role("id")

    @cached_property
    def excluded(self) -> tuple[Column, ...]:
        """The columns the model refuses, each with its `why`."""
        return self._of_role("excluded")

    @cached_property
    def target(self) -> Column:
        """The column that is predicted."""
        return self._of_role("target")[0]

    @cached_property
    def clock(self) -> Column:
        """The id column that grows with time."""
        return next(column for column in self.columns if column.clock)

    @cached_property
    def consents(self) -> tuple[Column, ...]:
        """The columns in which a lead may have asked to be left alone."""
        return tuple(column for column in self.columns if column.consent)

    @cached_property
    def by_key(self) -> Mapping[str, Column]:
        """Each column by its name and by its CSV header."""
        return {key: column for column in self.columns for key in (column.source, column.name)}

    def find(self, key: str) -> Column | None:
        """The column of this name or CSV header, in any case and with any punctuation."""
        return self._found[key]

    @cached_property
    def _found(self) -> "_Found":
        return _Found(self)

    def hint(self, key: str) -> str:
        """What should stand in the place of a key that is no column."""
        features = {key: c.name for c in self.features for key in (c.name, c.source, c.title)}
        near = nearest(key, features)
        meant = f" (did you mean {features[near]!r}?)" if near else ""
        return f"one of the columns {', '.join(c.name for c in self.features)}{meant}"

    def _of_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role == role)

    def known_at(self, moment: str) -> Self:
        """The dictionary of a model used at that moment: features known only later are excluded.

        Raises DictionaryError for a moment it does not name.
        """
        if moment not in self.moments:
            raise DictionaryError(f"no moment {moment!r}, expected one of {', '.join(self.moments)}")
        later = self.moments[self.moments.index(moment) + 1 :]
        return replace(
            self,
            columns=tuple(
                replace(c, role="excluded") if c.role == "feature" and c.known in later else c
                for c in self.columns
            ),
        )

    def with_levels(self, levels: Mapping[str, Sequence[str]]) -> Self:
        """The dictionary with the levels of its categories, by name, as they are to be spelled."""
        return replace(
            self,
            columns=tuple(replace(c, levels=tuple(levels.get(c.name, c.levels))) for c in self.columns),
        )

    def with_decimal(self, mark: str) -> Self:
        """The dictionary for cells with this decimal mark, see `values.number`."""
        return replace(self, columns=tuple(replace(c, decimal=mark) for c in self.columns))

    def everything(self) -> Self:
        """The dictionary of a model that knows no leakage: excluded columns are features, too."""
        return replace(
            self,
            columns=tuple(
                replace(c, role="feature") if c.role == "excluded" else c for c in self.columns
            ),
        )


class _Found(dict[str, Column | None]):
    """Key -> column, for keys that were looked up before: folding one takes longer than a value."""

    def __init__(self, dictionary: Dictionary) -> None:
        super().__init__(dictionary.by_key)
        self._exact = dictionary.by_key
        self._folded = {fold(key): column for key, column in dictionary.by_key.items()}

    def __missing__(self, key: str) -> Column | None:
        if len(key) > LONGEST:
            return None
        if len(self) >= REMEMBERED:  # what strangers send is forgotten again
            self.clear()
            self.update(self._exact)
        return self.setdefault(key, self._folded.get(fold(key)))


def _actions(table: object) -> dict[str, str]:
    if not isinstance(table, Mapping) or not all(isinstance(v, str) and v for v in table.values()):
        raise DictionaryError('[grades]: expected a text for each grade, such as A = "Call today"')
    return dict(table)


def _two_labels(block: Mapping[str, Any]) -> bool:
    positive, negative = block.get("positive"), block.get("negative")
    return isinstance(positive, str) and isinstance(negative, str) and positive != negative


def _moments(names: Any) -> tuple[str, ...]:
    right = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not right or not names or len(set(names)) < len(names):
        raise DictionaryError(f"moments is {names!r}, expected a list of different names, in order")
    return tuple(names)


def _column(block: Mapping[str, Any], missing: frozenset[str], moments: tuple[str, ...]) -> Column:
    name = block.get("name", "without a name")
    known_fields = {f.name: f for f in fields(Column) if f.name not in _NOT_IN_BLOCK}
    for key in block:
        if key not in known_fields:
            raise DictionaryError(f"column {name!r}: unknown key {key!r}")
    for key, entry in known_fields.items():
        if entry.default is MISSING and entry.default_factory is MISSING and not block.get(key):
            raise DictionaryError(f"column {name!r}: {key!r} is missing or empty")
    for key, choices in (("role", get_args(Role)), ("kind", get_args(Kind)), ("known", moments)):
        if block[key] not in choices:
            allowed = ", ".join(choices)
            raise DictionaryError(f"column {name!r}: {key} is {block[key]!r}, expected one of {allowed}")
    if not _SNAKE_CASE.fullmatch(name):
        raise DictionaryError(f"column {name!r}: expected a snake_case name")
    if block.get("clock") and block["role"] != "id":
        raise DictionaryError(f"column {name!r}: clock = true belongs to a column of role 'id'")
    if block["role"] == "target" and not _two_labels(block):
        raise DictionaryError(f"column {name!r}: a target needs two labels, positive and negative")
    set_apart = tuple(block.get("set_apart", ()))
    return Column(**{**block, "set_apart": set_apart, "missing": missing})


def tensor(column: Column, values: Sequence[Value]) -> NDArray[Any]:
    """Clean values of one feature as a model input: shape (n, 1), float32 or object (str)."""
    return np.array(values, dtype=np.float32 if column.kind == "number" else object, ndmin=2).T
