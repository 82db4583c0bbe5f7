"""The benchmark of tables measures every part of the way from text to text."""

import pytest

from benchmarks import LEADS, table
from leadscore.scoring.engine import Engine


def test_parts_add_up_to_the_whole(engine: Engine) -> None:
    """No part of the way is left out or counted twice."""
    *parts, whole = table.spent(LEADS.read_bytes(), engine).values()
    assert sum(parts) == pytest.approx(whole)
