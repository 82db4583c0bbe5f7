"""The data dictionary: all columns of a data source, and which of them a model reads."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from leadscore import blocks
from leadscore.blocks import LABELS, NOT_IN_BLOCK, DictionaryError
from leadscore.columns import MOMENTS, Column, Role
from leadscore.names import LONGEST, fold, nearest
from leadscore.parts import other_date, parts

__all__ = ["Dictionary", "DictionaryError"]

REMEMBERED: Final = 5_000  # keys of leads, whose columns are known without folding them again


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
        if len(clocks := [c.name for c in self.columns if c.clock]) > 1:
            raise DictionaryError(f"expected clock = true on one column, found it on {clocks}")
        for column in self.wholes:
            self._check_dates(column)

    def _check_dates(self, column: Column) -> None:
        """DictionaryError if days are to be counted until what is no date of every lead to be scored."""
        for name in filter(None, map(other_date, column.part)):
            other = self.find(name)
            if other is None or other is column or (other.kind, other.role) != ("date", "feature"):
                raise DictionaryError(
                    f"column {column.name!r}: part counts the days until {name!r}, expected another "
                    "column of kind 'date' and role 'feature'"
                )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a data dictionary; DictionaryError names the file and what is wrong in it."""
        try:
            return cls.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise DictionaryError(f"{path}: cannot be read ({error.strerror})") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, DictionaryError) as error:
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
        moments = blocks.moments(document.get("moments", list(MOMENTS)))
        columns = tuple(blocks.column(block, missing, moments) for block in document.get("column", ()))
        return cls(columns, blocks.actions(document.get("grades", {})), moments)

    def to_dict(self) -> dict[str, Any]:
        """The document `from_dict` reads, without the fields that hold their default."""
        blocks = []
        for column in self.columns:
            block = {k: v for k, v in asdict(column).items() if v or (k == "minimum" and v is not None)}
            for key in NOT_IN_BLOCK:
                block.pop(key, None)
            for key in LABELS:
                if key in block:
                    block[key] = block[key][0] if len(block[key]) == 1 else list(block[key])
            blocks.append(block)
        grades = {"grades": dict(self.actions)} if self.actions else {}
        moments = {"moments": list(self.moments)} if self.moments != MOMENTS else {}
        return {"missing": sorted(self.columns[0].missing), **moments, **grades, "column": blocks}

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns the model reads, in its input order."""
        return tuple(c for c in self._of_role("feature") if c.kind in ("number", "category"))

    @cached_property
    def wholes(self) -> tuple[Column, ...]:
        """The columns of which the model reads parts, if any: lists, dates, e-mail addresses."""
        return tuple(c for c in self._of_role("feature") if c.kind not in ("number", "category"))

    def wholes_of(self, column: Column) -> tuple[Column, ...]:
        """The columns of which this one is a part: two, if it counts the days between dates."""
        if not column.whole:
            return ()
        whole = self.by_key[column.whole]
        other = self.find(other_date(column.part[0]) or "") if whole.kind == "date" else None
        return (whole, other) if other else (whole,)

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
    def clock(self) -> Column | None:
        """The column that grows with time; None if the leads' order in time is not known."""
        return next((column for column in self.columns if column.clock), None)

    @cached_property
    def consents(self) -> tuple[Column, ...]:
        """The columns in which a lead may have asked to be left alone."""
        return tuple(column for column in self.columns if column.consent)

    @cached_property
    def needed_ids(self) -> tuple[Column, ...]:
        """The columns that tell leads apart, or in which order they came: every lead has a value."""
        return tuple(column for column in self.columns if column.key or column.clock)

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
        """The dictionary of a model used at that moment: features known only later are excluded, and so
        are the days until a date that is.

        Raises DictionaryError for a moment it does not name.
        """
        if moment not in self.moments:
            raise DictionaryError(f"no moment {moment!r}, expected one of {', '.join(self.moments)}")
        later = self.moments[self.moments.index(moment) + 1 :]

        def known(part: str) -> bool:
            other = self.find(other_date(part) or "")
            return other is None or other.known not in later

        return replace(
            self,
            columns=tuple(
                replace(c, role="excluded")
                if c.role == "feature" and c.known in later
                else replace(c, part=tuple(filter(known, c.part)))
                for c in self.columns
            ),
        )

    def parts_of(self, whole: Column, entries: Sequence[str] = ()) -> tuple[Column, ...]:
        """The columns a model reads of one, see `parts`; each known once all it is made of are."""
        return tuple(
            replace(part, known=max((c.known for c in self.wholes_of(part)), key=self.moments.index))
            for part in parts(whole, entries)
        )

    def with_parts(self, parts: Mapping[str, Sequence[Column]]) -> Self:
        """The dictionary with the parts of its wholes, by name, behind each."""
        return replace(
            self,
            columns=tuple(part for c in self.columns for part in (c, *parts.get(c.name, ()))),
        )

    def as_found(self, other: Self) -> Self:
        """The dictionary with the parts and levels of another one of the same columns."""
        parts: dict[str, list[Column]] = {}
        for column in other.columns:
            if column.whole and column.name not in self.by_key:
                whole = self.by_key[column.whole]
                if whole.kind != "date" or column.part[0] in whole.part:
                    parts.setdefault(whole.name, []).append(replace(column, role=whole.role))
        return self.with_parts(parts).with_levels({c.name: c.levels for c in other.features})

    def with_levels(self, levels: Mapping[str, Sequence[str]]) -> Self:
        """The dictionary with the levels of its categories, by name, as they are to be spelled."""
        return replace(
            self,
            columns=tuple(replace(c, levels=tuple(levels.get(c.name, c.levels))) for c in self.columns),
        )

    def with_decimal(self, mark: str) -> Self:
        """The dictionary for cells with this decimal mark, see `values.number`."""
        return replace(self, columns=tuple(replace(c, decimal=mark) for c in self.columns))

    def with_features(self, names: Collection[str]) -> Self:
        """The dictionary of a model that reads these excluded columns, too."""
        return replace(
            self,
            columns=tuple(replace(c, role="feature") if c.name in names else c for c in self.columns),
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
