"""Exports as CRMs write them train, or the error says what to write into the dictionary."""

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

from leadscore.dictionary import Dictionary
from leadscore.training.cells import DataError
from leadscore.training.dataset import Dataset, load, row_groups
from tests.conftest import CASES

HEADER, *ROWS = csv.reader((CASES / "base.csv").read_text(encoding="utf-8").splitlines())
TOML = (CASES / "crm.toml").read_text(encoding="utf-8")
BLOCK = """
[[column]]
name = "{name}"
source = "{name}"
role = "{role}"
kind = "category"
known = "contacted"
"""

Write = Callable[..., tuple[Path, Dictionary]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the made-up export with other cells, and its dictionary with other entries."""

    def written(columns: dict[str, list[str]], toml: str = TOML) -> tuple[Path, Dictionary]:
        header = [*HEADER, *(name for name in columns if name not in HEADER)]
        plain = dict(zip(HEADER, zip(*ROWS, strict=True), strict=True)) | columns
        path, dictionary = tmp_path / "leads.csv", tmp_path / "columns.toml"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *zip(*(plain[name] for name in header), strict=True)])
        dictionary.write_text(toml, encoding="utf-8")
        return path, Dictionary.load(dictionary)

    return written


@pytest.fixture(scope="module")
def base() -> Dataset:
    """The made-up export as it is."""
    return load(CASES / "base.csv", Dictionary.load(CASES / "crm.toml"))


def _column(name: str) -> list[str]:
    return [row[HEADER.index(name)] for row in ROWS]


def _same(found: Dataset, base: Dataset) -> bool:
    return found.features.equals(base.features) and np.array_equal(found.target, base.target)


@pytest.mark.parametrize("role", ["excluded", "ignored", "id"])
@pytest.mark.parametrize(
    "cells",
    [
        [f"lead{n}@example.com" for n in range(len(ROWS))],
        ["" if n % 2 else f"+1 555 {n:04}" for n in range(len(ROWS))],
        ["the same"] * len(ROWS),
        [],
    ],
    ids=["unique", "half blank", "constant", "absent"],
)
@pytest.mark.parametrize("everything", [False, True])
def test_columns_that_are_not_read_may_hold_anything(
    write: Write, base: Dataset, role: str, cells: list[str], everything: bool
) -> None:
    """E-mail addresses, telephone numbers and remarks are not looked at, and need not be there."""
    columns = {"Contact": cells} if cells else {}
    path, dictionary = write(columns, TOML + BLOCK.format(name="contact", role=role))
    found = load(path, dictionary, everything=everything)
    assert _same(found.narrow(dictionary), base)
    assert found.unlisted == ()


def test_columns_the_dictionary_does_not_list_are_told(write: Write, base: Dataset) -> None:
    """They are ignored, and whoever trains is told which they are."""
    found = load(*write({"Owner": _column("Lead ID"), "": _column("Visits")}))
    assert _same(found, base)
    assert found.unlisted == ("Owner",)


@pytest.mark.parametrize("missing", ["", "missing = []"])
def test_markers_need_not_be_given(write: Write, base: Dataset, missing: str) -> None:
    """A dictionary without markers of its own is complete, also after a way through a model file."""
    path, dictionary = write({}, re.sub("^missing = .*$", missing, TOML, flags=re.MULTILINE))
    assert _same(load(path, Dictionary.from_dict(dictionary.to_dict())), base)


def test_thousands_and_words_train_as_plain_cells(write: Write, base: Dataset) -> None:
    """Notations that serving reads, training reads to the same values."""
    money = [f"$ {float(cell):,.2f}" if cell else "N/A" for cell in _column("Annual Revenue")]
    opted = [{"1": "TRUE", "0": "No"}.get(cell, "-") for cell in _column("Email Opt In")]
    sources = [cell.upper() if n % 3 else f" {cell} " for n, cell in enumerate(_column("Lead Source"))]
    found = load(*write({"Annual Revenue": money, "Email Opt In": opted, "Lead Source": sources}))
    numbers = [column.name for column in base.dictionary.features if column.kind == "number"]
    assert found.features[numbers].equals(base.features[numbers])
    for column in found.dictionary.features:
        if column.kind == "category":
            pairs = set(zip(found.features[column.name], base.features[column.name], strict=True))
            assert len(pairs) == base.features[column.name].nunique(), column.name


def _stages(cells: list[str]) -> list[str]:
    return [
        ("Nurturing" if n % 5 == 0 else "Won" if cell == "1" else "lost") for n, cell in enumerate(cells)
    ]


@pytest.mark.parametrize(
    ("labels", "cells"),
    [
        ("positive = 1\nnegative = 0", lambda cells: cells),
        ('positive = "Yes"\nnegative = "No"', lambda cells: [("no", "YES")[int(c)] for c in cells]),
        (
            'positive = ["A", "B"]\nnegative = "C"',
            lambda cells: [("C", "ab"[len(c) % 2])[int(c)] for c in cells],
        ),
    ],
)
def test_labels_train_in_any_spelling(
    write: Write, base: Dataset, labels: str, cells: Callable[[list[str]], list[str]]
) -> None:
    """Numbers, several labels and mixed case are one outcome each."""
    toml = TOML.replace('positive = "1"\nnegative = "0"', labels)
    assert toml != TOML or "1" in labels
    assert _same(load(*write({"Converted": cells(_column("Converted"))}, toml)), base)


def test_open_leads_are_left_out_and_counted(write: Write) -> None:
    """A lead whose outcome is not known yet, by its label or by a blank, is not learned from."""
    labels = 'positive = "Won"\nnegative = "Lost"'
    toml = TOML.replace('positive = "1"\nnegative = "0"', labels)
    stages = _stages(_column("Converted"))
    with pytest.raises(DataError, match=r"row 2: got 'Nurturing'.*open lists the labels"):
        load(*write({"Converted": stages}, toml))
    found = load(*write({"Converted": stages}, f'{toml}\nopen = ["Nurturing"]\n'))
    blank = load(*write({"Converted": ["" if s == "Nurturing" else s for s in stages]}, toml))
    assert found.open == blank.open == stages.count("Nurturing")
    assert len(found) == len(stages) - found.open
    assert _same(found, blank)
    assert found.target.sum() == stages.count("Won")


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%B %d, %Y %H:%M:%S"])
def test_clock_takes_a_format(write: Write, base: Dataset, form: str) -> None:
    """Dates of any notation order the leads; without their format the error says what to write."""
    moments = [f"{np.datetime64(cell).item():{form}}" for cell in _column("Created Date")]
    toml = TOML.replace("clock = true", f'clock = true\nformat = "{form}"')
    assert _same(load(*write({"Created Date": moments}, toml)), base)
    with pytest.raises(DataError, match=r"column 'Created Date', row 2: got .* format = '%") as caught:
        load(*write({"Created Date": moments}))
    assert repr(form).replace(":%S", "")[:9] in str(caught.value)


def test_without_a_clock_leads_are_split_at_random(write: Write, base: Dataset) -> None:
    """In a random order in which each keeps its place: wherever it stands in the file, and when others
    are added. So the published model has not learned from the leads on which the next one is compared.
    """
    path, dictionary = write({}, TOML.replace("clock = true", ""))
    one = load(path, dictionary)
    assert not one.timed
    assert base.timed
    assert one.tested == "held-out"
    assert not _same(one, base)
    assert sorted(one.features["visits"]) == sorted(base.features["visits"])
    header, *leads = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(leads)]))
    assert _same(load(path, dictionary), one)
    path.write_text("\n".join([header, *leads[: len(leads) * 9 // 10]]))
    fewer, all_of_them = (row_groups(found.newest()[0]) for found in (load(path, dictionary), one))
    assert np.isin(fewer, all_of_them).mean() > 0.9


def test_key_is_unique_and_never_blank(write: Write) -> None:
    """Ids may repeat or be blank; the one that is called the key may not."""
    twice = ["A"] * 2 + _column("Lead ID")[2:]
    blank = [*_column("Lead ID")[:-1], " "]
    keyed = TOML.replace('role = "id"', 'role = "id"\nkey = true', 1)
    for cells, message in ((twice, "row 3: 'A' stands already in row 2"), (blank, "row 901: blank")):
        assert len(load(*write({"Lead ID": cells}))) == len(ROWS)
        with pytest.raises(DataError, match=message):
            load(*write({"Lead ID": cells}, keyed))


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda text: text.replace(",", ";").encode(),
        lambda text: f"sep=,\n{text}".encode(),
        lambda text: ('Leads with status,,,,,,,,\n"As of 2024-11-01 09:00"\n,,,,,,,,\n' + text).encode(),
        lambda text: (text + "Total,,,,99,1.5,3,,\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: gzip.compress(text.encode("utf-8-sig")),
        lambda text: "\n".join(
            f"{n},{line}" if n else f",{line}" for n, line in enumerate(text.split("\n")[:-1])
        ).encode(),
    ],
    ids=["semicolons", "sep line", "titles", "total", "UTF-16", "gzip", "index of pandas"],
)
def test_training_reads_files_as_scoring_does(
    tmp_path: Path, base: Dataset, wrapped: Callable[[str], bytes]
) -> None:
    """Delimiters, encodings, packing, and rows and columns that are none of the data."""
    path = tmp_path / "leads.csv"
    path.write_bytes(wrapped((CASES / "base.csv").read_text(encoding="utf-8")))
    assert _same(load(path, Dictionary.load(CASES / "crm.toml")), base)


def test_workbook_trains_from_the_sheet_that_has_the_leads(tmp_path: Path, base: Dataset) -> None:
    """The first visible one with cells, or the one named; a wrong one is told with those there are."""
    path, dictionary = tmp_path / "leads.xlsx", Dictionary.load(CASES / "crm.toml")
    with xlsxwriter.Workbook(path) as book:
        for name, rows in {"Empty": [], "About": [["Made by me"]], "Leads": [HEADER, *ROWS]}.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    assert _same(load(path, dictionary, sheet="Leads"), base)
    with pytest.raises(
        DataError, match=r"Sheet 'About' was read; the others are Empty, Leads\. --sheet"
    ):
        load(path, dictionary)


def test_decimal_mark_of_training_can_be_said(tmp_path: Path) -> None:
    """Where nothing in the file decides it, the error names both readings, until the reader is told."""
    path, dictionary = tmp_path / "leads.csv", Dictionary.load(CASES / "crm.toml")
    place = HEADER.index("Annual Revenue")
    rows = [[*row[:place], f"{n % 900 + 100}.000", *row[place + 1 :]] for n, row in enumerate(ROWS)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([HEADER, *rows])
    with pytest.raises(DataError, match="it may be 100000 or 100: which mark is the decimal one"):
        load(path, dictionary)
    found = [load(path, dictionary, decimal=mark).features["annual_revenue"].max() for mark in ".,"]
    assert found == [999, 999_000]


def test_lists_as_levels_are_told(write: Write) -> None:
    """Whoever has a column of lists is told its kind."""
    entries = ["Demo", "Webinar", "Trial", "Event", "Mail", "Fair", "Call", "Visit"]
    rng = np.random.default_rng(0)
    cells = [";".join(rng.permutation(entries)[: rng.integers(2, 7)]) for _ in ROWS]
    block = BLOCK.format(name="touch", role="feature")
    with pytest.raises(DataError, match="lists have kind = 'list' and, here, separator = ';'"):
        load(*write({"touch": cells}, TOML + block))
    found = load(*write({"touch": cells}, TOML + block.replace("category", "list")))
    assert sum(column.whole == "touch" for column in found.dictionary.features) == len(entries)


def test_number_that_is_a_clock_says_when(write: Write) -> None:
    """A marker of what is missing is no time: such leads would count as the newest."""
    numbers = [str(number) for number in range(len(ROWS))]
    block = BLOCK.format(name="serial", role="id").replace("category", "number") + "clock = true\n"
    toml = TOML.replace("clock = true\n", "") + block
    assert load(*write({"serial": numbers}, toml)).timed
    with pytest.raises(DataError, match="column 'serial', row 12: got '--None--', expected a value"):
        load(*write({"serial": [*numbers[:10], "--None--", *numbers[11:]]}, toml))


def test_columns_of_which_nothing_is_read_are_no_features(write: Write) -> None:
    """A date without a part is checked and handed back; a model of nothing else is refused in words."""
    kept = [block for block in TOML.split("[[column]]")[1:] if 'role = "feature"' not in block]
    block = BLOCK.format(name="asked", role="feature").replace("category", "date")
    toml = "[[column]]".join(['missing = ["--None--"]\n', *kept]) + block
    with pytest.raises(DataError, match="no column is left to read"):
        load(*write({"asked": ["2024-01-01"] * len(ROWS)}, toml))
