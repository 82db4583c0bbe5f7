"""Parts: what a model reads of lists, dates or e-mail addresses, each a column of its own."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from leadscore.columns import Column, ColumnError
from leadscore.names import fold
from leadscore.values import level_key

SEPARATOR: Final = ";"  # of a list, unless the dictionary says another

MOST_ENTRIES: Final = 50  # of a list that become columns, the commonest
YES: Final = "Yes"
NO: Final = "No"

FREE: Final = "free mail"
COMPANY: Final = "company"
NO_ADDRESS: Final = "no address"
_ADDRESS: Final = re.compile(r"[^@\s]+@((?:[^@\s.]+\.)+[^@\s.]{2,})")
_PROVIDERS: Final = re.compile(
    r"(gmail|googlemail|yahoo|ymail|rocketmail|hotmail|outlook|live|msn|gmx|yandex|zoho|aol|mail)\.[a-z.]{2,6}"
    r"|(icloud|me|mac|qq|163|126|naver|rediffmail|protonmail|proton|tutanota|fastmail|hey)\.(com|me|fm)"
    r"|(web|freenet|t-online|posteo|mailbox)\.(de|org)|(free|orange|wanadoo|sfr|laposte)\.(fr|net)"
    r"|(libero|virgilio|tiscali|alice)\.it|(uol|bol|terra)\.com\.br|(wp|o2|onet|interia)\.pl|seznam\.cz"
    r"|(comcast|verizon|att|sbcglobal|cox|bellsouth)\.net|btinternet\.com|bigpond\.com"
)

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
OF_DATES: Final = ("hour", "weekday", "month")
"""The parts that a date may have, if the dictionary asks for them."""

DAYS_UNTIL: Final = "days until "
"""What the part of a date begins with that goes on with the name or source of another date."""


def parts(whole: Column, entries: Sequence[str] = ()) -> Iterator[Column]:
    """The columns a model reads of one. `entries`: of a list, those that are common."""
    if whole.kind == "list":
        yield from _of_list(whole, entries)
    elif whole.kind == "email":
        yield _part(whole, "kind")
    else:
        yield from (_part(whole, part) for part in whole.part)


def _of_list(whole: Column, entries: Sequence[str]) -> Iterator[Column]:
    """A column for each entry; of those whose names would be one, such as C++ and C#, the later have a
    number.
    """
    used: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        column = first = _part(whole, entry, f"entry_{number}")
        again = 1
        while not used.isdisjoint(keys := {fold(column.name), fold(column.source)}):
            again += 1
            column = replace(first, name=f"{first.name}_{again}", source=f"{first.source} ({again})")
        used |= keys
        yield column


def other_date(part: str) -> str | None:
    """The name or source of the date until which a part of one counts the days, if it does."""
    return part.removeprefix(DAYS_UNTIL).strip() if part.startswith(DAYS_UNTIL) else None


def _part(whole: Column, part: str, nameless: str = "") -> Column:
    word = re.sub("[^a-z0-9]+", "_", level_key(part)).strip("_") or nameless
    number = whole.kind == "date" and (part == "hour" or other_date(part))
    return replace(
        whole,
        name=f"{whole.name}_{word}",
        source=f"{whole.source}: {part}",
        label=f"{whole.label}: {part}" if whole.label else "",
        kind="number" if number else "category",
        whole=whole.name,
        part=(part,),
        separator="",
        format="",
        clock=False,
    )


def reader(part: Column, wholes: Sequence[Column]) -> Callable[[Any], object]:
    """What reads a part from a raw value of its column, or from a pair of those of two dates."""
    if len(wholes) > 1:
        return partial(_days, wholes[0], wholes[1])
    return partial(taken, wholes[0], part.part[0])


def taken(whole: Column, part: str, value: object) -> object:
    """A part of a raw value, as raw value of the part's own column; None if the value is missing.

    Raises ColumnError for a value the column does not take.
    """
    if whole.absent(value):
        return None
    if whole.kind == "list":
        return YES if level_key(part) in map(level_key, entries(whole, value)) else NO
    if whole.kind == "email":
        if not isinstance(value, str):
            raise ColumnError(whole.name, value, whole.expected)
        return _address(value)
    moment = whole.moment(value)
    if part == "hour":
        return float(moment.hour)
    return WEEKDAYS[moment.weekday()] if part == "weekday" else MONTHS[moment.month - 1]


def _days(start: Column, end: Column, values: tuple[object, object]) -> float | None:
    """The days from one date to another as a calendar counts them, whatever the hour; negative if the
    other comes first, None if either is missing.
    """
    first, last = (
        None if column.absent(value) else column.moment(value).date()
        for column, value in zip((start, end), values, strict=True)
    )
    return float((last - first).days) if first and last else None


def entries(whole: Column, value: object) -> list[str]:
    """The entries of a list: of a text with separators, or of a list of texts."""
    found = value.split(whole.separator or SEPARATOR) if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise ColumnError(whole.name, value, whole.expected)
    return [" ".join(entry.split()) for entry in found if not whole.absent(entry)]


def _address(text: str) -> str:
    address = _ADDRESS.fullmatch(text.strip())
    if not address:
        return NO_ADDRESS
    return FREE if _PROVIDERS.fullmatch(address[1].casefold()) else COMPANY
