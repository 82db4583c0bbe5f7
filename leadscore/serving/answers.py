"""Answers: a probability with its grade, the reasons for it, and what to be careful about."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leadscore.columns import Column
from leadscore.scorer import Scorer
from leadscore.serving.leads import Leads
from leadscore.serving.metrics import Served
from leadscore.serving.schema import (
    BatchPrediction,
    Capacity,
    Caution,
    Prediction,
    Reason,
    Summary,
)
from leadscore.serving.words import NOTHING_KNOWN, Seen, missing, sentence


class Answers:
    """Turns requests into answers by one model; `served` counts the leads."""

    def __init__(self, scorer: Scorer, served: Served | None = None) -> None:
        self._scorer, self._card, self._served = scorer, scorer.card, served
        self._features = scorer.card.dictionary.features
        self._seen = [Seen(column, scorer.card) for column in self._features]
        worst_first = scorer.card.grades[::-1]
        self._grades = [entry.grade for entry in worst_first]
        self._at_least = [entry.at_least for entry in worst_first]

    def score(self, leads: Leads) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities and contributions in one run of the graph, as `Scorer.run` returns them."""
        inputs = leads.tensors(self._card.dictionary)
        probability, contributions = self._scorer.run(inputs)
        if self._served:
            self._served.add(inputs, probability)
        return probability, contributions

    def predict(self, leads: Leads, reasons: int) -> list[Prediction]:
        """Score leads; answers in the same order."""
        probability, contributions = self.score(leads)
        threshold = self._card.threshold.value
        return [
            Prediction(
                probability=p,
                score=round(100 * p),
                grade=self.grade(p),
                converts=p >= threshold,
                reasons=why,
                warnings=cautions,
                ids=ids,
                model_version=self._card.version,
            )
            for p, why, cautions, ids in zip(
                probability.tolist(),
                self._reasons(leads, contributions, reasons),
                self._cautions(leads),
                leads.ids,
                strict=True,
            )
        ]

    def predict_batch(self, leads: Leads, reasons: int, calls: int | None) -> BatchPrediction:
        """Score a batch and add it up; `calls`: how many of its leads can be called."""
        found = self.predict(leads, reasons)
        probability = np.sort([answer.probability for answer in found])[::-1]
        grades = Counter(answer.grade for answer in found)
        return BatchPrediction(
            predictions=found,
            summary=Summary(
                leads=len(found),
                converts=sum(answer.converts for answer in found),
                expected_conversions=math.fsum(probability),
                grades={entry.grade: grades[entry.grade] for entry in self._card.grades},
                capacity=None if calls is None else _capacity(probability, calls),
            ),
            model_version=self._card.version,
        )

    def grade(self, probability: float) -> str:
        """The best grade whose probability is reached."""
        return self._grades[bisect_right(self._at_least, probability) - 1]

    def _reasons(
        self, leads: Leads, contributions: NDArray[np.float64], count: int
    ) -> list[list[Reason]]:
        """For each lead the `count` columns with the largest effects."""
        if not count:
            return [[] for _ in contributions]
        return [
            [
                self._reason(self._features[column], leads, lead, shares[column])
                for column in _largest(shares, count)
            ]
            for lead, shares in enumerate(contributions.tolist())
        ]

    def _reason(self, column: Column, leads: Leads, lead: int, effect: float) -> Reason:
        value = leads.columns[column.name][lead]
        known = None if missing(value) else value
        return Reason(column.name, known, effect, sentence(column, value, effect))

    def _cautions(self, leads: Leads) -> list[list[Caution]]:
        """For each lead what to be careful about."""
        found: list[list[Caution]] = [[] for _ in leads.ids]
        nothing: Sequence[int] = range(len(found))
        for values in leads.columns.values():
            nothing = [lead for lead in nothing if missing(values[lead])]
            if not nothing:
                break
        for lead in nothing:
            found[lead].append(Caution(None, NOTHING_KNOWN))
        for seen in self._seen:
            name = seen.column.name
            for lead, value in seen.unusual(leads.columns[name]):
                if text := seen.caution(value):
                    found[lead].append(Caution(name, text))
        return found


def _largest(shares: Sequence[float], count: int) -> list[int]:
    """The places of the `count` largest effects, the largest first."""
    sizes = [abs(share) for share in shares]
    return sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True)[:count]


def _capacity(probability: NDArray[np.float64], calls: int) -> Capacity:
    """Whom to call when `calls` are possible; `probability` is sorted, the best lead first."""
    called = probability[:calls]
    return Capacity(
        calls=len(called),
        probability_from=float(called[-1]),
        expected_conversions=math.fsum(called),
    )
