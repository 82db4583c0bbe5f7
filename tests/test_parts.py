"""Lists, dates and e-mail addresses are read in parts, and nothing else of them is kept."""

from dataclasses import replace

import pytest

from leadscore.columns import Column, ColumnError
from leadscore.names import fold
from leadscore.parts import COMPANY, FREE, NO, NO_ADDRESS, YES, parts, taken

LIST = Column("touch", "Touch", "feature", "list", "capture", "why")
DATE = Column("came", "Came", "feature", "date", "capture", "why", part=("hour", "weekday", "month"))
MAIL = Column("mail", "E-mail", "feature", "email", "capture", "why")


def test_parts_are_columns_of_their_own() -> None:
    """Each has a name, a header and a kind; no part is there that was not asked for."""
    found = {p.name: (p.source, p.kind) for p in parts(LIST, ["Price list", "Übung", "価格"])}
    assert found == {
        "touch_price_list": ("Touch: Price list", "category"),
        "touch_bung": ("Touch: Übung", "category"),
        "touch_entry_3": ("Touch: 価格", "category"),
    }
    assert [(p.name, p.kind) for p in parts(DATE)] == [
        ("came_hour", "number"),
        ("came_weekday", "category"),
        ("came_month", "category"),
    ]
    assert [p.name for p in parts(MAIL)] == ["mail_kind"]
    assert list(parts(replace(DATE, part=()))) == []


def test_entries_that_differ_in_signs_alone_are_columns_each() -> None:
    """No two of them share a name or a header, in whatever script; each is found by what it is."""
    entries = ["C++", "C#", "C", "café", "caf", "+", "価", "C (2)"]
    found = list(parts(LIST, entries))
    assert [p.name for p in found][:3] == ["touch_c", "touch_c_2", "touch_c_3"]
    assert [p.source for p in found][:3] == ["Touch: C++", "Touch: C# (2)", "Touch: C (3)"]
    assert len({fold(p.name) for p in found}) == len({fold(p.source) for p in found}) == len(entries)
    assert [taken(LIST, p.part[0], "Demo; C#") for p in found] == [NO, YES, *[NO] * 6]


@pytest.mark.parametrize(
    "value", ["Demo; Price  LIST", "price list", ["Demo", "Price list"], " ;price list;"]
)
def test_entries_are_found_in_any_spelling(value: object) -> None:
    """In a text with separators or a list, in any order and case."""
    assert taken(LIST, "Price list", value) == YES
    assert taken(LIST, "Webinar", value) == NO
    assert taken(replace(LIST, separator=","), "Price list", "Demo, price list") == YES


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("someone@gmail.com", FREE),
        (" Some.One+x@Yahoo.co.UK ", FREE),
        ("a@gmx.de", FREE),
        ("a@web.de", FREE),
        ("a@mail.acme.com", COMPANY),
        ("a@notgmail.com", COMPANY),
        ("a@gmail.com.acme.org", COMPANY),
        ("a@münchen.de", COMPANY),
        ("no mail", NO_ADDRESS),
        ("a@b", NO_ADDRESS),
        ("@gmail.com", NO_ADDRESS),
        ("a@b.com, c@d.com", NO_ADDRESS),
    ],
)
def test_address_is_of_a_free_provider_or_a_company(address: str, kind: str) -> None:
    """Nothing more is read of it."""
    assert taken(MAIL, "kind", address) == kind


def test_date_gives_what_was_asked_for() -> None:
    """In the format of the column or, as workbooks hand over dates of any, in ISO 8601."""
    for column, text in (
        (DATE, "2024-02-29T17:30"),
        (replace(DATE, format="%d.%m.%Y %H:%M"), "29.02.2024 17:30"),
        (DATE, "2024-02-29T19:30:00+02:00"),
        (replace(DATE, format="%d.%m.%Y"), "2024-02-29T17:30:00"),
    ):
        found = [taken(column, part, text) for part in DATE.part]
        assert found == [17.0, "Thursday", "February"]


@pytest.mark.parametrize("column", [LIST, DATE, MAIL], ids=lambda column: column.kind)
def test_missing_is_missing_in_every_part(column: Column) -> None:
    """Blank, null and the usual markers."""
    for value in (None, "", " ", "N/A", float("nan")):
        assert taken(column, "month", value) is None


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (LIST, 5, "a list of texts"),
        (LIST, ["Demo", 5], "a list of texts"),
        (DATE, "31.02.2024", "a date like 2024-01-31"),
        (replace(DATE, format="%d.%m.%Y"), "01/31/2024", r"a date like 31\.01\.2024"),
        (replace(DATE, format="%Y-%d-%m"), "2024-01-31", "a date like 2024-31-01"),
        (DATE, "0001-01-01T00:00+05:00", "a date like 2024-01-31"),
        (DATE, 20240131, "a date like 2024-01-31"),
        (MAIL, 5, "text or null"),
    ],
)
def test_what_is_none_is_refused(column: Column, value: object, expected: str) -> None:
    """A wrong type, and a text that is no date."""
    with pytest.raises(ColumnError, match=expected):
        taken(column, "month", value)
