"""The leads of a request: read by column where all is well, one by one to say what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self, TypeAlias, TypeVar

from leadscore.columns import (
    LARGEST,
    Column,
    ColumnError,
    Dictionary,
    Lead,
    LeadError,
    Tensors,
    Value,
    clean,
    tensor,
)

Id: TypeAlias = str | int | float
_T = TypeVar("_T")

# Texts of one column that are read only once; a column's levels are fewer.
REMEMBERED: Final = 256

_PLAIN: Final = frozenset({int, float})  # not bool


@dataclass(slots=True)
class Leads:
    """Leads as they came in: the clean values of every feature, and the ids to hand back."""

    columns: Mapping[str, Sequence[Value]]
    ids: Sequence[dict[str, Id]]

    @classmethod
    def of(cls, leads: Sequence[Lead], ids: Sequence[dict[str, Id]] = ()) -> Self:
        """Clean leads by column."""
        columns = {name: [lead[name] for lead in leads] for name in leads[0]}
        return cls(columns, ids or [{}] * len(leads))

    def tensors(self, dictionary: Dictionary) -> Tensors:
        """The model inputs."""
        return {c.name: tensor(c, self.columns[c.name]) for c in dictionary.features}


class Reader:
    """Reads the leads of requests. `max_text`: characters of one value."""

    def __init__(self, dictionary: Dictionary, max_text: int) -> None:
        self._dictionary, self.max_text = dictionary, max_text
        self._reads = {column.name: self._read(column) for column in dictionary.features}
        known = (*dictionary.features, *dictionary.ids)
        self._names = {key: column.name for column in known for key in (column.name, column.source)}
        self._id_names = {column.name for column in dictionary.ids}

    def one(self, raw: object) -> Leads:
        """One lead, by names or CSV headers. Raises ColumnError or LeadError: where and why."""
        if found := self.many([raw]):
            return found
        lead, ids = self.carefully(raw)
        return Leads.of([lead], [ids])

    def many(self, raw: Sequence[Any]) -> Leads | None:
        """Many leads; None if `carefully` has something to say about one of them."""
        try:
            rows = [self._by_name(lead) for lead in raw]
            ids = [self._ids(row) if row.keys() & self._id_names else {} for row in rows]
            return self._clean({name: [row.get(name) for row in rows] for name in self._reads}, ids)
        except (AttributeError, KeyError, LeadError):
            return None

    def columns(self, raw: Mapping[str, Sequence[object]], leads: int) -> Leads | None:
        """Many leads by column; None as with `many`. A column that is absent is missing."""
        if not raw.keys() <= self._reads.keys():
            return None
        absent = [None] * leads
        return self._clean({name: raw.get(name, absent) for name in self._reads}, [{}] * leads)

    def carefully(self, raw: object) -> tuple[Lead, dict[str, Id]]:
        """One clean lead and its ids. Raises ColumnError or LeadError: where and why."""
        if not isinstance(raw, Mapping):
            raise ColumnError("lead", raw, 'an object of columns, like {"column": value}')
        errors = [error for key, value in raw.items() if (error := self._too_long(key, value))]
        lead, wrong = _tried(clean, raw, self._dictionary)
        ids, wrong_ids = _tried(self._ids, raw)
        named = {error.column for error in errors}
        errors += [error for error in (*wrong, *wrong_ids) if error.column not in named]
        if lead is None or ids is None or errors:
            raise LeadError(errors)
        return lead, ids

    def _by_name(self, raw: Any) -> dict[str, object]:
        """A raw lead by the names of its columns; KeyError if it has others, or one twice."""
        if raw.keys() <= self._reads.keys():
            return raw  # type: ignore[no-any-return]
        named = {self._names[key]: value for key, value in raw.items()}
        if len(named) < len(raw):
            raise KeyError
        return named

    def _clean(self, raw: Mapping[str, Sequence[object]], ids: Sequence[dict[str, Id]]) -> Leads | None:
        try:
            return Leads({name: [*map(read, raw[name])] for name, read in self._reads.items()}, ids)
        except (TypeError, ColumnError):  # TypeError: a value that no memory takes for a key
            return None

    def _read(self, column: Column) -> Callable[[Any], Value]:
        """`column.read` that remembers texts, and takes a plain number in its range as it is."""

        def read(value: object) -> Value:
            if error := self._too_long(column.name, value):
                raise error
            return column.read(value)

        if column.kind == "category":
            return lru_cache(REMEMBERED, typed=True)(read)
        low = -LARGEST if column.minimum is None else column.minimum

        def read_number(value: Any) -> Value:
            if type(value) in _PLAIN and low <= value <= LARGEST:
                return float(value)
            return read(value)

        return read_number

    def _too_long(self, key: str, value: object) -> ColumnError | None:
        if isinstance(value, str) and len(value) > self.max_text:
            return ColumnError(key, value, f"text of at most {self.max_text} characters")
        return None

    def _ids(self, raw: Mapping[str, object]) -> dict[str, Id]:
        """The id columns as they were sent, to be handed back. LeadError for those that cannot be."""
        found: dict[str, Id] = {}
        errors = []
        for key, value in raw.items():
            if (name := self._names.get(key)) in self._id_names and value is not None:
                try:
                    if too_long := self._too_long(key, value):
                        raise too_long
                    found[name] = _id(key, value)
                except ColumnError as error:
                    errors.append(error)
        if errors:
            raise LeadError(errors)
        return found


def _tried(read: Callable[..., _T], *arguments: Any) -> tuple[_T | None, Sequence[ColumnError]]:
    """What a reader finds, or what is wrong."""
    try:
        return read(*arguments), ()
    except LeadError as error:
        return None, error.errors


def _id(key: str, value: object) -> Id:
    # Handed back as JSON in UTF-8: no infinity, no half of a surrogate pair.
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value
    if isinstance(value, str) and value.isprintable():
        return value
    raise ColumnError(key, value, "an id: printable text or a number")
