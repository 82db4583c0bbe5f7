"""Answers: a probability with its grade, the reasons for it, and what to be careful about."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leadscore.card import Card
from leadscore.columns import Column, Value
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

HARDLY = 1.005  # a factor on the odds below this is not worth a number
NOTHING_KNOWN = "Nothing is known of this lead: every column is missing."


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


class Seen:
    """What training has seen of a column."""

    def __init__(self, column: Column, card: Card) -> None:
        self.column = column
        reference = card.reference[column.name]
        levels = list(reference.get("levels", ()))  # the commonest first
        self._levels, self._commonest = frozenset(levels), next(iter(levels), None)
        quantiles = reference.get("quantiles") or [math.inf, -math.inf]
        self._low, self._high = quantiles[0], quantiles[-1]

    def unusual(self, values: Sequence[Value]) -> list[tuple[int, Value]]:
        """Those of many values that `caution` may have something to say about, with their places."""
        if self.column.kind == "category":
            usual = self._levels
            return [(place, value) for place, value in enumerate(values) if value not in usual]
        low, high = self._low, self._high
        return [(place, value) for place, value in enumerate(values) if not low <= value <= high]

    def caution(self, value: Value) -> str | None:
        """What to say of a value training has not seen."""
        if missing(value):
            return None
        if isinstance(value, str):
            return None if value in self._levels else self._new(value)
        if self._low <= value <= self._high:
            return None
        seen = f"{self._low:,.10g} to {self._high:,.10g}" if self._low <= self._high else "no number"
        return f"{_named(self.column, value)} is outside what the model has seen ({seen})."

    def _new(self, level: str) -> str:
        taken = f", which takes it for “{self._commonest}”" if self._levels else ""
        return f"{_named(self.column, level)} is new to the model{taken}."


def sentence(column: Column, value: Value, effect: float) -> str:
    """A contribution in words: how many times it raises or lowers the odds of converting."""
    return f"{subject(column, value)} {moves(effect)}"


def subject(column: Column, value: Value) -> str:
    """The first half of that sentence: the column and its value."""
    return f"{column.title} is not known, which" if missing(value) else _named(column, value)


def moves(effect: float) -> str:
    """The second half: what an effect in log-odds does."""
    factor = math.exp(abs(effect))
    if factor < HARDLY:
        return "hardly changes the odds"
    return f"{'raises' if effect > 0 else 'lowers'} the odds {factor:.3g} times"


def _named(column: Column, value: Value) -> str:
    if isinstance(value, str):
        return f"{column.title} “{value}”"
    return f"{column.title} {value:,.10g} {column.unit}".rstrip()


def missing(value: Value) -> bool:
    """Whether a clean value says that nothing is known."""
    return not value if isinstance(value, str) else math.isnan(value)


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
