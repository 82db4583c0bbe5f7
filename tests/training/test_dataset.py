"""Reading a CSV: a whole file trains, a broken one never does and says where it is broken."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from leadscore.dictionary import Dictionary
from leadscore.tables.block import BLOCK
from leadscore.tables.csv_file import CHUNK
from leadscore.training.cells import DataError
from leadscore.training.dataset import Dataset, frame, inputs, load, row_groups, spread
from tests.conftest import TWIN

LINES = TWIN.read_text(encoding="utf-8").splitlines()
HEADER = LINES[0].split(",")


@pytest.fixture
def refused(tmp_path: Path, dictionary: Dictionary) -> Callable[[str | bytes], str]:
    """The message with which a file's content is refused."""

    def message(content: str | bytes) -> str:
        path = tmp_path / "leads.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(DataError) as caught:
            load(path, dictionary)
        assert str(caught.value).startswith(f"{path}: ")
        return str(caught.value)

    return message


def _with(column: str, value: str, row: int = 4) -> str:
    """The shipped file with one cell replaced; the header is row 1."""
    cells = LINES[row - 1].split(",")
    cells[HEADER.index(column)] = value
    return "\n".join([*LINES[: row - 1], ",".join(cells), *LINES[row:]])


def test_leads_come_oldest_first(leads: Dataset) -> None:
    """Time runs forward: the newest 20 % are the last ones, whatever the order of the file."""
    assert len(leads) == 9240
    assert len(leads.oldest()[1]) == 7392
    assert len(leads.newest()[1]) == 1848


def test_order_of_rows_and_columns_does_not_matter(tmp_path: Path, capture: Dictionary) -> None:
    """The same leads in another order are the same dataset."""
    rows = [line.split(",") for line in LINES if '"' not in line]
    shuffled = [rows[0], *np.random.default_rng(0).permutation(rows[1:]).tolist()]
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("\n".join(",".join(row) for row in rows))
    paths[1].write_text("\n".join(",".join(reversed(row)) for row in shuffled))
    one, other = (load(path, capture) for path in paths)
    assert one.features.equals(other.features)
    assert np.array_equal(one.target, other.target)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_byte_order_mark_and_line_ends_do_not_matter(
    tmp_path: Path, capture: Dictionary, start: str, line_end: str
) -> None:
    """A file saved by a spreadsheet reads like the one that was exported."""
    path = tmp_path / "leads.csv"
    path.write_bytes((start + line_end.join(LINES) + line_end * 2).encode())
    assert load(path, capture).features.equals(load(TWIN, capture).features)


def test_missing_is_read_as_missing(leads: Dataset) -> None:
    """Blank and 'Select' leave no trace but the missing value."""
    assert not (leads.features == "Select").to_numpy().any()
    assert leads.features["total_visits"].isna().sum() > 0
    assert (leads.features["city"] == "").mean() > 0.3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n \n", "the file is empty"),
        ("\ufeff", "names no column the model reads"),
        (LINES[0], "a header but no leads"),
        ("%PDF-1.7", "this is a PDF"),
        (LINES[0] + "\n" + "1,2,3", "row 2: got 3 cells, expected 37"),
        (LINES[0] + '\n"1', "row 2: this line is not valid CSV: a quote is not closed"),
        (LINES[0] + "\n" + "x" * 2_000_000, "row 2: got 1 cells, expected 37"),
        (LINES[0].replace("Country,", ""), "missing columns ['Country']"),
        (LINES[0].replace("Country", "city"), "'city' and 'City' are both 'City'"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_file_that_is_no_such_table_is_refused(
    refused: Callable[[str | bytes], str], content: str | bytes, message: str
) -> None:
    """What is wrong with the file as a whole is said in one sentence."""
    assert message in refused(content)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Converted", "2", "column 'Converted', row 4: got '2', expected '0' or '1'"),
        (
            "TotalVisits",
            "many",
            "column 'TotalVisits', row 4: got 'many', expected a number of at least 0",
        ),
        ("TotalVisits", "-3", "column 'TotalVisits', row 4: got '-3'"),
        ("Page Views Per Visit", "inf", "column 'Page Views Per Visit', row 4: got 'inf'"),
        ("Lead Number", "", "column 'Lead Number', row 4: blank, expected a value"),
        ("Lead Number", "soon", "column 'Lead Number', row 4: got 'soon'"),
        ("Prospect ID", LINES[1].split(",")[0], "stands already in row 2"),
        ("Prospect ID", " ", "column 'Prospect ID', row 4: blank, expected a value"),
    ],
)
def test_bad_cell_is_named_with_column_row_and_value(
    refused: Callable[[str | bytes], str], column: str, value: str, message: str
) -> None:
    """A broken cell is found in a spreadsheet by what the error says, and never trains."""
    assert message in refused(_with(column, value))


def test_number_of_further_bad_cells_is_told(refused: Callable[[str | bytes], str]) -> None:
    """One bad cell and a thousand are not the same problem."""
    column = HEADER.index("TotalVisits")
    rows = [line.split(",") for line in LINES if '"' not in line]
    for row in rows[1:11]:
        row[column] = "x"
    assert "(and 9 more)" in refused("\n".join(map(",".join, rows)))


def test_kaggle_copies_are_recognised(refused: Callable[[str | bytes], str]) -> None:
    """The broken copies in circulation are called what they are."""
    renamed = "\n".join(
        [LINES[0].replace("What is your current occupation", "Current Occupation"), *LINES[1:]]
    )
    message = refused(renamed)
    assert "did you mean 'What is your current occupation' by 'Current Occupation'" in message
    plain = next(i for i, line in enumerate(LINES[1:], start=1) if '"' not in line)
    quoted = "\n".join([*LINES[:plain], f'"{LINES[plain]}"', *LINES[plain + 1 :]])
    assert f"row {plain + 1}: got 1 cells, expected 37; the whole row stands in one pair" in refused(
        quoted
    )


def test_too_few_of_one_outcome_are_refused(refused: Callable[[str | bytes], str]) -> None:
    """A file in which nobody converts cannot be learned from."""
    column = HEADER.index("Converted")
    rows = [line.split(",") for line in LINES if '"' not in line]
    for row in rows[1:]:
        row[column] = "0"
    assert "column 'Converted': 0 leads are '1', expected at least 50" in refused(
        "\n".join(map(",".join, rows))
    )


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [("oldest 80 %", 0, 0.8), ("newest 20 %", 0.8, 1)],
    ids=["oldest", "newest"],
)
@pytest.mark.parametrize("outcome", ["0", "1"])
def test_one_outcome_among_the_oldest_or_newest_is_refused(
    refused: Callable[[str | bytes], str], part: str, first: float, last: float, outcome: str
) -> None:
    """Enough of both, but none to learn from or to test on."""
    clock, column = HEADER.index("Lead Number"), HEADER.index("Converted")
    header, *rows = [line.split(",") for line in LINES if '"' not in line]
    rows.sort(key=lambda row: int(row[clock]))
    for row in rows[int(first * len(rows)) : int(last * len(rows))]:
        row[column] = outcome
    message = refused("\n".join(map(",".join, [header, *rows])))
    assert f"the {part} of leads all have one outcome" in message


def test_texts_that_name_a_lead_are_no_category(refused: Callable[[str | bytes], str]) -> None:
    """E-mail addresses in place of cities are refused: the model file would carry them about."""
    city = HEADER.index("City")
    rows = [line.split(",") for line in LINES[1:] if '"' not in line]
    for number, row in enumerate(rows):
        row[city] = f"lead{number}@example.com" if number % 3 else ""
    message = refused("\n".join([LINES[0], *map(",".join, rows)]))
    assert "column 'City': " in message
    assert "expected levels that repeat" in message


def test_absent_file_is_an_error_not_a_crash(tmp_path: Path, dictionary: Dictionary) -> None:
    """A wrong path is named."""
    with pytest.raises(DataError, match=r"no_such\.csv: cannot be read"):
        load(tmp_path / "no_such.csv", dictionary)


def test_identical_leads_share_a_group(leads: Dataset) -> None:
    """Cross-validation keeps leads together that no model could tell apart."""
    groups = row_groups(leads.features)
    distinct = len(leads.features.drop_duplicates())
    assert len(set(groups)) == distinct < len(leads)


def test_frame_and_inputs_are_each_other_s_inverse(leads: Dataset) -> None:
    """The pipeline and the graph are given the same values."""
    assert frame(inputs(leads.features, leads.dictionary)).equals(leads.features)
    assert frame({}).empty


def test_shuffled_leads_are_the_same_leads(leads: Dataset) -> None:
    """The random split differs from the temporal one in order alone."""
    shuffled = leads.shuffled(0)
    assert shuffled.target.sum() == leads.target.sum()
    assert sorted(row_groups(shuffled.features)) == sorted(row_groups(leads.features))
    assert not shuffled.features.equals(leads.features)


@pytest.mark.parametrize("most", [1, 2, 1000, 9239, 9240, 10**6])
def test_leads_of_a_sample_are_of_all_times(leads: Dataset, most: int) -> None:
    """Each once, in their order, from the first on, as many from each tenth; all where there are few."""
    rows = spread(len(leads), most)
    assert len(rows) == min(most, len(leads))
    assert rows[0] == 0
    assert (np.diff(rows) > 0).all()
    tenths = np.bincount(rows * 10 // len(leads), minlength=10)
    assert most < 10 or max(tenths) - min(tenths) <= 2
    sample = leads.spread(most)
    assert np.array_equal(sample.target, leads.target[rows])
    assert sample.features.equals(leads.features.iloc[rows].reset_index(drop=True))
    assert (sample is leads) == (most >= len(leads))


def test_no_cell_is_torn_where_a_piece_of_the_file_ends(tmp_path: Path, capture: Dictionary) -> None:
    """A file is read in pieces; a cell in quotes, of many lines, lies across each of their ends."""
    place = HEADER.index("Lead Source")
    rows = [line.split(",") for line in LINES[1:] if '"' not in line]
    text, torn = LINES[0], 0
    for row in rows:
        row[place] = "Google"
        if CHUNK - len(text) % CHUNK < 500:
            row[place] = '"Trade' + "\n" * 1000 + 'Fair"'
            torn += 1
        text += "\n" + ",".join(row)
    assert text.isascii()
    (tmp_path / "leads.csv").write_text(text)
    found = load(tmp_path / "leads.csv", capture)
    assert len(found) == len(rows)
    assert found.features["lead_source"].value_counts().to_dict() == {
        "Google": len(rows) - torn,
        "Trade Fair": torn,
    }
    assert torn >= len(text) // CHUNK > 3


def test_a_level_of_the_last_block_is_a_level(tmp_path: Path, capture: Dictionary) -> None:
    """Levels are those of the whole file, not of the rows that were read first."""
    place = HEADER.index("Lead Source")
    rows = [line.split(",") for line in LINES[1:] if '"' not in line]
    assert len(rows) > 2 * BLOCK
    for row in rows[-20:]:
        row[place] = "Trade Fair"
    (tmp_path / "leads.csv").write_text("\n".join(map(",".join, [HEADER, *rows])))
    found = load(tmp_path / "leads.csv", capture)
    assert (found.features["lead_source"] == "Trade Fair").sum() == 20
    (column,) = (c for c in found.dictionary.features if c.name == "lead_source")
    assert "Trade Fair" in column.levels


def test_each_bad_cell_is_counted_and_the_first_is_named(
    refused: Callable[[str | bytes], str],
) -> None:
    """Also where a text is bad in several rows, although each text is read once."""
    place = HEADER.index("TotalVisits")
    rows = [line.split(",") for line in LINES if '"' not in line]
    for number, text in ((7, "many"), (9, "few"), (11, "many")):
        rows[number][place] = text
    message = refused("\n".join(map(",".join, rows)))
    assert "column 'TotalVisits', row 8: got 'many', expected a number" in message
    assert message.endswith("(and 2 more)")


def test_dates_order_leads_and_need_not_differ(tmp_path: Path, capture: Dictionary) -> None:
    """A clock of dates: several leads a day, in the order of time; what is no ISO date is refused."""
    document = capture.to_dict()
    for block in document["column"]:
        if block.get("clock"):
            block["kind"] = "category"
    dated = Dictionary.from_dict(document)
    place = HEADER.index("Lead Number")
    header, *rows = [line.split(",") for line in LINES if '"' not in line]
    for number, row in enumerate(rows):
        row[place] = ("2023-12-31T23:30", "2024-01-02", "2024-01-02T00:30+01:00")[number % 3]
    path = tmp_path / "dated.csv"
    path.write_text("\n".join(map(",".join, [header, *rows])))
    visits = [float(row[HEADER.index("TotalVisits")] or "nan") for row in rows]
    expected = [*visits[0::3], *visits[2::3], *visits[1::3]]
    assert np.array_equal(load(path, dated).features["total_visits"], expected, equal_nan=True)
    rows[0][place] = "31.12.2023"
    path.write_text("\n".join(map(",".join, [header, *rows])))
    with pytest.raises(DataError, match=r"row 2: got '31\.12\.2023', expected a date like 2024"):
        load(path, dated)
