"""Phrases: sentences a salesperson can read."""

import math

import pytest

from leadscore.columns import Column
from leadscore.scoring.phrases import moves, subject

NUMBER = Column("seconds", "Secs", "feature", "number", "capture", "why", label="Time on site", unit="s")
TEXT = Column("source", "Source", "feature", "category", "capture", "why")


@pytest.mark.parametrize(
    ("column", "value", "effect", "text"),
    [
        (NUMBER, 1200.0, math.log(2.5), "Time on site 1,200 s raises the odds 2.5 times"),
        (NUMBER, 2.5, -math.log(3), "Time on site 2.5 s lowers the odds 3 times"),
        (NUMBER, math.nan, -0.3, "Time on site is not known, which lowers the odds 1.35 times"),
        (TEXT, "Google", 0.001, "Source “Google” hardly changes the odds"),
        (TEXT, "", 2.0, "Source is not known, which raises the odds 7.39 times"),
    ],
)
def test_reason_is_a_sentence_a_salesperson_can_read(
    column: Column, value: float | str, effect: float, text: str
) -> None:
    """The column's label, its value with the unit, and the factor on the odds."""
    assert f"{subject(column, value)} {moves(effect)}" == text
