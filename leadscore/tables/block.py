"""Blocks: up to BLOCK leads of a table, scored, as the columns that are added to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine, Leads, Scored
from leadscore.tables.mapping import TableError

BLOCK: Final = 2_000
"""Leads scored in one run: enough to make its fixed costs small, few enough for the CPU's caches."""

DECIMALS: Final = 6
"""Of a probability in a table. Rankings go by the rounded one, so that a reader can repeat them."""

REASONS: Final = 3
"""Given for each lead, unless asked otherwise."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that starts with one


@dataclass(frozen=True)
class Totals:
    """What scored leads add up to; `wrong`: leads with an error, the first of which is `error`."""

    leads: int = 0
    wrong: int = 0
    converts: int = 0
    expected_conversions: float = 0.0
    error: str = ""

    @property
    def nothing(self) -> bool:
        """Whether there were leads, and none could be scored."""
        return 0 < self.leads == self.wrong

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.leads + other.leads,
            self.wrong + other.wrong,
            self.converts + other.converts,
            self.expected_conversions + other.expected_conversions,
            self.error or other.error,
        )


@dataclass(frozen=True)
class Answered:
    """The added columns of n leads.

    `probability`, shape (n,): rounded to DECIMALS, NaN for a lead with an error. `actions`: what to do
    with each lead; None where the dictionary does not say so. `reasons`: n sentences for each rank.
    `warnings` and `errors`: n texts, empty where there is none. A lead with an error has nothing else.
    Texts are safe in a spreadsheet. `scored`: what they are made of.
    """

    probability: NDArray[np.float64]
    score: list[int | None]
    grade: list[str | None]
    converts: list[bool | None]
    actions: list[str | None] | None
    reasons: list[list[str | None]]
    warnings: list[str]
    errors: list[str]
    scored: Scored

    def texts(self) -> list[list[str | None]]:
        """The columns of text that stand between the decision and the warnings."""
        return self.reasons if self.actions is None else [self.actions, *self.reasons]

    def totals(self) -> Totals:
        """What the block adds up to."""
        return Totals(
            leads=len(self.errors),
            wrong=sum(map(bool, self.errors)),
            converts=self.converts.count(True),
            expected_conversions=float(np.nansum(self.probability)),
            error=next(filter(None, self.errors), ""),
        )


def answer(
    engine: Engine,
    leads: Leads,
    reasons: int,
    refused: Mapping[int, str] = MappingProxyType({}),
    note: Callable[[Scored, set[int]], None] = lambda scored, wrong: None,
) -> Answered:
    """Score a block. `refused`: leads that get no answer, and why. `note` is told of what was scored,
    and which of it has an error.
    """
    errors = [""] * len(leads[0])
    for lead, found in engine.errors(leads).items():
        errors[lead] = _joined(map(str, found))
    for lead, why in refused.items():
        errors[lead] = why
    scored = engine.score(leads, reasons, both_sides=True)
    wrong = {lead for lead, error in enumerate(errors) if error}
    note(scored, wrong)
    warnings = [""] * len(errors)
    for lead, cautions in scored.cautions.items():
        warnings[lead] = _joined(text for _, text in cautions)
    answered = Answered(
        probability=np.round(scored.probability, DECIMALS),
        score=list(scored.score),
        grade=list(scored.grade),
        converts=list(scored.converts),
        actions=_actions(scored.grade, engine.card.dictionary.actions),
        reasons=[[guarded(found[rank].text) for found in scored.reasons] for rank in range(reasons)],
        warnings=warnings,
        errors=errors,
        scored=scored,
    )
    for lead in wrong:
        if answered.actions is not None:
            answered.actions[lead] = None
        answered.probability[lead], answered.warnings[lead] = np.nan, ""
        answered.score[lead] = answered.grade[lead] = answered.converts[lead] = None
        for rank in answered.reasons:
            rank[lead] = None
    return answered


def _actions(grades: Iterable[str], actions: Mapping[str, str]) -> list[str | None] | None:
    said = {grade: guarded(action) for grade, action in actions.items()}
    return [said.get(grade) for grade in grades] if actions else None


def check_reasons(reasons: int, scorer: Scorer) -> None:
    """TableError for fewer than no reasons, or more than there are columns."""
    features = len(scorer.card.dictionary.features)
    if not 0 <= reasons <= features:
        raise TableError(f"got {reasons} reasons, expected 0 to {features}, one for each column")


def guarded(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(map(guarded, texts))
