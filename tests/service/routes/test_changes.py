"""POST /changes over real sockets: two files in a form, what changed as JSON lines."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import TWIN, Command

CSV = {"content-type": "text/csv"}
LEADS = "Lead Number,TotalVisits,Total Time Spent on Website\n1,2,10\n2,2,1500\n"


def _files(earlier: bytes, today: bytes) -> dict[str, Any]:
    return {"earlier": ("earlier.csv", earlier), "today": ("today.csv", today)}


@pytest.fixture
def download(client: httpx2.Client) -> bytes:
    """The two leads as they were scored."""
    return client.post("/predict/csv?partial=1", content=LEADS, headers=CSV).raise_for_status().content


def test_answer_is_what_the_command_writes(
    client: httpx2.Client, command: Command, tmp_path: Path
) -> None:
    """The shipped leads, the newer half moved on: each change and its reasons, as by `changes`."""
    header, *rows = TWIN.read_text(encoding="utf-8").splitlines()
    today = tmp_path / "today.csv"
    moved = [row.replace(",Google,", ",Reference,") for row in rows[:2000]]
    today.write_text("\n".join([header, *moved, *rows[2000:9000], ""]), encoding="utf-8")
    scored = tmp_path / "scored.csv"
    command("score", str(TWIN), "-o", str(scored))
    table = command("changes", str(scored), str(today)).out.decode().splitlines()
    answer = client.post("/changes", files=_files(scored.read_bytes(), today.read_bytes()))
    head, *leads = map(json.loads, answer.raise_for_status().text.splitlines())
    assert [lead["id"] for lead in leads] == [line.partition(",")[0] for line in table[1:]]
    assert sum(head["counts"].values()) == len(rows)
    assert head["counts"]["gone"] == len(rows) - 9000
    assert head["counts"]["risen"] > 0


@pytest.mark.parametrize(
    ("earlier", "today", "message"),
    [
        (b"", LEADS.encode(), "the earlier file: the file is empty"),
        (b"%PDF-1.7", LEADS.encode(), "the earlier file: this is a PDF"),
        (LEADS.encode(), LEADS.encode(), "the earlier file has no column 'probability'"),
        (None, b"", "today's file: the file is empty"),
        (None, b"a,b\n1,2\n", "today's file: the first line names no column"),
        (None, b"Lead Number,TotalVisits\n7,1\n", "are these the right files"),
    ],
)
def test_useless_files_are_a_422(
    client: httpx2.Client, download: bytes, earlier: bytes | None, today: bytes, message: str
) -> None:
    """The problem says which of the two it is, and what is wrong with it."""
    files = _files(download if earlier is None else earlier, today)
    answer = client.post("/changes?partial=1", files=files)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_few_columns_need_to_be_asked_for(client: httpx2.Client, download: bytes) -> None:
    """Today's file is refused without columns of much weight, as it is to be scored."""
    files = _files(download, LEADS.encode())
    refused = client.post("/changes", files=files)
    assert refused.status_code == 422
    assert "?partial=1" in refused.json()["detail"]
    head = json.loads(client.post("/changes?partial=1", files=files).raise_for_status().text)
    assert head["counts"]["unchanged"] == 2


def test_forms_of_another_kind_are_refused(client: httpx2.Client, download: bytes) -> None:
    """One file, other names, no form, and a parameter that does not exist."""
    assert client.post("/changes", files={"earlier": ("a.csv", download)}).status_code == 422
    other = client.post("/changes", files={"one": ("a.csv", download), "two": ("b.csv", download)})
    assert "earlier and today" in other.json()["detail"]
    assert client.post("/changes", content=download, headers=CSV).status_code == 415
    files = _files(download, LEADS.encode())
    assert client.post("/changes?sort=score", files=files).status_code == 422
    assert client.post("/changes?map=x", files=files).status_code == 422


def test_too_many_leads_are_a_422(
    client: httpx2.Client, download: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than 100,000 leads are sent to the command, before all are scored."""
    many = LEADS + "".join(f"{number},2,10\n" for number in range(3, 100_003))
    answer = client.post("/changes?partial=1", files=_files(download, many.encode()))
    assert answer.status_code == 422
    assert "more than 100,000 leads" in answer.json()["detail"]
