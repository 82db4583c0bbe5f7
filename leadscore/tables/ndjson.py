"""Records handed back as JSON, a line each: their cells and the answers. The page reads them.

The first line has the `columns` of the file; then comes one line a lead; the last has the `proof`, the
figures on leads whose outcome the file tells, null if it tells none.

A lead's `values` are those that were scored, where its cells do not already say them as JSON does: of
"1.200" with a decimal comma 1200, of "google" the level "Google", null of what counts as missing. With
them in place of the cells, `POST /predict` gives the same answer.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from leadscore.columns import Column, ColumnError, Value
from leadscore.proof import Proof
from leadscore.scoring.engine import Engine, Leads, Scored
from leadscore.scoring.phrases import missing
from leadscore.tables.block import DECIMALS, Answered, answer
from leadscore.tables.csv_answers import Lines
from leadscore.tables.csv_file import CsvFile, Records, Rows, cells_of
from leadscore.values import TRUTH, level_key

MEDIA_TYPE: Final = "application/x-ndjson"

_dumps: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class NdjsonScorer:
    """Scores the records of one file, a block at a time. `note`: see `block.answer`."""

    def __init__(
        self,
        engine: Engine,
        file: CsvFile,
        reasons: int,
        note: Callable[[Scored, set[int]], None] = lambda scored, wrong: None,
    ) -> None:
        self._engine, self._reasons, self._note = engine.reading(file.dialect.decimal), reasons, note
        self._dialect, self._columns = file.dialect, file.columns
        self._names = [column.name for column in engine.features]
        self._known = _known(file, engine)
        dictionary = engine.card.dictionary
        self._target = self._place(dictionary.target)
        self._consents = {c.title: self._place(c) for c in dictionary.consents}
        self._proof = Proof(engine.card)

    def head(self, training_data: bool) -> bytes:
        """The first line. `training_data`: whether the model has learned from this very file."""
        columns = [
            {"name": name.strip(), "column": column and column.name, "role": column and column.role}
            for name, column in zip(self._columns.names, self._known, strict=True)
        ]
        return _line(
            {
                "columns": columns,
                "delimiter": self._dialect.delimiter,
                "training_data": training_data,
                "model_version": self._engine.card.version,
            }
        )

    def score(self, records: Records) -> Lines:
        """Score a block of records."""
        rows = Rows.of(records, self._dialect, self._columns)
        leads = self._engine.read(rows.columns, len(rows.texts))
        answered = answer(self._engine, leads, self._reasons, rows.wrong, self._note)
        cells = list(cells_of(records, rows, self._dialect, self._columns))
        outcomes = [self._outcome(row) for row in cells]
        self._prove(answered, outcomes, leads)
        values = self._values(rows, leads)
        lines = [
            _line(self._lead(lead, row, values[lead], answered, outcome))
            for lead, (row, outcome) in enumerate(zip(cells, outcomes, strict=True))
        ]
        ends = np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)))
        return Lines(b"".join(lines), ends, answered.probability, answered.totals())

    def foot(self) -> bytes:
        """The last line."""
        return _line({"proof": self._proof.to_dict()})

    def _place(self, column: Column) -> int | None:
        return next((place for place, known in enumerate(self._known) if known is column), None)

    def _outcome(self, cells: list[str]) -> bool | None:
        """Whether a lead has converted; None if the file does not say so."""
        if self._target is None:
            return None
        try:
            found = self._engine.card.dictionary.target.outcome(cells[self._target])
        except ColumnError:
            return None
        return None if found is None else bool(found)

    def _prove(self, answered: Answered, outcomes: list[bool | None], leads: Leads) -> None:
        closed = [n for n, known in enumerate(outcomes) if known is not None and not answered.errors[n]]
        if closed:
            self._proof.add(
                answered.probability[closed].tolist(),
                [bool(outcomes[lead]) for lead in closed],
                {
                    name: [str(leads[self._names.index(name)][lead].value) for lead in closed]
                    for name in self._proof.channels
                },
            )

    def _values(self, rows: Rows, leads: Leads) -> list[dict[str, Value | None]]:
        """Of each lead the values that its cells do not say as JSON does, by the columns' names."""
        found: list[dict[str, Value | None]] = [{} for _ in rows.texts]
        for name, meanings in zip(self._names, leads, strict=False):
            cells = rows.columns.get(name, ())
            for lead, (cell, meaning) in enumerate(zip(cells, meanings, strict=False)):
                if cell.strip() != _plain(meaning.value):
                    found[lead][name] = None if missing(meaning.value) else meaning.value
        return found

    def _lead(
        self,
        lead: int,
        cells: list[str],
        values: dict[str, Value | None],
        answered: Answered,
        outcome: bool | None,
    ) -> dict[str, Any]:
        if answered.errors[lead]:
            return {"cells": cells, "error": answered.errors[lead]}
        reasons = answered.scored.reasons[lead] if self._reasons else ()
        line = {
            "cells": cells,
            "probability": round(float(answered.probability[lead]), DECIMALS),
            "score": answered.score[lead],
            "grade": answered.grade[lead],
            "converts": answered.converts[lead],
            "reasons": [
                {"column": self._names[feature], "points": round(points, 2), "text": text}
                for feature, _, points, text in reasons
            ],
        }
        if values:
            line["values"] = values
        if answered.warnings[lead]:
            line["warnings"] = answered.warnings[lead]
        if outcome is not None:
            line["converted"] = outcome
        if consents := [name for name, at in self._consents.items() if _says_yes(cells, at)]:
            line["left_alone"] = consents
        return line


def _known(file: CsvFile, engine: Engine) -> list[Column | None]:
    """For each column of the file, the one of the dictionary it is."""
    dictionary = engine.card.dictionary
    by_place = {place: dictionary.by_key[name] for name, place in file.columns.places.items()}
    return [by_place.get(n) or dictionary.find(name) for n, name in enumerate(file.columns.names)]


def _plain(value: Value) -> str:
    """A value as a cell says it that needs no reading."""
    if missing(value):
        return ""
    return value if isinstance(value, str) else str(value).removesuffix(".0")


def _says_yes(cells: list[str], place: int | None) -> bool:
    return place is not None and TRUTH.get(level_key(cells[place]), False)


def _line(document: dict[str, Any]) -> bytes:
    return f"{_dumps(document)}\n".encode()
