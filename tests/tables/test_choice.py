"""A choice of columns: those that were named, in their order, in valid CSV."""

import csv
import io
from pathlib import Path

import httpx2
import pytest

from leadscore.tables.choice import Choice, chosen
from leadscore.tables.mapping import TableError
from tests.conftest import Command

LEADS = 'City,"Company; name",TotalVisits\r\nPune,"A, ""x""\r\ny",5\r\nMumbai,B,many\r\nThane,C,900\r\n'


def test_columns_come_as_named(command: Command, tmp_path: Path) -> None:
    """Columns of the file and added ones, in any spelling and order; cells stay whole."""
    source = tmp_path / "leads.csv"
    source.write_text(LEADS, newline="")
    done = command(
        "score", str(source), "--partial", "--sort", "--columns", "SCORE,company-name, city,error"
    )
    rows = list(csv.reader(io.StringIO(done.out.decode(), newline="")))
    assert rows[0] == ["score", "Company; name", "City", "error"]
    assert sorted(row[1] for row in rows[1:3]) == ['A, "x"\r\ny', "C"]
    assert rows[3][:3] == ["", "B", "Mumbai"]
    assert "got 'many'" in rows[3][3]


def test_unknown_column_is_named(command: Command, tmp_path: Path) -> None:
    """What is there is listed; nothing is written."""
    source = tmp_path / "leads.csv"
    source.write_text(LEADS, newline="")
    done = command(
        "score", str(source), "--partial", "--columns", "phone", "-o", str(tmp_path / "out.csv")
    )
    assert done.code == 1
    assert (
        "no column 'phone' to hand back, only City, Company; name, TotalVisits, probability" in done.err
    )
    assert not (tmp_path / "out.csv").exists()


def test_top_and_columns_over_http(client: httpx2.Client) -> None:
    """The best so many leads, with the chosen columns; as JSON lines, too."""
    content = "City,TotalVisits\n" + "".join(f"Pune,{visits}\n" for visits in range(50))
    whole = client.post(
        "/predict/csv?partial=1&sort=score", content=content, headers={"content-type": "text/csv"}
    )
    best = client.post(
        "/predict/csv?partial=1&top=3&columns=score,TotalVisits",
        content=content,
        headers={"content-type": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(whole.text)))[:3]
    assert best.raise_for_status().text.splitlines() == [
        "score,TotalVisits",
        *(f"{row['score']},{row['TotalVisits']}" for row in rows),
    ]
    headers = {"content-type": "text/csv", "accept": "application/x-ndjson"}
    lines = client.post("/predict/csv?partial=1&top=3", content=content, headers=headers)
    assert len(lines.raise_for_status().text.splitlines()) == 1 + 3 + 1
    for query in ("top=0", "columns=nothing"):
        wrong = client.post(f"/predict/csv?partial=1&{query}", content=content, headers=headers)
        assert wrong.status_code == 422


@pytest.mark.parametrize("names", [(), ("", "b")])
def test_choice_of_nothing_is_refused(names: tuple[str, ...]) -> None:
    """No name, and a name that is empty."""
    with pytest.raises(TableError):
        Choice(names, ["a", "b"], ",")


def test_names_are_separated_by_commas() -> None:
    """Blank ones are left out."""
    assert chosen(" score, Total Visits ,,") == ("score", "Total Visits")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("score,grade", b"score,grade\r\n"),
        ("Lead Number,score", b"Lead Number,score\r\n"),
        ("score,name first", b'score,"Name, first"\r\n'),
    ],
)
@pytest.mark.parametrize("name", ["Lead Number", '"Lead Number"', '"Name, first"'])
def test_mark_stands_before_the_columns_chosen(
    client: httpx2.Client, columns: str, expected: bytes, name: str
) -> None:
    """A file that begins with a byte order mark gets one back, in front of the header, whatever column
    is named first, there or here; each value stands below its name.
    """
    others = sorted({"Lead Number", '"Name, first"'} - {name, name.strip('"')})
    header = ",".join([name, *others, "TotalVisits"])
    content = f"\ufeff{header}\r\n" + "7," * len(others) + "7,5\r\n"
    answer = client.post(
        f"/predict/csv?partial=1&columns={columns}",
        content=content.encode(),
        headers={"content-type": "text/csv"},
    )
    head, row = answer.raise_for_status().content.splitlines(keepends=True)
    assert head == b"\xef\xbb\xbf" + expected
    cells = dict(zip(columns.split(","), row.decode().strip().split(","), strict=True))
    assert cells.pop("score").isdigit()
    assert set(cells.values()) <= {"7", *"ABCD"}


def test_score_is_the_new_one_in_a_file_that_has_one(client: httpx2.Client) -> None:
    """An old answer beside a new one would be taken for it: a plain name means the column added."""
    content = "City,Score,score_2,TotalVisits\nPune,old,older,5\n"
    answer = client.post(
        "/predict/csv?partial=1&columns=score,grade,score_2,City&sort=score",
        content=content,
        headers={"content-type": "text/csv"},
    )
    head, row = answer.raise_for_status().text.splitlines()
    assert head == "score_3,grade,score_2,City"
    score, _, before, city = row.split(",")
    assert score.isdigit()
    assert (before, city) == ("older", "Pune")
