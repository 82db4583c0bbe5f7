"""The drafted dictionary as TOML, with what a person must look at."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leadscore.columns import MOMENTS
from leadscore.names import fold
from leadscore.training.draft import wording
from leadscore.training.draft.proposal import Proposal

_HEAD = """\
# The data dictionary of {file}, drafted by train.py: {leads}.
# Blocks marked CHECK rest on figures or names alone; somebody who knows the data should read them.
#
#   role      feature | id | target | excluded
#   known     {moments}: the moment from which the value exists.
#             A model that scores new leads is trained on what is known at {first!r}.
"""


def document(
    proposals: Sequence[Proposal],
    missing: Sequence[str],
    file: str,
    leads: str,
) -> str:
    """The text of the dictionary."""
    head = _HEAD.format(file=file, leads=leads, moments=" | ".join(MOMENTS), first=MOMENTS[0])
    names = _names(proposals)
    blocks = [_block(column, names[column.source]) for column in proposals]
    return "\n".join([head, f"missing = {_value(list(missing))}", "", *blocks])


def _block(column: Proposal, name: str) -> str:
    keys: dict[str, Any] = {
        "name": name,
        "source": column.source,
        "role": column.role,
        "kind": column.kind,
        "known": column.known,
        "why": column.why,
        **column.extra,
    }
    lines = ["[[column]]"]
    if column.check:
        lines = [f"# CHECK: {' '.join(column.check.split())}", *lines]
    lines += [f"{key} = {_value(value)}" for key, value in keys.items()]
    if column.kind == "number" and column.role == "feature" and (unit := wording.unit(column.source)):
        lines.append(f"# unit = {_value(unit)}  (a guess from its name)")
    return "\n".join([*lines, ""])


def _names(proposals: Iterable[Proposal]) -> Mapping[str, str]:
    """A name for each source; no two read alike, and none reads like another column's source."""
    sources = {fold(column.source): column.source for column in proposals}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for column in proposals:
        base = name = wording.snake_case(column.source)
        number = 2
        while fold(name) in taken or sources.get(fold(name), column.source) != column.source:
            name = f"{base}_{number}"
            number += 1
        taken.add(fold(name))
        found[column.source] = name
    return found


def _value(value: Any) -> str:
    """A TOML value: what JSON writes, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
