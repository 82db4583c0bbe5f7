"""Which column tells when a lead came in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadscore.training.cells import DataError
from leadscore.training.draft import wording
from leadscore.training.draft.profile import Profile


def clock(profiles: Mapping[str, Profile], asked: str | None) -> tuple[Profile | None, str]:
    """The column that grows with time, if there is one, and what a person has to check of it.

    `asked`: a header that was named. Raises DataError if that is no clock.
    """
    if asked is not None:
        return _fits(profiles[asked]), _day_or_month(profiles[asked])
    dates = [column for column in profiles.values() if column.content == "date" and _complete(column)]
    if dates:
        sounds = {column.source: wording.creation(column.source) for column in dates}
        best = max(dates, key=lambda column: sounds[column.source])
        alone = len(dates) == 1 or list(sounds.values()).count(sounds[best.source]) == 1
        if sounds[best.source] > 0 or (alone and sounds[best.source] == 0):
            return best, _day_or_month(best) or (
                f"Is {best.source!r} the moment the lead came in? If not, name another by --clock."
            )
    for column in profiles.values():
        if column.counter and _complete(column):
            return column, f"Does {column.source!r} grow with time? Its numbers run along the rows."
    return None, "No column tells when a lead came in: training splits the leads at random."


def order(column: Profile | None, leads: int) -> NDArray[np.int64]:
    """The rows from the oldest lead to the newest, shape (leads,); without a clock in random order, as
    a file may be sorted by outcome.
    """
    if column is None:
        return np.random.default_rng(0).permutation(leads)
    key: Any = column.moments if column.content == "date" else column.values
    return np.argsort(key.to_numpy(), kind="stable")


def _fits(column: Profile) -> Profile:
    if column.content not in ("date", "number"):
        raise DataError(
            f"--clock {column.source!r}: {column.content} is no clock, expected numbers or dates like "
            "2024-01-31"
        )
    if not _complete(column):
        blank = len(column.values) - column.present
        raise DataError(f"--clock {column.source!r}: blank for {blank:,} leads, a clock has every lead")
    return column


def _complete(column: Profile) -> bool:
    return column.present == len(column.values)


def _day_or_month(column: Profile) -> str:
    days = [form for form in column.formats if form[:2] in ("%d", "%m")]
    if len({form[:2] for form in days}) < 2:  # noqa: PLR2004
        return ""
    return f"Days and months of {column.source!r} cannot be told apart: is it {' or '.join(days[:2])}?"
