"""A file of leads with their outcomes, scored by a model."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Column, ColumnError, Tensors
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine, Scored
from leadscore.settings import Settings
from leadscore.tables import contents, coverage
from leadscore.tables.csv_file import CsvFile, Records, Rows
from leadscore.tables.mapping import TableError
from leadscore.training.cells import DataError
from leadscore.training.evaluation.figures import Probability, Target

STILL_OPEN: Final = -1
REFUSED: Final = -2


@dataclass(frozen=True)
class Outcomes:
    """The closed leads of a file: n leads whose outcome it tells.

    `probability`, `converted`, shape (n,). `inputs`: of the model, an (n, 1) array per feature.
    `still_open`: leads without an outcome, `refused`: leads that cannot be scored or have
    a label the dictionary does not know; both are left out.
    `absent`: features without a column.
    """

    file: str
    sha256: str
    probability: Probability
    converted: Target
    inputs: Tensors
    still_open: int
    refused: int
    absent: tuple[str, ...]


def read(path: Path, scorer: Scorer, decimal: str | None = None, sheet: str | None = None) -> Outcomes:
    """Read and score a file as `predict.py score` does.

    Raises DataError for a file that cannot be read, lacks the target or much of what the model goes by,
    or has no lead with an outcome.
    """
    engine = Engine(scorer, Settings.max_text)
    target = scorer.card.dictionary.target
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            with contents.text(stream, sheet) as text:
                file = CsvFile(text, scorer.card.dictionary, decimal)
                coverage.check(file.columns, scorer.card)
                place = file.columns.places.get(target.name)
                if place is None:
                    raise TableError(f"no column {target.source!r}, which tells the outcome")
                outcomes, scored = zip(*_blocks(file, engine, place, target), strict=True)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    except TableError as error:
        raise DataError(f"{path}: {error}") from None
    found = np.concatenate(outcomes)
    closed = found >= 0
    if not closed.any():
        labels = " or ".join(map(repr, (*target.positive, *target.negative)))
        raise DataError(f"{path}: no lead has an outcome, expected {labels} in {target.source!r}")
    return Outcomes(
        path.name,
        digest,
        np.concatenate([block.probability for block in scored])[closed],
        found[closed],
        {
            name: np.concatenate([block.inputs[name] for block in scored])[closed]
            for name in scored[0].inputs
        },
        int((found == STILL_OPEN).sum()),
        int((found == REFUSED).sum()),
        tuple(column.title for column in file.columns.absent),
    )


def _blocks(
    file: CsvFile, engine: Engine, place: int, target: Column
) -> Iterator[tuple[NDArray[np.int8], Scored]]:
    """The outcomes of each block of records, and their scores."""
    engine = engine.reading(file.dialect.decimal)
    for records in file.blocks():
        rows = Rows.of(records, file.dialect, file.columns)
        leads = engine.read(rows.columns, len(rows.texts))
        wrong = {*engine.errors(leads), *rows.wrong}
        outcomes = [
            REFUSED if number in wrong else _outcome(target, cells[place])
            for number, cells in enumerate(_cells(records, file, wrong))
        ]
        yield np.array(outcomes, np.int8), engine.score(leads)
    if not file.furniture.passed:
        raise TableError("the file has a header but no leads")


def _cells(records: Records, file: CsvFile, wrong: set[int]) -> Iterator[list[str]]:
    for number, text in enumerate(records.texts):
        cells = records.parsed.get(number) or text.split(file.dialect.delimiter)
        yield cells if number not in wrong else cells + [""] * file.columns.width


def _outcome(target: Column, cell: str) -> int:
    try:
        found = target.outcome(cell)
    except ColumnError:
        return REFUSED
    return STILL_OPEN if found is None else found
