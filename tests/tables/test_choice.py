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
