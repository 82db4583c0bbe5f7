"""Files as CRMs and spreadsheets write them end in the right answer, at every door."""

import csv
import io
from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import CASES, Command, Serve

CSV = {"content-type": "text/csv"}


@pytest.fixture(scope="module")
def service(serve: Serve, crm: object) -> Iterator[httpx2.Client]:
    """The service with the model that the cases are for."""
    with serve(LEADSCORE_MODEL=str(crm)) as client:
        yield client


def _answers(content: bytes) -> dict[str, str]:
    """The probability of each lead by its id; empty where there is an error."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return {row["Lead ID"]: row["probability"] for row in rows}


@pytest.mark.parametrize(
    ("name", "leads", "said"),
    [
        ("04_blank_rows", ["A1", "A2", "A3"], "5 blank rows"),
        ("04_salesforce_footer", ["A1"], "1 blank row, 1 row of totals, 1 line below the leads"),
        ("04_total_row", ["A1", "A2", "A3"], "1 row of totals"),
        ("06_sep_line", ["A1", "A2", "A3"], "Scored 3 leads"),
        ("06_title_rows", ["A1", "A2", "A3"], "1 line above the header"),
    ],
)
def test_file_is_read_as_its_reader_means_it(
    command: Command, crm: object, service: httpx2.Client, name: str, leads: list[str], said: str
) -> None:
    """The leads and nothing else are scored, the same by command and over HTTP, and what is left out is
    told.
    """
    path = CASES / f"{name}.csv"
    done = command("score", str(path), LEADSCORE_MODEL=str(crm))
    assert done.code == 0
    assert said in done.err
    answers = _answers(done.out)
    assert list(answers) == leads
    assert all(answers.values())
    answer = service.post("/predict/csv", content=path.read_bytes(), headers=CSV).raise_for_status()
    assert answer.content == done.out
