"""A block of the data dictionary's document -> a column, or what is wrong in the block."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, get_args

from leadscore.columns import Column, Kind, Role
from leadscore.parts import DAYS_UNTIL, OF_DATES, other_date
from leadscore.values import level_key

NOT_IN_BLOCK: Final = ("missing", "levels", "decimal")  # fields of a column that its table lacks
LABELS: Final = ("positive", "negative", "open")  # one label, or a list of them
_SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9_]*")


class DictionaryError(ValueError):
    """The data dictionary itself is wrong."""


def actions(table: object) -> dict[str, str]:
    """What to do with a lead of each grade; DictionaryError if that is no table of texts."""
    if not isinstance(table, Mapping) or not all(isinstance(v, str) and v for v in table.values()):
        raise DictionaryError('[grades]: expected a text for each grade, such as A = "Call today"')
    return dict(table)


def _labels(name: str, block: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The labels of a target as texts; DictionaryError if one is missing, or means two outcomes."""
    found = {}
    for key in LABELS:
        value = block.get(key, ())
        given = value if isinstance(value, list) else [] if value in ("", ()) else [value]
        if not all(isinstance(label, str | int | float) for label in given):
            raise DictionaryError(
                f"column {name!r}: {key} is {value!r}, expected a label or a list of labels"
            )
        found[key] = tuple(map(str, given))
    keys = [level_key(label) for labels in found.values() for label in labels]
    if not (found["positive"] and found["negative"]) or len(set(keys)) < len(keys):
        raise DictionaryError(f"column {name!r}: a target needs two labels, positive and negative")
    return found


def moments(names: Any) -> tuple[str, ...]:
    """The moments from which values are known; DictionaryError if that is no list of names."""
    right = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not right or not names or len(set(names)) < len(names):
        raise DictionaryError(f"moments is {names!r}, expected a list of different names, in order")
    return tuple(names)


def column(block: Mapping[str, Any], missing: frozenset[str], known: tuple[str, ...]) -> Column:
    """The column of a block. `missing`: markers. `known`: the moments there are.

    Raises DictionaryError for whatever is wrong in the block.
    """
    name = block.get("name", "without a name")
    known_fields = {f.name: f for f in fields(Column) if f.name not in NOT_IN_BLOCK}
    for key in block:
        if key not in known_fields:
            raise DictionaryError(f"column {name!r}: unknown key {key!r}")
    for key, entry in known_fields.items():
        if entry.default is MISSING and entry.default_factory is MISSING and not block.get(key):
            raise DictionaryError(f"column {name!r}: {key!r} is missing or empty")
    for key, choices in (("role", get_args(Role)), ("kind", get_args(Kind)), ("known", known)):
        if block[key] not in choices:
            allowed = ", ".join(choices)
            raise DictionaryError(f"column {name!r}: {key} is {block[key]!r}, expected one of {allowed}")
    if not _SNAKE_CASE.fullmatch(name):
        raise DictionaryError(f"column {name!r}: expected a snake_case name")
    _check_parts(name, block)
    if block.get("clock") and (
        block["role"] == "target" or (block["role"], block["kind"] != "date") == ("feature", True)
    ):
        raise DictionaryError(f"column {name!r}: clock = true belongs to a column of role 'id'")
    labels = _labels(name, block) if block["role"] == "target" else {}
    part = block.get("part", ())
    lists = {
        "set_apart": tuple(block.get("set_apart", ())),
        "part": (part,) if isinstance(part, str) else tuple(part),
    }
    return Column(**{**block, **labels, **lists, "missing": missing})


def _check_parts(name: str, block: Mapping[str, Any]) -> None:
    """DictionaryError for a part that a column of this kind does not have."""
    part = block.get("part", [])
    asked = [part] if isinstance(part, str) else part
    if block.get("whole") or not asked:
        return
    if block["kind"] != "date" or not all(one in OF_DATES or other_date(one) for one in asked):
        known = ", ".join((*OF_DATES, f"{DAYS_UNTIL}ANOTHER DATE"))
        raise DictionaryError(
            f"column {name!r}: part is {part!r}, expected of a date one or more of {known}"
        )
