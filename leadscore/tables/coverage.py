"""What the columns of a file are to the model, and whether they are enough of what it goes by."""

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from leadscore.card import Card
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.mapping import ColumnMap, TableError
from leadscore.tables.workbook import Sheets

MOST_ABSENT: Final = 0.25
"""Of the importance of all columns: a file that lacks more is refused, unless a part is asked for."""

MOST_NAMED: Final = 20  # columns of one kind, where there is no room for all
LONGEST_NAME: Final = 60  # characters, there


class PartialError(TableError):
    """A file lacks too much of what the model goes by."""


def absent_share(columns: ColumnMap, card: Card) -> float:
    """The importance of what a file does not tell, as a share of that of all features, from 0 to 1."""
    return share({feature.name for feature in columns.missing}, card)


def share(names: Collection[str], card: Card) -> float:
    """The importance of some features, as a share of that of all, from 0 to 1."""
    weights = {
        feature.name: card.importance.get(feature.name, 0.0) for feature in card.dictionary.features
    }
    if not any(weights.values()):  # a model file that does not say so
        weights = dict.fromkeys(weights, 1.0)
    return sum(weights[name] for name in names) / sum(weights.values())


def _worth(columns: ColumnMap, card: Card) -> dict[str, float]:
    """The same for each absent column alone, by its name, the one of most weight first."""
    shares = {
        column.name: share(
            {f.name for f in columns.missing if column in (f, *card.dictionary.wholes_of(f))}, card
        )
        for column in columns.absent
    }
    return dict(sorted(shares.items(), key=lambda found: -found[1]))


def check(columns: ColumnMap, card: Card) -> None:
    """PartialError if a file lacks columns worth more than MOST_ABSENT."""
    share = absent_share(columns, card)
    if share > MOST_ABSENT:
        by_weight = [card.dictionary.by_key[name].source for name in _worth(columns, card)]
        hints = "".join(
            f"; did you mean {column!r} by {name!r}?" for name, column in columns.suggestions.items()
        )
        raise PartialError(
            f"the file lacks columns worth {share:.0%} of what the model goes by, at most "
            f"{MOST_ABSENT:.0%} may be absent: {', '.join(by_weight)}{hints}"
        )


def described(columns: ColumnMap, card: Card) -> dict[str, Any]:
    """The columns as JSON: `read`, `refused` and `unknown` by their headers, `absent` by their names;
    `suggestions`: for an unknown header the column it may be.
    """
    read = sorted(columns.positions.values())
    return {
        "read": [columns.names[place].strip() for place in read],
        "absent": [column.name for column in columns.absent],
        "absent_share": round(absent_share(columns, card), 4),
        "refused": list(columns.refused),
        "unknown": list(columns.unknown),
        "suggestions": columns.suggestions,
    }


def looked_at(file: CsvFile, card: Card, sheets: Sheets | None) -> dict[str, Any]:
    """What a file holds, as JSON: its columns, as `described`, and its rows. `worth`: how much of what
    the model goes by each absent column would tell, from 0 to 1. `sheet`: of a workbook the one that was
    read, `sheets` all.
    """
    leads = sum(len(records.texts) for records in file.blocks())
    return {
        "sheet": sheets and sheets.read,
        "sheets": sheets.names if sheets else [],
        "names": [name.strip() for name in file.columns.names],
        "places": file.columns.places,
        **described(file.columns, card),
        "worth": _worth(file.columns, card),
        "enough": absent_share(file.columns, card) <= MOST_ABSENT,
        "delimiter": file.dialect.delimiter,
        "decimal": file.dialect.decimal,
        "leads": leads,
        "left_out": file.furniture.counts,
    }


def header(columns: ColumnMap, card: Card, sheets: Sheets | None = None) -> str:
    """The columns as JSON in ASCII, short enough for a header of HTTP: of each kind the first few. Of a
    workbook also the `sheet` that was read.
    """
    found = ({"sheet": sheets.read} if sheets else {}) | described(columns, card)
    del found["suggestions"]
    short = {key: _first(value) if isinstance(value, list) else value for key, value in found.items()}
    return json.dumps(short, separators=(",", ":"))


def sentences(columns: ColumnMap, card: Card) -> Iterator[str]:
    """The columns as a person is told of them, in lines."""
    found = len(columns.positions)
    yield f"Columns: {found} of the {found + len(columns.absent)} the model reads."
    renamed = []
    for name, place in columns.positions.items():
        header, column = columns.names[place].strip(), card.dictionary.find(name)
        if column and column is not card.dictionary.find(header):
            renamed.append(f"{header} is {column.source}")
    absent = [column.title for column in columns.absent]
    worth = f" ({absent_share(columns, card):.0%} of what the model goes by)" if absent else ""
    unknown = [
        f"{name} (did you mean {columns.suggestions[name]}?)" if name in columns.suggestions else name
        for name in columns.unknown
    ]
    for what, names in (
        ("Read under another name", renamed),
        (f"Not in the file, scored as missing{worth}", absent),
        ("Known to the model and left out on purpose", list(columns.refused)),
        ("Unknown to the model", unknown),
    ):
        if names:
            yield f"{what}: {', '.join(names)}."


def _first(names: Sequence[str]) -> list[str]:
    shown = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..." for name in names]
    more = len(shown) - MOST_NAMED
    return [*shown[:MOST_NAMED], f"and {more} more"] if more > 0 else shown
