"""Headers of a table find their columns, or it is said why not."""

from collections.abc import Callable

import pytest

from leadscore.dictionary import Dictionary
from leadscore.matching import match


def _sources(capture: Dictionary) -> list[str]:
    return [column.source for column in capture.columns]


@pytest.mark.parametrize(
    "spelled", [str.lower, str.upper, lambda s: s.replace(" ", "_"), "\u200b{}\u00a0".format]
)
def test_every_column_is_found_however_it_is_spelled(
    capture: Dictionary, spelled: Callable[[str], str]
) -> None:
    """The whole header in another spelling is the same header."""
    plain = match(_sources(capture), capture)
    found = match([spelled(source) for source in _sources(capture)], capture)
    assert found.places == plain.places
    assert {"lead_number", "converted", *(c.name for c in capture.features)} <= found.places.keys()
    assert (found.unknown, found.absent, found.errors) == ([], [], [])
    assert len(found.refused) == len(capture.excluded) + 1  # and the target


def test_what_does_not_match_is_told_with_what_may_be_meant(capture: Dictionary) -> None:
    """Unknown and absent columns are listed, and brought together where their names are near."""
    found = match(["City", "Shoe size", "", "Total Visit", "Tags"], capture)
    assert found.places == {"city": 0, "tags": 4}
    assert found.unknown == ["Shoe size", "", "Total Visit"]
    assert found.refused == ["Tags"]
    assert found.suggestions == {"Total Visit": "TotalVisits"}
    assert {c.name for c in found.absent} == {c.name for c in capture.features} - {"city"}


def test_two_headers_of_one_column_are_an_error(capture: Dictionary) -> None:
    """Nobody guesses which of them is meant; columns that are not looked at may be there twice."""
    assert match(["City", "CITY "], capture).errors == ["the columns 'City' and 'CITY' are both 'City'"]
    assert match(["City", "Tags", "tags", "x", "x"], capture).errors == []


def test_mapping_says_what_a_header_is(capture: Dictionary) -> None:
    """A column of any name is read as the one it is mapped to, by name or by header."""
    mapping = {"website visits": "Total Visits", "Town": "city"}
    found = match(["Website Visits", "Town", "Country"], capture, mapping)
    assert found.places == {"total_visits": 0, "city": 1, "country": 2}
    assert (found.unknown, found.errors) == ([], [])


@pytest.mark.parametrize(
    ("mapping", "error"),
    [
        ({"Town": "cities"}, "'Town' cannot be 'cities', expected one of the columns lead_origin"),
        ({"Village": "city"}, "'Village' cannot be 'City': there is no such column"),
        ({"Town": "country"}, "the columns 'Town' and 'Country' are both 'Country'"),
    ],
)
def test_mapping_that_fits_nothing_is_an_error(
    capture: Dictionary, mapping: dict[str, str], error: str
) -> None:
    """A slip in a mapping is named, and no column is silently left out."""
    assert match(["Town", "Country"], capture, mapping).errors[0].startswith(error)
