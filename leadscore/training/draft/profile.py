"""What a column of texts holds: numbers, levels, dates, lists, addresses, ids."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from leadscore.columns import Column, ColumnError
from leadscore.training.draft import notations, wording
from leadscore.training.validation import MOST_THAT_MAY_DIFFER
from leadscore.values import AS_IN_JSON, MARKERS, level_key

Content = Literal["number", "category", "yes/no", "code", "date", "list", "email", "text", "empty"]
"""What a column holds; text: names or sentences, which hardly repeat."""

ODD: Final = 0.02  # of the leads may hold a word among numbers
ODD_WORDS: Final = 3  # that differ
ALONG: Final = 0.999  # rank correlation of a counter with the rows

_WHOLE: Final = re.compile(r"\d+(\.0+)?")
_MARKERS: Final = frozenset(map(level_key, MARKERS))


@dataclass(frozen=True)
class Profile:
    """What a column holds.

    `values`: clean, shape (n,), in the order of the file: float with NaN or str with "". `distinct` and
    `present`: texts that differ, and leads that have one. `unique`: no two leads share one. `counter`:
    integers that run along the rows. `formats`: in which all texts are dates. `separator`: of a list's
    entries. `markers`: words that were read as blank.
    """

    source: str
    content: Content
    values: pd.Series
    distinct: int
    present: int
    unique: bool = False
    counter: bool = False
    formats: tuple[str, ...] = ()
    separator: str = ""
    markers: tuple[str, ...] = ()

    @property
    def moments(self) -> pd.Series:
        """When each lead was, by a column of dates; NaT where it is blank."""
        form = self.formats[0]
        known = {text: notations.moment(text, form) for text in self.values.unique() if text}
        return pd.to_datetime(self.values.map(known), utc=True)


def profile(source: str, cells: Sequence[str], decimal: str = AS_IN_JSON) -> Profile:
    """The profile of a column's cells, which are trimmed; `decimal`: as in `values.number`."""
    raw = Counter(cells)
    markers = tuple(sorted(text for text in raw if notations.NOT_CHOSEN.fullmatch(text)))
    blank = {"", *markers, *(text for text in raw if level_key(text) in _MARKERS)}
    counts = {text: n for text, n in raw.items() if text not in blank}
    numbers, odd = _numbers(counts, decimal)
    content, formats, separator = _content(source, counts, numbers)
    if content == "number":
        markers = (*markers, *odd)
        values = pd.Series([numbers.get(cell, math.nan) for cell in cells], dtype=np.float64)
    else:
        spelled = _one_spelling(counts)
        values = pd.Series([spelled.get(cell, "") for cell in cells], dtype=object)
    present = sum(n for text, n in counts.items() if text not in odd or content != "number")
    return Profile(
        source,
        content,
        values,
        values.nunique() - (content != "number" and present < len(cells)),
        present,
        unique=len(counts) == present > 1,
        counter=content == "number" and _counter(values),
        formats=tuple(formats),
        separator=separator,
        markers=markers,
    )


def _content(
    source: str, counts: Mapping[str, int], numbers: Mapping[str, float]
) -> tuple[Content, list[str], str]:
    texts, present = counts.keys(), sum(counts.values())
    formats: list[str] = []
    mark = ""
    found: Content = "category"
    if not texts:
        found = "empty"
    elif notations.yes_or_no(texts):
        found = "yes/no"
    elif notations.emails(texts):
        found = "email"
    elif formats := notations.dates(texts):
        found = "date"
    elif numbers:
        digits = wording.code(source) and all(map(_WHOLE.fullmatch, texts))
        found = "code" if digits or notations.code(texts) else "number"
    elif mark := notations.separator(counts):
        found = "list"
    varied = len(texts) > MOST_THAT_MAY_DIFFER and 2 * len(texts) > present
    if varied and found in ("category", "code"):
        found = "text"
    return found, formats, mark


def _one_spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """The commonest spelling of each text."""
    found: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        found.setdefault(level_key(text), text)
    return {text: found[level_key(text)] for text in counts}


def _numbers(counts: Mapping[str, int], decimal: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """The number of each text and the few words among them; nothing if these are no numbers."""
    probe = Column("number", "number", "feature", "number", "capture", decimal=decimal)
    found: dict[str, float] = {}
    odd: list[str] = []
    leads = 0
    for text, n in counts.items():
        try:
            found[text] = float(probe.read(text))
        except ColumnError:
            odd.append(text)
            leads += n
            if len(odd) > ODD_WORDS:
                return {}, ()
    if leads > ODD * sum(counts.values()):
        return {}, ()
    return found, tuple(odd)


def _counter(values: pd.Series) -> bool:
    """Whether whole numbers run along the rows, up or down, but for a few rows out of place; those that
    only count the rows do not.
    """
    if values.isna().any() or (values % 1 != 0).any() or values.nunique() < len(values):
        return False
    if values.max() - values.min() < len(values):
        return False
    ranks = np.argsort(np.argsort(values.to_numpy()))
    return bool(abs(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1]) >= ALONG)
