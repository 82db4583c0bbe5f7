"""Meanings: what is remembered of a value is what reading it anew would give."""

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.columns import Column
from leadscore.scoring import meaning
from leadscore.scoring.meaning import SHORT, Meaning, Vocabulary

NUMBER = Column("visits", "Visits", "feature", "number", "capture", "why", minimum=0)
TEXT = Column("city", "City", "feature", "category", "capture", "why", missing=frozenset({"Select"}))
LONGEST = 100  # characters of a value


def _numbers() -> Vocabulary:
    return Vocabulary(NUMBER, {"quantiles": [0, 10]}, LONGEST)


def _texts() -> Vocabulary:
    return Vocabulary(TEXT, {"levels": {"Mumbai": 0.7, "Pune": 0.3}}, LONGEST)


def _remembered(vocabulary: Vocabulary) -> int:
    return len(vocabulary._memory)


def _plain(found: Meaning) -> tuple[object, ...]:
    """A meaning that can be compared: two errors are never equal."""
    return (type(found.value), repr(found.value), found.subject, found.caution, str(found.error))


@pytest.mark.parametrize("values", [*itertools.permutations([True, 1, 1.0])], ids=str)
def test_equal_values_of_other_types_share_no_memory(values: tuple[object, ...]) -> None:
    """True is no number, whether 1 or 1.0, its equals, were read before, after or in the same list."""
    one_by_one, together = _numbers(), _numbers()
    for reading in (
        [found for value in values for found in one_by_one.read([value])],
        together.read(values),
        together.read(values),
    ):
        wrong = [value for value, found in zip(values, reading, strict=True) if found.error]
        assert wrong == [True]
        assert type(wrong[0]) is bool
        assert [found.value for found in reading if not found.error] == [1.0, 1.0]


@pytest.mark.parametrize("value", [[], {}, [5], {"a": 1}, set()], ids=repr)
@pytest.mark.parametrize("vocabulary", [_numbers, _texts], ids=["number", "text"])
def test_values_that_cannot_be_remembered_are_errors(
    vocabulary: Callable[[], Vocabulary], value: object
) -> None:
    """A list or an object is an error of its own, alone or between values that are read."""
    found = vocabulary()
    right = 5 if vocabulary is _numbers else "Pune"
    for _ in range(2):
        (alone,) = found.read([value])
        before, between, after = found.read([right, value, right])
        for wrong in (alone, between):
            assert wrong.error is not None
            assert wrong.error.value is value
        assert (before.value, after.value) == (right, right)
    assert _remembered(found) <= 1


def test_errors_are_not_remembered() -> None:
    """A caller who sends ever new wrong values fills no memory."""
    found = _numbers()
    for number in range(100):
        (wrong,) = found.read([-1 - number])
        assert wrong.error is not None
        assert wrong.error.value == -1 - number
    assert _remembered(found) == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who sends ever new values fills no memory, neither with many nor with long ones."""
    monkeypatch.setattr(meaning, "REMEMBERED", 50)
    found = _texts()
    for number in range(500):
        found.read([f"city {number}"])
        assert _remembered(found) <= 50
    before = _remembered(found)
    found.read([f"{number:<{SHORT + 1}}x" for number in range(100)])
    assert _remembered(found) == before


ODD = st.none() | st.booleans() | st.integers(-2, 12) | st.floats(-2, 12) | st.text("aP 1-.", max_size=3)


@given(st.lists(ODD | st.sampled_from(["Select", "Pune", "x" * 101, math.nan, math.inf, [], "\ud800"])))
def test_forgetting_changes_no_meaning(values: list[object]) -> None:
    """However few values are remembered, each list is read as if it were the first."""
    usual, meaning.REMEMBERED = meaning.REMEMBERED, 3  # type: ignore[misc]
    try:
        for vocabulary in (_numbers(), _texts()):
            for read in (values, values[::-1], values):
                expected = [_plain(vocabulary.meaning(value)) for value in read]
                assert [_plain(found) for found in vocabulary.read(read)] == expected
    finally:
        meaning.REMEMBERED = usual  # type: ignore[misc]


def test_threads_share_a_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread forgets, the others read what they would read alone."""
    monkeypatch.setattr(meaning, "REMEMBERED", 5)
    found = _numbers()

    def read(start: int) -> list[float | str]:
        return [entry.value for entry in found.read([start + step for step in range(200)])]

    with ThreadPoolExecutor(8) as pool:
        for start, values in enumerate(pool.map(read, range(300))):
            assert values == [start + step for step in range(200)]


def test_error_counts_as_missing_and_is_called_by_the_header() -> None:
    """What a column does not take has no value and no caution; its column is called by its header."""
    for wrong in (_numbers().meaning("many"), _texts().meaning("x" * (LONGEST + 1))):
        assert wrong.value == "" or math.isnan(float(wrong.value))
        assert wrong.caution is None
        assert wrong.error is not None
        assert wrong.error.column in {"Visits", "City"}
    assert "text of at most 100 characters" in str(wrong.error)


@pytest.mark.parametrize(
    ("vocabulary", "value", "caution"),
    [
        (_texts(), "Pune", None),
        (_texts(), "Select", None),
        (_texts(), "Goa", "City “Goa” is new to the model, which takes it for “Mumbai”."),
        (Vocabulary(TEXT, {"levels": {}}, 9), "Goa", "City “Goa” is new to the model."),
        (_numbers(), 10, None),
        (_numbers(), 11, "Visits 11 is outside what the model has seen (0 to 10)."),
        (
            Vocabulary(NUMBER, {"quantiles": []}, 9),
            3,
            "Visits 3 is outside what the model has seen (no number).",
        ),
    ],
)
def test_what_training_has_not_seen_is_told(
    vocabulary: Vocabulary, value: object, caution: str | None
) -> None:
    """A new level and a number out of range are cautions, also where training has seen none at all."""
    assert vocabulary.meaning(value).caution == caution
