"""How texts are written: dates, e-mail addresses, lists, yes and no, codes in digits."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from leadscore.values import YES_AND_NO, level_key

# How forms and exports say that nothing was chosen, beside the markers that are known anywhere.
NOT_CHOSEN: Final = re.compile(
    r"\W*((please )?(select|choose)( one| an option)?|not (specified|provided|available|set|given)"
    r"|undefined|unspecified|\?)\W*",
    re.IGNORECASE,
)

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_DATES: Final = ("%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%m-%d-%Y", "%d.%m.%y")
_DATES_IN_WORDS: Final = ("%b %d, %Y", "%d %b %Y", "%B %d, %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y")
_TIMES: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p")
_SEPARATORS: Final = (";", "|", ",")
ISO: Final = ""
EARLIEST: Final = 1900  # year

A_LIST: Final = 0.05  # of the filled leads hold several entries
MOST_ENTRIES: Final = 200  # that differ; more are texts with commas


def dates(texts: Collection[str]) -> list[str]:
    """The formats in which every text is a date, the likelier first; ISO is ISO 8601 in any form.

    >>> dates(["03/04/2025", "12/11/2025"])
    ['%m/%d/%Y', '%d/%m/%Y']
    >>> dates(["03/04/2025", "31/12/2025"])
    ['%d/%m/%Y']
    """
    first = next(iter(texts), "")
    if not any(c.isdigit() for c in first) or len(first) < len("1.1.24"):
        return []
    if not _number_like(first) and all(_is_date(text, ISO) for text in texts):
        return [ISO]
    formats = [date + time for date in (*_DATES, *_DATES_IN_WORDS) for time in _TIMES]
    return [form for form in formats if all(_is_date(text, form) for text in texts)]


def moment(text: str, form: str) -> datetime:
    """The date of a text in a format; ValueError if it has another."""
    return datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)


def emails(texts: Collection[str]) -> bool:
    """Whether texts are e-mail addresses, but for a few."""
    return sum(bool(_EMAIL.fullmatch(text)) for text in texts) >= 0.95 * len(texts) > 0


def yes_or_no(texts: Iterable[str]) -> bool:
    """Whether texts say yes and no, or one of them.

    >>> yes_or_no(["Y", "n"]), yes_or_no(["yes", "n"])
    (True, False)
    """
    found = set(map(level_key, texts))
    return bool(found) and any(found <= {*pair} for pair in YES_AND_NO)


def separator(counts: Mapping[str, int]) -> str:
    """What separates the entries of lists; empty if these are none. `counts`: leads of each text.

    The entries of a list are few, and stand now first and now later; the parts of an address do not.

    >>> separator({"web; e-mail": 3, "e-mail; phone": 2, "phone": 9})
    ';'
    >>> separator({"Smith, John": 3, "Doe, Jane": 2})
    ''
    """
    leads = sum(counts.values())
    for mark in _SEPARATORS:
        several = {text: n for text, n in counts.items() if mark in text}
        if sum(several.values()) < max(A_LIST * leads, 2):
            continue
        first: Counter[str] = Counter()
        later: Counter[str] = Counter()
        for text, n in several.items():
            head, *rest = (part.strip() for part in text.split(mark))
            first[head] += n
            later.update(dict.fromkeys(rest, n))
        both = sum((first & later).values())
        entries = len(first | later)
        if entries <= min(MOST_ENTRIES, 2 * len(counts)) and both >= 0.25 * min(
            first.total(), later.total()
        ):
            return mark
    return ""


def code(texts: Collection[str]) -> bool:
    """Whether digits are a code and no number: some begin with a zero that counts nothing."""
    return all(text.isdigit() for text in texts) and any(
        len(text) > 1 and text[0] == "0" for text in texts
    )


def _number_like(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("+-").isdigit()


def _is_date(text: str, form: str) -> bool:
    try:
        return moment(text, form).year >= EARLIEST
    except ValueError:
        return False
