"""Phrases: sentences a salesperson can read."""

import math

import pytest

from leadscore.columns import Column
from leadscore.scoring.phrases import points, subject

NUMBER = Column("seconds", "Secs", "feature", "number", "capture", "why", label="Time on site", unit="s")
TEXT = Column("source", "Source", "feature", "category", "capture", "why")


@pytest.mark.parametrize(
    ("column", "value", "number", "text"),
    [
        (NUMBER, 1214.0, 18, "Time on site 20 min: +18 points"),
        (NUMBER, 7500.0, 18, "Time on site 2 h 5 min: +18 points"),
        (NUMBER, 3590.0, 1, "Time on site 1 h 0 min: +1 point"),
        (NUMBER, 2.5, -3, "Time on site 2.5 s: −3 points"),  # noqa: RUF001
        (NUMBER, math.nan, -1, "Time on site is not known: −1 point"),  # noqa: RUF001
        (TEXT, "Google", 0, "Source “Google”: hardly a point"),
        (TEXT, "", 2, "Source is not known: +2 points"),
    ],
)
def test_reason_is_a_sentence_a_salesperson_can_read(
    column: Column, value: float | str, number: int, text: str
) -> None:
    """The column's label, its value with the unit people say, and its points on the score."""
    assert f"{subject(column, value)}: {points(number)}" == text


def test_new_level_earns_no_points() -> None:
    """What it was counted as is named, and the new one beside it."""
    assert subject(TEXT, "TikTok", "Google") == "Source counted as “Google”, for “TikTok” is new"
