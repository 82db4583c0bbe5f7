"""Keys given twice in one object: JSON parsers take the last, a proxy that checks may take the first."""

import json
from collections import Counter
from typing import Any

from leadscore.columns import show
from leadscore.service import problems


def refuse_repeated(body: bytes, keys: int) -> None:
    """ProblemError if an object of a JSON document has a key twice. `keys`: those that were read.

    Each key is followed by a colon, so a document with no more colons than keys repeats none. Others,
    with colons in their texts, are read once more.
    """
    if body.count(b":") != keys:
        json.loads(body, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def keys_of(document: Any) -> int:
    """The keys of an object and of objects in lists in it, or of the objects in a list."""
    if isinstance(document, list):
        return sum([len(part) for part in document if isinstance(part, dict)])
    if not isinstance(document, dict):
        return 0
    inner = (part for value in document.values() if isinstance(value, list) for part in value)
    return len(document) + sum([len(part) for part in inner if isinstance(part, dict)])


def _unique(pairs: list[tuple[str, Any]]) -> None:
    ((key, times),) = Counter(key for key, _ in pairs).most_common(1) or [("", 0)]
    if times > 1:
        error = problems.FieldError(pointer="", value=key, expected="each key of an object once")
        raise problems.ProblemError(
            422, f"The key {show(key)} is given twice in one object.", errors=[error]
        )
