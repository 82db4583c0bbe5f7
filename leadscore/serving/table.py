"""Tables of leads: raw cells in columns -> probabilities, reasons, warnings, errors, a block at a time.

The answers are those of `leadscore.serving.answers`, computed for whole columns: each distinct cell of a
column is read and put into words once and is a code from then on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Column, ColumnError, Tensors
from leadscore.scorer import Scorer
from leadscore.serving.lookup import ROOM, Lookup, Parts
from leadscore.serving.words import NOTHING_KNOWN, Seen, missing, moves, subject

if TYPE_CHECKING:  # of the service, whose libraries take longer to import than 20,000 leads to score
    from leadscore.serving.metrics import Served

BLOCK: Final = 2_000
"""Leads scored in one run: enough to make its fixed costs small, few enough for the CPU's caches."""

DECIMALS: Final = 6
"""Of a probability in a table. Rankings go by the rounded one, so that a reader can repeat them."""

# Distinct cells remembered of each column; then all are forgotten, so that memory stays constant.
REMEMBERED: Final = 20_000

REASONS: Final = 3
"""Given for each lead, unless asked otherwise."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that starts with one


_C = TypeVar("_C")  # the cells of a column


class TableError(ValueError):
    """A table cannot be scored at all; the message says why."""


@dataclass(frozen=True)
class Scored:
    """The answers for a block of n leads.

    `probability` of shape (n,), rounded to DECIMALS, NaN for a lead with an error; `reasons`: one list
    of n sentences for each rank; `warnings` and `errors`: n texts, empty where there is none.
    """

    probability: NDArray[np.float64]
    score: NDArray[np.int64]
    grade: list[str]
    converts: NDArray[np.bool_]
    reasons: list[list[str]]
    warnings: list[str]
    errors: list[str]

    def totals(self) -> "Totals":
        """What the block adds up to."""
        wrong = int(np.count_nonzero(np.isnan(self.probability)))
        return Totals(
            leads=len(self.probability),
            wrong=wrong,
            converts=int(np.count_nonzero(self.converts)),
            expected_conversions=float(np.nansum(self.probability)),
        )


@dataclass(frozen=True)
class Totals:
    """What scored leads add up to; `wrong`: leads with an error."""

    leads: int = 0
    wrong: int = 0
    converts: int = 0
    expected_conversions: float = 0.0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.leads + other.leads,
            self.wrong + other.wrong,
            self.converts + other.converts,
            self.expected_conversions + other.expected_conversions,
        )


class TableScorer:
    """Scores blocks of raw columns by one model; `served` counts the leads. Not for several threads."""

    def __init__(
        self, scorer: Scorer, reasons: int, max_text: int, served: "Served | None" = None
    ) -> None:
        self._scorer, self._reasons, self._served = scorer, reasons, served
        self._features = scorer.card.dictionary.features
        self._cells = _Cells(scorer, max_text)
        grades = scorer.card.grades[::-1]  # worst first, as searchsorted wants them
        self._grades = np.array([entry.grade for entry in grades], dtype=object)
        self._at_least = np.array([entry.at_least for entry in grades])

    def score(
        self,
        columns: Mapping[str, Sequence[object]],
        count: int,
        refused: Mapping[int, str] = MappingProxyType({}),
    ) -> Scored:
        """Score up to BLOCK leads: `count` raw cells for a feature; one that is absent is missing.

        `refused`: leads that get no answer, and why. A lead with an error has nothing else.
        """
        return self.answer(self.encode(columns, count), refused)

    def answer(
        self, codes: NDArray[np.intp], refused: Mapping[int, str] = MappingProxyType({})
    ) -> Scored:
        """Score leads by the codes of their cells; for the rest see `score`."""
        cells = self._cells
        place = np.arange(len(self._features))[:, None]
        inputs = self.inputs(codes)
        probability, contributions = self._scorer.run(inputs)
        errors = _joined(cells.errors, cells.is_wrong, codes, place)
        wrong = np.logical_or.reduce(cells.is_wrong[place, codes], axis=0)
        for index, why in refused.items():
            wrong[index], errors[index] = True, why
        if self._served:
            read = {name: values[~wrong] for name, values in inputs.items()}
            self._served.add(read, probability[~wrong])
        probability[wrong] = np.nan
        warnings = _joined(cells.cautions, cells.is_odd, codes, place)
        for index in np.flatnonzero(cells.is_missing[place, codes].all(axis=0)).tolist():
            warnings[index] = NOTHING_KNOWN
        for index in np.flatnonzero(wrong).tolist():
            warnings[index] = ""
        known = np.where(wrong, 0.0, probability)
        grade = self._grades[np.searchsorted(self._at_least, known, side="right") - 1]
        return Scored(
            probability=np.round(probability, DECIMALS),
            score=np.rint(100 * known).astype(np.int64),
            grade=np.where(wrong, "", grade).tolist(),
            converts=self._scorer.converts(probability),
            reasons=self._sentences(codes, contributions),
            warnings=warnings,
            errors=errors,
        )

    def encode(self, columns: Mapping[str, Sequence[object]], count: int) -> NDArray[np.intp]:
        """The codes of raw cells, shape (features, count)."""
        return self._encoded(columns, count, lambda codes, cells: codes.of(cells, count))

    def encode_text(
        self, columns: Mapping[str, Parts], count: int, read: Callable[[bytes], str]
    ) -> NDArray[np.intp]:
        """As `encode`, of cells that are parts of a text; `read`: the raw cell a part stands for."""
        return self._encoded(columns, count, lambda codes, cells: codes.of_text(cells, read))

    def _encoded(
        self, columns: Mapping[str, _C], count: int, of: "Callable[[_Codes, _C], NDArray[Any]]"
    ) -> NDArray[np.intp]:
        self._cells.forget_if_full()
        codes = np.zeros((len(self._features), count), np.intp)
        for row, column in zip(codes, self._features, strict=True):
            if column.name in columns:
                row[:] = of(self._cells.codes[column.name], columns[column.name])
        return codes

    def inputs(self, codes: NDArray[np.intp]) -> Tensors:
        """What the model reads of coded cells."""
        return {
            column.name: self._cells.inputs[column.name][row].reshape(-1, 1)
            for column, row in zip(self._features, codes, strict=True)
        }

    def _sentences(self, codes: NDArray[np.intp], contributions: NDArray[np.float64]) -> list[list[str]]:
        """For each rank the sentences of all leads, as `words.sentence` puts them."""
        if not self._reasons:
            return []
        order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, : self._reasons].T
        leads = np.arange(len(contributions))
        return [
            [
                f"{who} {moves(effect)}"
                for who, effect in zip(
                    self._cells.subjects[largest, codes[largest, leads]].tolist(),
                    contributions[leads, largest].tolist(),
                    strict=True,
                )
            ]
            for largest in order
        ]


class _Cells:
    """What each distinct raw cell of each feature means; code 0 is a missing cell."""

    def __init__(self, scorer: Scorer, max_text: int) -> None:
        card = scorer.card
        features = card.dictionary.features
        self._max_text = max_text
        self._seen = [Seen(column, card) for column in features]
        shape = (len(features), ROOM)
        self.subjects, self.cautions, self.errors = (np.empty(shape, object) for _ in range(3))
        self.is_wrong, self.is_odd, self.is_missing = (np.zeros(shape, np.bool_) for _ in range(3))
        self.inputs: dict[str, NDArray[Any]] = {
            column.name: np.empty(ROOM, np.float32 if column.kind == "number" else object)
            for column in features
        }
        self.codes = {column.name: _Codes(self, row) for row, column in enumerate(features)}
        for codes in self.codes.values():
            codes[""]

    def forget_if_full(self) -> None:
        """Make room for a block of new cells."""
        for codes in self.codes.values():
            if len(codes) > REMEMBERED:
                codes.clear()
                codes[""]

    def _make_room(self) -> None:
        """For as many codes again."""
        texts = self.subjects, self.cautions, self.errors
        flags = self.is_wrong, self.is_odd, self.is_missing
        self.subjects, self.cautions, self.errors = map(_doubled, texts)
        self.is_wrong, self.is_odd, self.is_missing = map(_doubled, flags)
        self.inputs = {name: _doubled(values) for name, values in self.inputs.items()}

    def read(self, row: int, code: int, raw: object) -> None:
        """Note what a raw cell of feature `row` means."""
        if code == self.is_wrong.shape[1]:
            self._make_room()
        seen = self._seen[row]
        column = seen.column
        error, caution = "", None
        try:
            value = self._value(column, raw)
            caution = seen.caution(value)
        except ColumnError as wrong:
            error = str(ColumnError(column.source, wrong.value, wrong.expected))
            value = column.read(None)
        self.inputs[column.name][code] = value
        self.subjects[row, code] = guarded(subject(column, value))
        self.cautions[row, code], self.is_odd[row, code] = guarded(caution or ""), caution is not None
        self.errors[row, code], self.is_wrong[row, code] = guarded(error), bool(error)
        self.is_missing[row, code] = missing(value) and not error

    def _value(self, column: Column, raw: object) -> float | str:
        if isinstance(raw, str) and len(raw) > self._max_text:
            raise ColumnError(column.source, raw, f"text of at most {self._max_text} characters")
        return column.read(raw)


class _Codes(dict[object, int]):
    """The code of each raw cell of one feature, given when it is first met."""

    def __init__(self, cells: _Cells, row: int) -> None:
        super().__init__()
        self._cells, self._row = cells, row
        self._parts = Lookup()

    def of(self, cells: Sequence[object], count: int) -> NDArray[np.intp]:
        """The codes of so many cells, shape (count,)."""
        return np.fromiter(map(self.__getitem__, cells), np.intp, count)

    def of_text(self, cells: Parts, read: Callable[[bytes], str]) -> NDArray[np.int32]:
        """The same of cells that are parts of a text."""
        return self._parts.codes(cells, lambda part: self[read(part)])

    def clear(self) -> None:
        """Forget all codes."""
        super().clear()
        self._parts.clear()

    def __missing__(self, raw: object) -> int:
        code = len(self)
        self._cells.read(self._row, code, raw)
        self[raw] = code
        return code


def _doubled(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values, np.empty_like(values)], axis=-1)


def check_reasons(reasons: int, scorer: Scorer) -> None:
    """TableError for fewer than no reasons, or more than there are columns."""
    features = len(scorer.card.dictionary.features)
    if not 0 <= reasons <= features:
        raise TableError(f"got {reasons} reasons, expected 0 to {features}, one for each column")


def guarded(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _joined(
    texts: NDArray[Any], flags: NDArray[np.bool_], codes: NDArray[np.intp], place: NDArray[np.intp]
) -> list[str]:
    """For each lead the flagged texts of its cells in one."""
    joined = [""] * codes.shape[1]
    found = flags[place, codes]
    for lead in np.flatnonzero(found.any(axis=0)).tolist():
        rows = np.flatnonzero(found[:, lead])
        joined[lead] = "; ".join(texts[rows, codes[rows, lead]])
    return joined
