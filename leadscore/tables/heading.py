"""Where the header of a CSV is: below title lines and a `sep=` line, if there are any."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from leadscore.dictionary import Dictionary
from leadscore.names import fold
from leadscore.tables.mapping import UNMAPPED

DELIMITERS: Final = ",;\t|"
BOM: Final = "\ufeff"
LINES: Final = 30  # among which the header is looked for
LONGEST: Final = 2**20  # characters of them
HEADER_LINES: Final = 20  # of one header, whose cells may have line breaks

# Excel's own first line. It names the delimiter and is no part of the table.
_SEP: Final = re.compile(r'"?sep=(.)"?[,;\t|\s]*', re.IGNORECASE)


class Heading(NamedTuple):
    """How a file begins.

    `marked`: with a byte order mark. `titles`: lines above the header that hold something. `lines`: the
    lines from the header on.
    """

    delimiter: str
    marked: bool
    titles: int
    lines: Iterator[str]


def heading(
    lines: Iterator[str], dictionary: Dictionary, mapping: Mapping[str, str] = UNMAPPED
) -> Heading:
    r"""Find the header: of the first lines the one that names the most columns, or the first of these.

    `lines` have no "\n", and may end with "\r". `mapping`: names that are columns, too.
    """
    names = _Names(dictionary, mapping)
    start = _start(lines, names)
    marked = bool(start) and start[0].startswith(BOM)
    if marked:
        start[0] = start[0].removeprefix(BOM)
    delimiters, first = DELIMITERS, 0
    if start and (sep := _SEP.fullmatch(start[0])):
        delimiters, first = sep[1], 1
    choices = [
        (known, -place, cells, mark)
        for place in range(first, len(start))
        for mark in delimiters
        for known, cells in [names.known(start[place:], mark)]
    ]
    # Of equals the first line, and the delimiter of most cells: to "," the line "#;City" is one, "City".
    _, place, _, delimiter = max(choices, key=lambda choice: choice[:3], default=(0, -first, 0, ","))
    above = start[first:-place]
    return Heading(
        delimiter,
        marked,
        sum(not blank(line, delimiter) for line in above),
        chain(start[-place:], lines),
    )


def blank(text: str, delimiter: str) -> bool:
    """Whether all cells of a record are empty."""
    return not text.strip(f'{delimiter}" \t\r\n\u00a0')


class _Names:
    """The names of a dictionary's columns, and those that are mapped to them."""

    def __init__(self, dictionary: Dictionary, mapping: Mapping[str, str]) -> None:
        self._find, self.features = dictionary.find, len(dictionary.features)
        self._mapped = set(map(fold, mapping))

    def known(self, lines: Sequence[str], delimiter: str) -> tuple[int, int]:
        """How many columns a header names that starts with these lines, and how many cells it has."""
        record = (f"{line}\n" for line in islice(lines, HEADER_LINES))
        try:
            names = next(csv.reader(record, delimiter=delimiter, strict=True), [])
        except csv.Error:
            return 0, 0
        return len({self._found(name) for name in names} - {None}), len(names)

    def _found(self, name: str) -> str | None:
        if self._mapped and fold(name) in self._mapped:
            return name
        column = self._find(name)
        return column.name if column else None


def _start(lines: Iterator[str], names: _Names) -> list[str]:
    """The lines to look at: from the first that is not blank to one that surely is a header."""
    start: list[str] = []
    length = 0
    for line in lines:
        if not start and not line.strip("\r"):
            continue
        start.append(line)
        length += len(line)
        # Nothing more is waited for than is needed: the lines may come through a pipe.
        sure, _ = max(names.known([line.removeprefix(BOM)], mark) for mark in DELIMITERS)
        if 2 * sure >= names.features or len(start) == LINES or length > LONGEST:
            break
    return start
