"""Where the records and cells of CSV text are, found by numpy for some thousand lines at once.

First the marks are found, then those within quotes are left out: the two steps of Langdale and Lemire,
"Parsing Gigabytes of JSON per Second" (VLDB Journal, 2019). Only plain text is understood so: each quote
stands at the edge of a cell, or is one of two within a quoted cell, and lines end alike. What is not
plain is for Python's csv module.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from leadscore.serving.lookup import Parts, Text

LONGEST: Final = 2**20  # bytes of a plain record

QUOTE, NEWLINE, RETURN = b'"\n\r'

Places = NDArray[np.intp]
"""Places in the text, ascending."""


@dataclass(frozen=True)
class Scan:
    """The n records of a plain text, without blank lines.

    `text` ends with a line end; `starts` and `ends` of shape (n,): a record's text without its line end.
    """

    text: Text
    starts: Places
    ends: Places
    _read: NDArray[np.uint8]
    _marks: Places  # delimiters and line ends
    _first: Places  # which mark ends a record's first cell
    _width: int

    @classmethod
    def of(cls, text: bytes, delimiter: str, width: int) -> Self | None:
        """The records of `width` cells each; None if the text is not plain, or has others."""
        if not text.endswith(b"\n"):
            text += b"\n"
        read = np.frombuffer(text, np.uint8)
        quoted = _quoted(read, delimiter)
        if quoted is None or quoted[1].max(initial=0) == len(text):
            return None
        marks = _outside(np.flatnonzero((read == ord(delimiter)) | (read == NEWLINE)), *quoted)
        last = np.flatnonzero(read[marks] == NEWLINE)
        ends = marks[last]
        starts = np.concatenate([[0], ends[:-1] + 1])
        ends = ends - (read[ends - 1] == RETURN)
        filled = ends > starts
        alike = (np.diff(last, prepend=-1)[filled] == width).all()
        if not alike or (ends - starts).max() > LONGEST:
            return None
        return cls(
            Text(text), starts[filled], ends[filled], read, marks, last[filled] - (width - 1), width
        )

    def cells(self, column: int, records: slice) -> Parts:
        """A column's cells, without the quotes around them; each quote within is still two."""
        first = self._first[records] + column
        starts = self._marks[first - 1] + 1 if column else self.starts[records]
        ends = self._marks[first] if column < self._width - 1 else self.ends[records]
        quoted = self._read[starts] == QUOTE
        return Parts(self.text, starts + quoted, ends - starts - 2 * quoted)


def record_ends(text: bytes, delimiter: str) -> Places | None:
    """Behind the line end of each record of a text that ends with a line end; None if it is not plain.

    A quote may be open at the end of the text: the record it is in has no end yet.
    """
    read = np.frombuffer(text, np.uint8)
    if (quoted := _quoted(read, delimiter)) is None:
        return None
    ends = _outside(np.flatnonzero(read == NEWLINE), *quoted) + 1
    return None if np.diff(ends, prepend=0, append=len(text)).max() > LONGEST else ends


def _quoted(read: NDArray[np.uint8], delimiter: str) -> tuple[Places, Places] | None:
    """Where quotes open and close, the last perhaps behind the end; None if the text is not plain."""
    quotes = np.flatnonzero(read == QUOTE)
    opens, closes = quotes[::2], quotes[1::2]
    edge = np.zeros(256, np.bool_)
    edge[[ord(delimiter), NEWLINE]] = True
    opening = edge[read[opens - 1]]  # before the first byte stands the last one, a line end
    edge[RETURN] = True
    closing = edge[read[closes + 1]]
    two = opens[1:] == closes[: len(opens) - 1] + 1
    opening[1:] |= two
    closing[: len(two)] |= two
    if not (opening.all() and closing.all()):
        return None
    if len(opens) > len(closes):
        closes = np.append(closes, len(read))
    returns = _outside(np.flatnonzero(read == RETURN), opens, closes)
    return (opens, closes) if (read[returns + 1] == NEWLINE).all() else None


def _outside(places: Places, opens: Places, closes: Places) -> Places:
    """The places that are not within quotes."""
    if not len(opens) or not len(places):
        return places
    first, behind = np.searchsorted(places, opens), np.searchsorted(places, closes)
    some = first < behind
    within = np.zeros(len(places) + 1, np.int8)
    within[first[some]] += 1
    within[behind[some]] -= 1
    outside = np.cumsum(within[:-1], dtype=np.int8) == 0
    return np.compress(outside, places)
