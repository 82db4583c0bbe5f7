"""Rankings keep what is equal in order and what is wrong at the end."""

import io

import numpy as np
import pytest

from leadscore.tables.block import BLOCK, Totals
from leadscore.tables.csv_answers import Lines
from leadscore.tables.ranking import All, Best

RANDOM = np.random.default_rng(0)
PROBABILITY = np.where(RANDOM.random(3 * BLOCK) < 0.1, np.nan, RANDOM.integers(0, 50, 3 * BLOCK) / 50)
LINES = [f"{index} é\n" for index in range(len(PROBABILITY))]


def _ranked(ranking: All | Best) -> str:
    for start in range(0, len(LINES), BLOCK - 7):
        part = slice(start, start + BLOCK - 7)
        lines = [line.encode() for line in LINES[part]]
        ends = np.cumsum([len(line) for line in lines])
        ranking.add(Lines(b"".join(lines), ends, PROBABILITY[part], Totals()))
    return b"".join(ranking.pieces()).decode()


def _expected() -> list[str]:
    good = [index for index in range(len(LINES)) if not np.isnan(PROBABILITY[index])]
    wrong = [index for index in range(len(LINES)) if np.isnan(PROBABILITY[index])]
    return [LINES[index] for index in (*sorted(good, key=lambda index: -PROBABILITY[index]), *wrong)]


def test_all_lines_are_ranked() -> None:
    """The best first, equal ones in the order they came, errors last."""
    assert _ranked(All(io.BytesIO())) == "".join(_expected())


@pytest.mark.parametrize("count", [0, 1, 50, len(LINES), len(LINES) + 1])
def test_best_lines_are_the_first_of_all(count: int) -> None:
    """Any number of best lines, held in memory or in a file, also none and more than there are."""
    expected = "".join(_expected()[:count])
    assert _ranked(Best(count)) == expected
    assert _ranked(All(io.BytesIO(), count)) == expected


def test_nothing_ranks_as_nothing() -> None:
    """A file without rows."""
    assert list(All(io.BytesIO()).pieces()) == []
    assert b"".join(Best(5).pieces()) == b""
