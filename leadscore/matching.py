"""Which column of a table is which column of the dictionary, however its header is spelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from leadscore.columns import Column, show
from leadscore.dictionary import Dictionary
from leadscore.names import fold, nearest

MOST_SUGGESTIONS: Final = 50  # unknown headers that are compared with the names of columns


@dataclass(frozen=True)
class Matched:
    """The columns of a table, as the dictionary sees them.

    `places`: of each column, by its name. `refused`: headers of the target and of columns the dictionary
    excludes. `unknown`: headers of none of its columns. `missing`: features that the table does not
    tell. `absent`: the columns without a header that would. `suggestions`: for an unknown header, the
    source of the absent column it may be. `errors`: why the table cannot be read: two headers of a
    column that is read, a mapping that fits nothing.
    """

    places: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    missing: list[Column] = field(default_factory=list)
    absent: list[Column] = field(default_factory=list)
    suggestions: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def match(
    headers: Sequence[str],
    dictionary: Dictionary,
    mapping: Mapping[str, str] = MappingProxyType({}),
) -> Matched:
    """Match headers with columns. `mapping`: for a header, the name or source of the column it is."""
    found = Matched()
    given = _given(mapping, headers, dictionary, found)
    for place, header in enumerate(map(str.strip, headers)):
        column = given.get(fold(header)) or dictionary.find(header)
        if column is None:
            found.unknown.append(header)
            continue
        if column.refused:
            found.refused.append(header)
        other = found.places.setdefault(column.name, place)
        if other != place and column.role not in ("excluded", "ignored"):
            first = headers[other].strip()
            found.errors.append(
                f"the columns {show(first)} and {show(header)} are both {column.source!r}"
            )
    for feature in dictionary.features:
        wholes = dictionary.wholes_of(feature)
        lacking = [whole for whole in wholes or (feature,) if whole.name not in found.places]
        if lacking and feature.name not in found.places:
            found.missing.append(feature)
            found.absent.extend(column for column in lacking if column not in found.absent)
    found.suggestions.update(_suggestions(found))
    return found


def _given(
    mapping: Mapping[str, str], headers: Sequence[str], dictionary: Dictionary, found: Matched
) -> dict[str, Column]:
    """The columns of a mapping by the headers they are given for, folded."""
    given = {}
    present = {fold(header) for header in headers}
    for header, name in mapping.items():
        column = dictionary.find(name)
        if column is None:
            found.errors.append(
                f"{show(header)} cannot be {show(name)}, expected {dictionary.hint(name)}"
            )
        elif fold(header) not in present:
            found.errors.append(f"{show(header)} cannot be {column.source!r}: there is no such column")
        else:
            given[fold(header)] = column
    return given


def _suggestions(found: Matched) -> dict[str, str]:
    """For each of the first unknown headers, the absent column that may be meant by it."""
    sources = {key: c.source for c in found.absent for key in (c.source, c.name, c.title)}
    near = {header: nearest(header, sources) for header in found.unknown[:MOST_SUGGESTIONS]}
    return {header: sources[name] for header, name in near.items() if name is not None}
