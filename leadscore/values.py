"""Values: missing markers, levels, yes and no, and numbers, in the notations exports come in."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

MARKERS: Final = ("-", "--None--", "#N/A", "<NA>", "N/A", "NA", "NaN", "none", "null")
"""What says in any column that nothing is known, in any case, beside blank and the dictionary's own."""

AS_IN_JSON: Final = ""
"""The decimal mark is a point; a comma that may stand for thousands or for decimals is refused."""

NOT_KNOWN: Final = "?"
"""The decimal mark of a file that does not show it: a mark that may be either is refused."""

_UNSEEN: Final = str.maketrans("", "", "\u200b\u2060\ufeff")
_WHOLE: Final = re.compile(r"(?:-(?=0+\.))?(-?\d+)\.0+", re.ASCII)

YES_AND_NO: Final = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("1", "0"))
"""Pairs of words that say yes and no, each as its `level_key`."""

TRUTH: Final = {word: word == yes for yes, no in YES_AND_NO for word in (yes, no)}
"""What each of these words says."""

# float() alone would also take "1_000", "nan", "infinity" and other scripts' digits.
_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TIME: Final = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_SECONDS: Final = ("s", "sec", "second", "seconds")

_ONE_SPELLING: Final = str.maketrans("\u00a0\u2007\u2009\u202f\u2019\u2212", "    '-")
_CODES: Final = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|MAD|MXN|"
    "MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
_SYMBOLS: Final = "".join(c for c in map(chr, range(0x20D0)) if unicodedata.category(c) == "Sc")
_CURRENCY: Final = rf"(?:{_CODES}|[A-Z]{{0,2}}[{re.escape(_SYMBOLS)}]|Rs\.?|kr\.?|zł|Kč|Ft|Fr\.)"
_DRESSED: Final = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+-]?)\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[+-]?)"
    rf"\s*(?P<digits>[0-9., ']*[0-9][.,]?)\s*(?P<after>{_CURRENCY}|%)?\s*(?P<close>\))?"
)
_GROUPED: Final = {
    mark: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+", re.ASCII) for mark in ".,' "
}
_LAKHS: Final = re.compile(r"[1-9]\d?(?:,\d{2})+,\d{3}", re.ASCII)


class NumberError(ValueError):
    """A text is no number, or may be two; the message says which, and is empty if it is none."""


def level_key(text: str) -> str:
    """What two spellings of one level have in common.

    >>> level_key(" Google  ADS "), level_key("1.0")
    ('google ads', '1')
    """
    plain = unicodedata.normalize("NFKC", text.translate(_UNSEEN)).casefold()
    key = " ".join(unicodedata.normalize("NFKC", plain).split())
    return whole[1] if (whole := _WHOLE.fullmatch(key)) else key


class Levels:
    """The levels of a category in one spelling each, found by any other.

    Of two levels that mean yes and no, every word for yes or no is a spelling.

    >>> Levels(["Google", "Direct Traffic"]).find("DIRECT  traffic")
    'Direct Traffic'
    >>> Levels(["Yes", "No"]).find("0")
    'No'
    """

    def __init__(self, levels: Iterable[str]) -> None:
        self._spellings: dict[str, str] = {}
        for level in levels:
            self._spellings.setdefault(level_key(level), level)
        by_truth = {TRUTH.get(key): level for key, level in self._spellings.items()}
        # A letter that stands alone may mean anything.
        alone = len(self._spellings) == 1 and len(next(iter(self._spellings))) == 1
        if None not in by_truth and len(by_truth) == len(self._spellings) and not alone:
            found = {key: by_truth[truth] for key, truth in TRUTH.items() if truth in by_truth}
            self._spellings = found | self._spellings
            self.yes_or_no = bool(by_truth)
        else:
            self.yes_or_no = False
        self.numbers = any(map(_PLAIN.fullmatch, self._spellings))

    def find(self, text: str) -> str | None:
        """The level that a text is a spelling of."""
        return self._spellings.get(level_key(text))


def number(text: str, decimal: str, unit: str) -> float:
    """The number a text stands for. `decimal`: ".", ",", AS_IN_JSON or NOT_KNOWN.

    Thousands may be set apart by point, comma, apostrophe or space; a currency may stand before or
    after; brackets mean minus, as accountants write; "3%" is 0.03, or 3 where the unit is "%"; "1:30:00"
    and "1:30" are hours, minutes and seconds where the unit is seconds.

    >>> number("US$ 1,200.50", ".", ""), number("(3)", ".", ""), number("1:30", ".", "s")
    (1200.5, -3.0, 5400.0)
    >>> number("1.200", ".", ""), number("1.200", ",", "")
    (1.2, 1200.0)
    >>> number("1.200", NOT_KNOWN, "")
    Traceback (most recent call last):
    leadscore.values.NumberError: it may be 1200 or 1.2: which mark is the decimal one?

    Raises NumberError.
    """
    if _PLAIN.fullmatch(text) and (decimal in (".", AS_IN_JSON) or "." not in text):
        return float(text)
    if unit in _SECONDS and (time := _TIME.fullmatch(text)):
        hours, minutes, seconds = (int(part or 0) for part in time.groups())
        return float(3600 * hours + 60 * minutes + seconds)
    found = _DRESSED.fullmatch(text.translate(_ONE_SPELLING).strip())
    if not found or bool(found["open"]) != bool(found["close"]):
        raise NumberError
    signs = found["sign"] + found["inner"] + ("-" if found["open"] else "")
    if len(signs) > 1 or (found["after"] == "%" and found["before"]):
        raise NumberError
    value = _read(found["digits"], decimal)
    if found["after"] == "%" and "%" not in unit:
        value /= 100
    return -value if signs == "-" else value


def _read(digits: str, decimal: str) -> float:
    readings = _readings(digits)
    if decimal in readings:
        return readings[decimal]
    values = sorted(set(readings.values()), reverse=True)
    if not values:
        raise NumberError
    if len(values) > 1:
        thousands, decimals = (f"{value:.10g}" for value in values)
        raise NumberError(f"it may be {thousands} or {decimals}: which mark is the decimal one?")
    return values[0]


def _readings(digits: str) -> dict[str, float]:
    """What digits with marks between them may mean, by the decimal mark."""
    found = {}
    for mark in ".,":
        before, _, fraction = digits.partition(mark)
        whole = _whole(before, mark)
        if whole is not None and (whole or fraction) and (fraction.isdigit() or not fraction):
            found[mark] = float(f"{whole}.{fraction}")
    return found


def _whole(digits: str, decimal: str) -> str | None:
    """Digits without the marks between thousands; None if they stand elsewhere."""
    if digits.isdigit() or not digits:
        return digits
    for mark, grouped in _GROUPED.items():
        if mark != decimal and (grouped.fullmatch(digits) or (mark == "," and _LAKHS.fullmatch(digits))):
            return digits.replace(mark, "")
    return None


def decimal_mark(columns: Iterable[Sequence[str]], delimiter: str) -> str:
    """The decimal mark of a file: the one its cells of numbers show, NOT_KNOWN if they show both.

    If they show none, it is a point where the delimiter is a comma.

    >>> decimal_mark([["1.200", "3,5"], ["7"]], ";")
    ','
    >>> decimal_mark([["1.200"]], ";") == NOT_KNOWN
    True
    """
    shown: set[str] = set()
    for cells in columns:
        for cell in {cell for cell in cells if "." in cell or "," in cell}:
            found = _DRESSED.fullmatch(cell.translate(_ONE_SPELLING).strip())
            readings = _readings(found["digits"]) if found else {}
            if len(readings) == 1:
                shown.update(readings)
    if not shown and delimiter == ",":
        return "."
    return shown.pop() if len(shown) == 1 else NOT_KNOWN
