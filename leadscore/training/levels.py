"""Levels of a category: which texts are spellings of one, and which of them it is called by."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from leadscore.values import TRUTH, level_key

RARE_LEVEL: Final = 10
"""A level of fewer leads is not stored, lest a person be known by it; it counts as the commonest one."""


def spellings(texts: Iterable[str]) -> tuple[str, ...]:
    """The levels among clean texts, the commonest first, each in its commonest spelling.

    Rare levels are left out. Yes, true and 1 are one level where all levels are such words.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, count in Counter(texts).items():
        if text:
            found[level_key(text)][text] = count
    common = _common(found)
    if {TRUTH.get(level_key(level)) for level in common} == {True, False}:
        merged: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for key, counted in found.items():
            merged[str(TRUTH.get(key, key))] += counted
        common = _common(merged)
    return common


def _common(levels: Mapping[str, Counter[str]]) -> tuple[str, ...]:
    """By count, then by name: the order must not depend on the order of the leads."""
    found = []
    for counted in levels.values():
        if (leads := counted.total()) >= RARE_LEVEL:
            spelling = min(counted, key=lambda text: (-counted[text], text))
            found.append((-leads, spelling))
    return tuple(spelling for _, spelling in sorted(found))
