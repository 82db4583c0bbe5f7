"""Leads as objects: {"total_visits": 5, "Lead Source": "Google"} -> meanings, and ids to hand back."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from leadscore.columns import LARGEST, ColumnError
from leadscore.scoring.engine import Engine, Leads

Id: TypeAlias = str | int | float


MOST_ERRORS: Final = 100  # that are looked for; one more says that there are more


class WrongValue(NamedTuple):
    """What is wrong with a lead, and where: its number, and its key if it is one of its values."""

    place: tuple[str | int, ...]
    error: ColumnError


class WrongLeadsError(ValueError):
    """Leads that cannot be read; `errors` holds the reasons, at most MOST_ERRORS and one."""

    def __init__(self, errors: Sequence[WrongValue]) -> None:
        super().__init__("; ".join(str(wrong.error) for wrong in errors))
        self.errors = errors


CALLERS_IDS: Final = frozenset({"id", "Id", "ID"})
"""Keys of the caller's own id of a lead, where the dictionary has no such column. Handed back."""

_NOTHING: Final[Mapping[str, object]] = {}


class LeadReader:
    """Reads leads whose keys are names or CSV headers, however they are spelled. A feature without a key
    is missing.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        dictionary = engine.card.dictionary
        self._find, self._hint = dictionary.find, dictionary.hint
        self._features = engine.vocabularies.keys()
        self._read = self._features | {column.name for column in dictionary.wholes}
        self._ids = CALLERS_IDS.union(column.name for column in dictionary.ids)

    def read(self, raw: Sequence[Any]) -> tuple[Leads, list[dict[str, Id]]]:
        """The meanings of leads, and the ids and dates of each by name.

        Raises WrongLeadsError with every value its column does not take, every key that is unknown,
        excluded, the target, or there under both of its names, and what is no object.
        """
        leads, ids, wrong = self.read_each(raw)
        if wrong:
            errors = (error for place in sorted(wrong) for error in self.errors(place, raw))
            raise WrongLeadsError(list(islice(errors, MOST_ERRORS + 1)))
        return leads, ids

    def read_each(self, raw: Sequence[Any]) -> tuple[Leads, list[dict[str, Id]], set[int]]:
        """The meanings of leads, the ids and dates of each by name, and the places of wrong ones.

        What is wrong counts as missing; `errors` says what it is.
        """
        rows = [self._by_name(lead) for lead in raw]
        wrong = {place for place, row in enumerate(rows) if row is None} if None in rows else set()
        named = [row or _NOTHING for row in rows]
        given = self._read & set().union(*named)
        columns = {name: [row.get(name) for row in named] for name in given}
        leads = self._engine.read(columns, len(named))
        wrong |= self._engine.errors(leads).keys()
        ids = [{} if row.keys().isdisjoint(self._ids) else self._handed_back(row) for row in named]
        if any(ids):
            wrong |= {n for n, found in enumerate(ids) if any(map(self._wrong_id, found.values()))}
        for name, meanings in self._engine.of_dates(leads):
            for found, meaning in zip(ids, meanings, strict=True):
                if meaning.value:
                    found[name] = meaning.value
        return leads, ids, wrong

    def _by_name(self, lead: Any) -> Mapping[str, object] | None:
        """A lead keyed by names; None if its keys are wrong."""
        if not isinstance(lead, Mapping):
            return None
        if lead.keys() <= self._features:
            return lead
        named, beside = {}, 0
        for key, value in lead.items():
            column = self._find(key)
            if column is None and key in self._ids:
                named[key] = value
            elif column is None and _of_salesforce(key, value):
                beside += 1
            elif column is None or column.refused:
                return None
            else:
                named[column.name] = value
        return named if len(named) + beside == len(lead) else None

    def _handed_back(self, row: Mapping[str, Any]) -> dict[str, Id]:
        return {name: row[name] for name in row if name in self._ids and row[name] is not None}

    def errors(self, place: int, raw: Sequence[Any]) -> Iterator[WrongValue]:
        """Everything that is wrong with the lead at this place, in the order of its keys."""
        lead = raw[place]
        if not isinstance(lead, Mapping):
            wanted = 'an object of columns, like {"column": value}'
            yield WrongValue((place,), ColumnError("lead", lead, wanted))
            return
        keys: dict[str, str] = {}  # by the name of the column they stand for
        for key, value in lead.items():
            if expected := self._expected(key, value, keys):
                yield WrongValue((place, key), ColumnError(key, value, expected))

    def _expected(self, key: str, value: object, keys: dict[str, str]) -> str | None:
        """What should stand there instead, if a key or its value is wrong."""
        column = self._find(key)
        if column is None:
            return self._expected_beside(key, value)
        if column.refused:
            return f"this column to be left out: {column.reason}"
        if (other := keys.setdefault(column.name, key)) != key:
            return f"this column once, it is also given as {other!r}"
        if isinstance(value, str) and len(value) > self._engine.max_text:
            return f"text of at most {self._engine.max_text} characters"
        if column.role != "feature":
            return self._expected_id(value)
        reader = self._engine.reader(column.name)
        error = reader.meaning(value).error if reader else None
        return error.expected if error else None

    def _expected_beside(self, key: str, value: object) -> str | None:
        """The same for a key that is no column's."""
        if key in self._ids:
            return self._expected_id(value)
        return None if _of_salesforce(key, value) else self._hint(key)

    def _expected_id(self, value: object) -> str | None:
        return "an id: printable text or a number" if self._wrong_id(value) else None

    def _wrong_id(self, value: object) -> bool:
        """Whether a value cannot be handed back as JSON in UTF-8: infinity, half a surrogate pair."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return not abs(value) <= LARGEST
        if isinstance(value, str):
            return len(value) > self._engine.max_text or not value.isprintable()
        return value is not None


def _of_salesforce(key: str, value: object) -> bool:
    """Whether a key holds what Salesforce says of a record in each: its type and its address."""
    return key == "attributes" and isinstance(value, Mapping) and "type" in value
