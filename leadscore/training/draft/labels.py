"""The labels of the target: which mean a conversion, which none, and which nothing yet."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leadscore.training.cells import DataError
from leadscore.training.draft.notations import yes_or_no
from leadscore.training.evaluation.figures import Target
from leadscore.values import MARKERS, TRUTH, level_key

MOST_SHOWN: Final = 20  # labels in an error

BLANK: Final = frozenset({"", *map(level_key, MARKERS)})

_OPEN: Final = re.compile(
    r"\b(open|new|working|nurtur\w*|progress|process|pending|assigned|attempt\w*|untouched|follow\W?up|hold"
    r"|engag\w*|prospect\w*|contacted|qualified|negotiat\w*|proposal|discovery|demo|waiting|scheduled)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Labels:
    """The target's labels as they stand in the file. `guessed`: what a person has to look at."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    open: tuple[str, ...]
    guessed: str

    def outcomes(self, cells: Sequence[str]) -> Target:
        """The outcome of each lead, shape (n,); -1 for one that is still open."""
        known = {level_key(label): 1 for label in self.positive}
        known |= {level_key(label): 0 for label in self.negative}
        texts = {cell: known.get(level_key(cell), -1) for cell in set(cells)}
        return np.array([texts[cell] for cell in cells], np.int8)


def labels(source: str, cells: Sequence[str], positive: Sequence[str], still: Sequence[str]) -> Labels:
    """Sort the labels of the target. `positive`, `still`: what the options say; both may be empty.

    Raises DataError when no label is positive, or none is negative.
    """
    spellings: dict[str, Counter[str]] = {}
    for cell, leads in Counter(cells).items():
        if level_key(cell) not in BLANK:
            spellings.setdefault(level_key(cell), Counter())[cell] = leads
    found = Counter({max(texts, key=texts.__getitem__): texts.total() for texts in spellings.values()})
    names = [label for label, _ in found.most_common()]
    wanted, opened = _folded(positive), _folded(still)
    shown = ", ".join(f"{name!r} ({found[name]:,})" for name in names[:MOST_SHOWN])
    if not wanted:
        if not (len(names) == 2 and yes_or_no(names)):  # noqa: PLR2004
            raise DataError(f"--positive: which label of {source!r} is a conversion? There are {shown}")
        wanted = frozenset(word for word, yes in TRUTH.items() if yes)
    asked = {"--positive": wanted if positive else frozenset[str](), "--open": opened}
    for option, labels in asked.items():
        if absent := labels - _folded(names):
            raise DataError(f"{option} {min(absent)!r}: no label of {source!r}; there are {shown}")
    good = tuple(name for name in names if level_key(name) in wanted)
    rest = [name for name in names if name not in good]
    waiting = tuple(
        name for name in rest if (level_key(name) in opened if still else _OPEN.search(name))
    )
    bad = tuple(name for name in rest if name not in waiting)
    if not bad:
        raise DataError(
            f"column {source!r}: no lead has another label than {', '.join(good)} or an open one"
        )
    guessed = f"Are these labels still open: {', '.join(waiting)}?" if waiting and not still else ""
    if not guessed and len(bad) > 1:
        guessed = f"Do {', '.join(bad)} all mean no conversion? What is not decided belongs to `open`."
    return Labels(good, bad, waiting, guessed)


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(map(level_key, names))
