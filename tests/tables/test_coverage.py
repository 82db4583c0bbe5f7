"""A file is never scored by next to nothing without a word."""

import json
import re
from pathlib import Path

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadscore.scorer import Scorer
from leadscore.tables import coverage
from leadscore.tables.mapping import ColumnMap
from tests.conftest import CASES, TWIN, Command
from tests.models import rewritten

CSV = {"content-type": "text/csv"}
FEW = b"TotalVisits,City,Tags,note,Total Time\n5,Pune,x,y,9\n"


def _columns(scorer: Scorer, *names: str) -> ColumnMap:
    return ColumnMap.of(names, scorer.card.dictionary)


def test_share_is_that_of_the_importance(scorer: Scorer) -> None:
    """Of nothing absent it is none, of all but one column it is all but its weight."""
    card = scorer.card
    total = sum(card.importance.values())
    sources = [column.source for column in card.dictionary.features]
    assert coverage.absent_share(_columns(scorer, *sources), card) == 0
    for column in card.dictionary.features:
        share = coverage.absent_share(_columns(scorer, column.name), card)
        assert share == pytest.approx(1 - card.importance[column.name] / total)


def test_share_without_importance_counts_columns() -> None:
    """A model file that does not say how much a column weighs weighs them all alike."""
    scorer = Scorer(rewritten(importance={}))
    assert coverage.absent_share(_columns(scorer, "City"), scorer.card) == pytest.approx(10 / 11)


def test_header_is_short_ascii_whatever_the_file_holds(scorer: Scorer) -> None:
    """Two thousand columns with names of any length and alphabet fit into a header of HTTP."""
    names = ["City", *(f"é\n{number}" * 99 for number in range(2000))]
    text = coverage.header(_columns(scorer, *names), scorer.card)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 16_000
    found = json.loads(text)
    assert found["read"] == ["City"]
    assert found["unknown"][-1] == "and 1980 more"


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_file_without_what_matters_is_refused(command: Command, tmp_path: Path, kind: str) -> None:
    """By command, in every format: the columns are told, nothing is written, --partial scores it."""
    source, target = tmp_path / f"leads.{kind}", tmp_path / f"out.{kind}"
    if kind == "parquet":
        names, cells = (line.split(",") for line in FEW.decode().splitlines())
        pq.write_table(pa.table({name: [cell] for name, cell in zip(names, cells, strict=True)}), source)
    elif kind == "csv":
        source.write_bytes(FEW)
    else:
        command("score", "-", "--partial", "-o", str(source), content=FEW)
    done = command("score", str(source), "-o", str(target))
    assert (done.code, done.out, target.exists()) == (1, b"", False)
    assert "Columns: 2 of the 11 the model reads." in done.err
    assert "Known to the model and left out on purpose: Tags" in done.err
    assert "Total Time (did you mean Total Time Spent on Website?)" in done.err
    assert re.search(r"the file lacks columns worth \d\d% of what the model goes by", done.err)
    assert "--map 'HEADER=COLUMN', or add --partial" in done.err
    done = command("score", str(source), "-o", str(target), "--partial")
    assert (done.code, target.exists()) == (0, True)
    assert re.search(r"\(\d\d% of what the model goes by\)", done.err)


def test_column_can_be_mapped(command: Command, client: httpx2.Client) -> None:
    """A header that no rule finds is the column it is said to be, in place of one that is called so."""
    header, _, rows = TWIN.read_bytes().partition(b"\n")
    rows = b"\n".join(rows.splitlines()[:50]) + b"\n"
    other = header.replace(b"Total Time Spent on Website", b"Seconds = here")
    plain = command("score", "-", content=header + b"\n" + rows)
    assert command("score", "-", content=other + b"\n" + rows).code == 1
    done = command(
        "score", "-", "--map", "Seconds = here=total_time_spent_on_website", content=other + b"\n" + rows
    )
    assert done.out == plain.out.replace(b"Total Time Spent on Website", b"Seconds = here", 1)
    assert "Read under another name: Seconds = here is Total Time Spent on Website." in done.err
    answer = client.post(
        "/predict/csv",
        params={"map": "Seconds = here=Total Time Spent on Website"},
        content=other + b"\n" + rows,
        headers=CSV,
    )
    assert answer.raise_for_status().content == done.out


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("note=no such", "'note' cannot be 'no such', expected one of the columns"),
        ("nothing=City", "there is no such column"),
        ("note=City", "are both 'City'"),
    ],
)
def test_wrong_mapping_is_refused(
    command: Command, client: httpx2.Client, mapping: str, why: str
) -> None:
    """Rather than ignored."""
    done = command("score", "-", "--partial", "--map", mapping, content=FEW)
    assert done.code == 1
    assert why in done.err
    query = {"map": mapping, "partial": "1"}
    refused = client.post("/predict/csv", params=query, content=FEW, headers=CSV)
    assert refused.status_code == 422
    assert why in refused.json()["detail"]


def test_mapping_finds_the_header(command: Command) -> None:
    """Also below a title, if it names no column by itself."""
    content = b"a title\nWhere;note\nPune;x\n"
    assert "names no column" in command("score", "-", content=content).err
    done = command("score", "-", "--partial", "--map", "Where=City", content=content)
    assert done.out.splitlines()[1].startswith(b"Pune;x;0.")


def test_service_refuses_and_tells(client: httpx2.Client) -> None:
    """422 with the list; with partial=1 the same file is scored, and a header says what was read."""
    refused = client.post("/predict/csv", content=FEW, headers=CSV)
    assert refused.status_code == 422
    assert re.search(r"worth \d\d% of what the model goes by", refused.json()["detail"])
    assert "?partial=1" in refused.json()["detail"]
    answer = client.post("/predict/csv?partial=1", content=FEW, headers=CSV).raise_for_status()
    told = json.loads(answer.headers["x-columns"])
    assert told["read"] == ["TotalVisits", "City"]
    assert "total_time_spent_on_website" in told["absent"]
    assert told["refused"] == ["Tags"]
    assert told["unknown"] == ["note", "Total Time"]
    wrong = client.post("/predict/csv?partial=yes", content=FEW, headers=CSV)
    assert (wrong.status_code, "/query/partial" in wrong.text) == (422, True)


def test_dry_run_tells_what_a_file_holds(client: httpx2.Client) -> None:
    """The columns, what may be meant, how many leads, what is left out: nothing is scored or refused."""
    before = client.get("/metrics").text
    content = b"a title\n" + FEW.replace(b",", b";") + b";;\n;;;;\nTotal;;;;9\n"
    found = client.post("/predict/csv?dry_run=1", content=content, headers=CSV).raise_for_status().json()
    assert found["names"] == ["TotalVisits", "City", "Tags", "note", "Total Time"]
    assert found["suggestions"] == {"Total Time": "Total Time Spent on Website"}
    assert (found["enough"], found["delimiter"], found["leads"]) == (False, ";", 1)
    assert found["left_out"] == {"titles": 1, "blanks": 2, "totals": 1, "footers": 0}
    unknown = client.post("/predict/csv?dry_run=1", content=b"a,b\n1,2\n", headers=CSV).json()
    assert (unknown["read"], unknown["absent_share"], unknown["enough"]) == ([], 1, False)
    counted = [line for line in client.get("/metrics").text.splitlines() if "leads_total{" in line]
    assert counted == [line for line in before.splitlines() if "leads_total{" in line]


@pytest.mark.parametrize("rows", [1, 5_000])
def test_file_of_errors_alone_is_no_success(command: Command, client: httpx2.Client, rows: int) -> None:
    """Exit code 1 and a 422 with the first error, instead of an answer that holds nothing else."""
    content = b"TotalVisits,City\n" + b"many,Pune\n" * rows
    done = command("score", "-", "--partial", content=content)
    assert done.code == 1
    assert "no lead could be scored; the first: TotalVisits: got 'many'" in done.err
    refused = client.post("/predict/csv?partial=1", content=content, headers=CSV)
    assert refused.status_code == 422
    assert f"none of its first {rows:,} rows can be scored" in refused.json()["detail"]
    assert "TotalVisits: got 'many'" in refused.json()["detail"]
    answer = client.post("/predict/csv?partial=1", content=content + b"5,Pune\n", headers=CSV)
    assert answer.raise_for_status().text.count("\n") == rows + 2


def test_few_columns_of_a_parquet_file_are_told(command: Command, crm: Path, tmp_path: Path) -> None:
    """The case of a file from which most columns were dropped on the way."""
    source, target = str(CASES / "07_few_columns.parquet"), str(tmp_path / "out.parquet")
    done = command("score", source, "-o", target, LEADSCORE_MODEL=str(crm))
    assert done.code == 1
    assert "the file lacks columns worth" in done.err
