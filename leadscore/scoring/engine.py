"""The engine: raw columns -> meanings -> one run of the graph -> answers.

Every door reads and scores here: JSON, files, tensors, the terminal.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import ColumnError, Tensors, tensor
from leadscore.scorer import Scorer
from leadscore.scoring.meaning import Meaning, Vocabulary
from leadscore.scoring.phrases import NOTHING_KNOWN, missing
from leadscore.scoring.reasons import Reason, ranked
from leadscore.values import AS_IN_JSON

# By place: half the time of by name, where every value of every lead is looked at.
_VALUE, _CAUTION, _ERROR = (
    itemgetter(Meaning._fields.index(name)) for name in ("value", "caution", "error")
)

Leads: TypeAlias = list[list[Meaning]]
"""Leads that were read: for each feature, in the model's order, then for each date, the meaning of each
lead's value.
"""

Caution: TypeAlias = tuple[str | None, str]
"""A column's name, or None for the lead as a whole, and what to be careful about."""


class Scored(NamedTuple):
    """The answers for n leads.

    `inputs`: what the model read. `probability`, shape (n,); `contributions`, shape (n, features), in
    log-odds. `score`, `grade` and `converts`: n of each. `reasons`: those of each lead, the
    strongest first; empty if none were asked for. `cautions`: of each lead that has any.
    """

    inputs: Tensors
    probability: NDArray[np.float64]
    contributions: NDArray[np.float64]
    score: list[int]
    grade: list[str]
    converts: list[bool]
    reasons: list[list[Reason]]
    cautions: dict[int, list[Caution]]


class Engine:
    """Reads and scores leads by one model. Safe to share between threads.

    `max_text`: characters of one value.
    """

    def __init__(self, scorer: Scorer, max_text: int) -> None:
        card = scorer.card
        self.scorer, self.card, self.max_text = scorer, card, max_text
        self.features = card.dictionary.features
        self.dates = tuple(column for column in card.dictionary.wholes if column.kind == "date")
        self.vocabularies = {
            column.name: Vocabulary(column, card.reference[column.name], max_text)
            for column in self.features
        }
        self._of_dates = {column.name: Vocabulary(column, {}, max_text) for column in self.dates}
        self._parts = {
            column.name: (
                tuple(whole.name for whole in wholes),
                Vocabulary(column, card.reference[column.name], max_text, wholes),
            )
            for column in self.features
            if (wholes := card.dictionary.wholes_of(column))
        }
        self._readings = {AS_IN_JSON: self}
        worst_first = card.grades[::-1]
        self._grades = [entry.grade for entry in worst_first]
        self._at_least = [entry.at_least for entry in worst_first]

    def reading(self, decimal: str) -> "Engine":
        """The engine for a table whose numbers have this decimal mark, as in `values.number`."""
        if decimal not in self._readings:
            self._readings[decimal] = other = copy(self)
            other.vocabularies = {
                column.name: Vocabulary(
                    replace(column, decimal=decimal), self.card.reference[column.name], self.max_text
                )
                for column in self.features
            }
        return self._readings[decimal]

    def read(
        self,
        columns: Mapping[str, Any],
        count: int,
        read: Callable[[Vocabulary, Any], list[Meaning]] = Vocabulary.read,
    ) -> Leads:
        """Read `count` raw values of each feature and date; one that is absent is missing. `read`: how
        a vocabulary reads a column; pairs of values come as a list.

        A column of which the model reads parts stands for those of them that are missing.
        """
        found = {
            name: read(vocabulary, columns[name]) if name in columns else [vocabulary.missing] * count
            for name, vocabulary in chain(self.vocabularies.items(), self._of_dates.items())
        }
        for name, (wholes, vocabulary) in self._parts.items():
            if columns.keys() >= set(wholes):
                raw = [columns[whole] for whole in wholes]
                taken = read(vocabulary, raw[0] if len(raw) == 1 else list(zip(*raw, strict=True)))
                own = zip(found[name], taken, strict=True)
                found[name] = [part if _blank(one) else one for one, part in own]
        return list(found.values())

    def reader(self, column: str) -> Vocabulary | None:
        """What says why a raw value of a column is wrong: of many parts of one the first."""
        of_parts = (vocabulary for wholes, vocabulary in self._parts.values() if wholes == (column,))
        return self._of_dates.get(column) or self.vocabularies.get(column) or next(of_parts, None)

    def of_dates(self, leads: Leads) -> Iterable[tuple[str, list[Meaning]]]:
        """The meanings of each date, by its name."""
        return zip(self._of_dates, leads[len(self.features) :], strict=True)

    def errors(self, leads: Leads) -> dict[int, list[ColumnError]]:
        """What is wrong with each lead that cannot be scored; columns are called by their headers."""
        found: dict[int, list[ColumnError]] = {}
        if any(map(_ERROR, chain.from_iterable(leads))):
            for column in leads:
                for lead, meaning in enumerate(column):
                    if meaning.error and not _told(meaning.error, found.get(lead, ())):
                        found.setdefault(lead, []).append(meaning.error)
        return found

    def score(self, leads: Leads, reasons: int = 0, both_sides: bool = False) -> Scored:
        """Score leads, with so many reasons for each, of both sides if so asked: see `reasons.ranked`.
        A value with an error counts as missing.
        """
        leads = leads[: len(self.features)]
        inputs = {
            column.name: tensor(column, list(map(_VALUE, meanings)))
            for column, meanings in zip(self.features, leads, strict=True)
        }
        probability, contributions = self.scorer.run(inputs)
        values = probability.tolist()
        threshold = self.card.threshold.value
        return Scored(
            inputs=inputs,
            probability=probability,
            contributions=contributions,
            score=[round(100 * p) for p in values],
            grade=list(map(self.grade, values)),
            converts=[p >= threshold for p in values],
            reasons=ranked(leads, probability, contributions, self.card.base, reasons, both_sides)
            if reasons
            else [],
            cautions=self._cautions(leads),
        )

    def grade(self, probability: float) -> str:
        """The grade of a probability."""
        return self._grades[bisect_right(self._at_least, probability) - 1]

    def _cautions(self, leads: Leads) -> dict[int, list[Caution]]:
        found: dict[int, list[Caution]] = {}
        unknown: Sequence[int] = range(len(leads[0]))
        for column in leads:
            unknown = [lead for lead in unknown if missing(column[lead].value)]
            if not unknown:
                break
        for lead in unknown:
            found[lead] = [(None, NOTHING_KNOWN)]
        if any(map(_CAUTION, chain.from_iterable(leads))):
            for feature, column in zip(self.features, leads, strict=True):
                for lead, meaning in enumerate(column):
                    if meaning.caution:
                        found.setdefault(lead, []).append((feature.name, meaning.caution))
        return found


def _blank(meaning: Meaning) -> bool:
    return not meaning.error and missing(meaning.value)


def _told(error: ColumnError, errors: Iterable[ColumnError]) -> bool:
    """Whether an error is among others: all parts of a column say the same of a wrong value."""
    return str(error) in map(str, errors)
