"""The same name in another spelling is the same, another name is not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.names import fold, nearest


@pytest.mark.parametrize(
    "spelling",
    [
        *[
            "Total Visits",
            "total-visits",
            "TOTALVISITS",
            "total_visits",
            "\ufeffTotal Visits",
            "Total.Visits",
        ],
        *["Total\u00a0Visits", "Total\u200bVisits", " Total  Visits: ", "«Total» Visits?"],
        "\uff34otal \uff36isits",  # as wide as Chinese characters
    ],
    ids=ascii,
)
def test_spelling_does_not_matter(spelling: str) -> None:
    """Case, spaces, punctuation and what nobody sees are no part of a name."""
    assert fold(spelling) == "totalvisits"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Visits", "Visit"), ("Größe", "Grobe"), ("年齢", "年数"), ("कि", "का"), ("#", "%"), ("Q1", "Q2")],
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    """Letters, digits and marks of any script tell names apart; signs do where there is no more."""
    assert fold(one) != fold(other)


@pytest.mark.parametrize("composed", ["Größe", "GRÖSSE", "Gro\u0308ße"])
def test_accents_may_be_composed_or_not(composed: str) -> None:
    """A file from a Mac has its accents as characters of their own."""
    assert fold(composed) == "grösse"


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(name: str) -> None:
    """A folded name is a name like any other."""
    assert fold(fold(name)) == fold(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Total Visit", "TotalVisits"),
        ("Website Total Visits", "TotalVisits"),
        ("Lead Sorce", "Lead Source"),
        ("Lead Source (original)", "Lead Source"),
        ("Source", "Lead Source"),
        ("visits", "TotalVisits"),
        ("Date created", "DateCreated (UTC)"),
        ("Spent on Site", "Time spent on site by the lead"),
        ("Shoe size", None),
        ("", None),
        ("x", None),
        ("note", None),  # donotemail
        ("Email", None),
        ("Lead", None),
        ("site", None),
        ("#", None),
        ("...", None),
    ],
)
def test_nearest_name_is_suggested(name: str, meant: str | None) -> None:
    """A slip of the pen and a name with a word more or less are recognised; what is far from all is
    not, nor letters that are no word, nor a word that says little of a name.
    """
    others = ["Do Not Email", "DateCreated (UTC)", "Time spent on site by the lead"]
    assert nearest(name, ["City", "Lead Origin", "Lead Source", "TotalVisits", *others]) == meant


def test_huge_name_is_no_work() -> None:
    """A megabyte of header is compared as fast as a line of it."""
    started = time.process_time()
    assert nearest("x" * 2**20, ["Lead Source"] * 100) is None
    assert time.process_time() - started < 1
