"""The benchmark of tables measures every part of the way from text to text."""

import pytest

from benchmarks import LEADS, table
from leadscore.scoring.engine import Engine


def test_parts_add_up_to_the_whole(engine: Engine) -> None:
    """Each part takes time, and together they take as long as all of it."""
    *parts, whole = table.spent(LEADS.read_bytes(), engine).values()
    assert all(seconds > 0 for seconds in parts)
    assert sum(parts) == pytest.approx(whole)
