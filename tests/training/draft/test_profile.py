"""What a column holds, by its texts."""

import pandas as pd
import pytest

from leadscore.training.draft.profile import profile

LEADS = 300
TENS = [f"{i % 40:02d}" for i in range(LEADS)]


@pytest.mark.parametrize(
    ("name", "cells", "content"),
    [
        ("Visits", [str(i % 40) for i in range(LEADS)], "number"),
        ("Revenue", [f"{i}.5" for i in range(LEADS)], "number"),
        ("Opt in", ["1", "0", ""] * 100, "yes/no"),
        ("Opt in", ["TRUE", "false"] * 150, "yes/no"),
        ("Source", ["Web", "Call", "Fair"] * 100, "category"),
        ("Office", TENS, "code"),
        ("Zip code", [str(10000 + i % 40) for i in range(LEADS)], "code"),
        ("Zip code", [str(10000 + i) for i in range(LEADS)], "text"),
        ("E-mail", [f"a{i}@example.com" for i in range(LEADS)], "email"),
        ("Seen", ["A;B", "B;A", "B", "A;C", "C;A", ""] * 50, "list"),
        ("Place", [f"Town {i}, State {i % 9}" for i in range(LEADS)], "text"),
        ("Place", ["Bonn, Germany", "Lyon, France", "Pisa, Italy"] * 100, "category"),
        ("Note", [f"asked about item {i}" for i in range(LEADS)], "text"),
        ("Gone", ["", "N/A", "-"] * 100, "empty"),
    ],
)
def test_content_of_a_column(name: str, cells: list[str], content: str) -> None:
    """Each kind of column is known by its texts, not by its name alone."""
    assert profile(name, cells).content == content


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("2024-01-31", ("",)),
        ("2024-01-31T09:30:00Z", ("",)),
        ("31.01.2024 09:30", ("%d.%m.%Y %H:%M",)),
        ("31-01-2024", ("%d-%m-%Y",)),
        ("1/31/2024 9:30 PM", ("%m/%d/%Y %I:%M %p",)),
        ("Jan 31, 2024", ("%b %d, %Y",)),
        ("01/02/2024", ("%m/%d/%Y", "%d/%m/%Y")),
    ],
)
def test_format_of_dates_is_found(text: str, formats: tuple[str, ...]) -> None:
    """Also where day and month cannot be told apart: both are kept, for a person to say."""
    assert profile("When", [text] * 5).formats == formats


def test_a_date_that_does_not_fit_makes_no_date() -> None:
    """Training would refuse the column at that row."""
    assert profile("When", ["2024-01-31"] * 50 + ["soon"]).content == "category"


def test_words_among_numbers_are_markers_if_they_are_few() -> None:
    """`unknown` in a column of numbers says that nothing is known; many words make a category."""
    numbers = [str(i % 40) for i in range(LEADS)]
    found = profile("Visits", [*numbers, "unknown"])
    assert (found.content, found.markers) == ("number", ("unknown",))
    assert pd.isna(found.values.iloc[-1])
    assert profile("Visits", [*numbers, *["unknown"] * 50]).content == "category"


def test_what_forms_say_when_nothing_was_chosen_is_blank() -> None:
    """`Select` is no level."""
    found = profile("City", ["Select", "Bonn", "Lyon", "--None--"] * 50)
    assert found.markers == ("Select",)  # any dictionary knows --None--
    assert (found.values == "").sum() == 100


def test_numbers_that_run_along_the_rows_are_a_counter() -> None:
    """Newest first is a counter, too; numbers in any order are none."""
    assert profile("No", [str(9000 - 3 * i) for i in range(LEADS)]).counter
    assert not profile("No", [str(i * 7919 % 1009) for i in range(LEADS)]).counter
