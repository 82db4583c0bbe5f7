"""Files as CRMs and spreadsheets write them end in the right answer, at every door."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
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
        ("04_blank_rows.csv", ["A1", "A2", "A3"], "5 blank rows"),
        ("04_salesforce_footer.csv", ["A1"], "1 blank row, 1 row of totals, 1 line below the leads"),
        ("04_total_row.csv", ["A1", "A2", "A3"], "1 row of totals"),
        ("06_sep_line.csv", ["A1", "A2", "A3"], "Scored 3 leads"),
        ("06_title_rows.csv", ["A1", "A2", "A3"], "1 line above the header"),
        ("06_leads.xlsx", ["A1", "A2", "A3"], "1 row of totals"),
        ("06_gzipped.csv", ["A1"], "Scored 1 lead "),
    ],
)
def test_file_is_read_as_its_reader_means_it(
    command: Command, crm: object, service: httpx2.Client, name: str, leads: list[str], said: str
) -> None:
    """The leads and nothing else are scored, the same by command and over HTTP, and what is left out is
    told.
    """
    path = CASES / name
    done = command("score", str(path), LEADSCORE_MODEL=str(crm))
    assert done.code == 0
    assert said in done.err
    answers = _answers(done.out)
    assert list(answers) == leads
    assert all(answers.values())
    answer = service.post("/predict/csv", content=path.read_bytes(), headers=CSV).raise_for_status()
    assert answer.content == done.out


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("05_semicolon_decimal_comma", lambda text: text.replace(",", ".").replace(";", ",")),
        ("07_lower_case_header", str.upper),
        (
            "08_boolean_spellings",
            lambda text: re.sub(r"(TRUE|False|0\.0|No)$", _as_number, text, flags=re.MULTILINE),
        ),
    ],
)
def test_another_notation_scores_as_the_plain_one(
    command: Command, crm: object, service: httpx2.Client, name: str, plain: Callable[[str], str]
) -> None:
    """Decimal commas, headers in lower case and words for yes and no change no score, at either door."""
    path = CASES / f"{name}.csv"
    done = command("score", str(path), LEADSCORE_MODEL=str(crm))
    text = plain(path.read_text())
    assert text != path.read_text()
    expected = command("score", "-", content=text.encode(), LEADSCORE_MODEL=str(crm))
    assert done.code == expected.code == 0
    found, plain_found = (_probabilities(content) for content in (done.out, expected.out))
    assert found == plain_found
    assert all(found)
    assert len(set(found)) > 1
    answer = service.post("/predict/csv", content=path.read_bytes(), headers=CSV).raise_for_status()
    assert answer.content == done.out


def _probabilities(content: bytes) -> list[str]:
    rows = csv.DictReader(
        io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";" if b";" in content else ","
    )
    return [row["probability"] for row in rows]


def _as_number(word: re.Match[str]) -> str:
    return "1" if word[1] == "TRUE" else "0"


@pytest.mark.parametrize("name", ["08_bool", "08_int"])
def test_types_that_mean_yes_and_no_are_read(
    command: Command, crm: object, service: httpx2.Client, tmp_path: Path, name: str
) -> None:
    """A truth value and a number in JSON and in Parquet are the level of text they stand for."""
    lead = json.loads((CASES / f"{name}.json").read_text())
    found, expected = (
        service.post("/predict", json=sent).raise_for_status().json()["probability"]
        for sent in (lead, {**lead, "email_opt_in": "1"})
    )
    assert found == expected
    table = pq.ParquetFile(CASES / f"{name}_cat.parquet").read()
    place = table.column_names.index("email_opt_in")
    texts = ["1" if value else "0" for value in table.column(place).to_pylist()]
    paths = [tmp_path / "typed.parquet", tmp_path / "text.parquet"]
    pq.write_table(table, paths[0])
    pq.write_table(table.set_column(place, "email_opt_in", pa.array(texts)), paths[1])
    answers = []
    for path in paths:
        target = tmp_path / f"scored-{path.name}"
        done = command("score", str(path), "-o", str(target), LEADSCORE_MODEL=str(crm))
        assert done.code == 0, done.err
        answers.append(pq.ParquetFile(target).read().column("probability").to_pylist())
    assert answers[0] == answers[1]
    assert len(set(answers[0])) == 2


def test_decimal_mark_can_be_said(command: Command, crm: object, service: httpx2.Client) -> None:
    """What nothing in a file decides is an error that names both readings, until the reader is told."""
    content = b"Lead Source;Annual Revenue\nWeb;250.000\nReferral;300.000\n"
    done = command("score", "-", "--partial", content=content, LEADSCORE_MODEL=str(crm))
    assert b"it may be 250000 or 250: which mark is the decimal one?" in done.out
    assert done.code == 1
    for mark, plain in ((",", b"250000"), (".", b"250")):
        said = command(
            "score", "-", "--partial", "--decimal", mark, content=content, LEADSCORE_MODEL=str(crm)
        )
        same = content.replace(b"250.000", plain).replace(b"300.000", plain.replace(b"25", b"30"))
        expected = command("score", "-", "--partial", content=same, LEADSCORE_MODEL=str(crm))
        cells = [line.split(b";")[2:6] for line in said.out.splitlines()]
        assert cells == [line.split(b";")[2:6] for line in expected.out.splitlines()]
        answer = service.post(f"/predict/csv?partial=1&decimal={mark}", content=content, headers=CSV)
        assert answer.raise_for_status().content == said.out
    refused = service.post("/predict/csv?decimal=x", content=content, headers=CSV)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/query/decimal"


INFER = "/v2/models/lead_conversion/infer"
SENT = {
    "08_bool.json": "/predict",
    "08_int.json": "/predict",
    "09_v2_bool.json": INFER,
    "09_v2_int64.json": INFER,
    "09_v2_nulls.json": INFER,
    "10_body.csv.gz": "/predict/csv?partial=1",
    "10_body.json.gz": "/predict",
    "17_list_to_batch.json": "/predict/batch",
    "17_salesforce_object.json": "/predict",
}


@pytest.mark.parametrize(("name", "path"), SENT.items())
def test_body_is_read_as_its_sender_means_it(
    cases: Path, service: httpx2.Client, name: str, path: str
) -> None:
    """JSON and tensors as CRMs and the clients of other servers send them, packed or not."""
    kind = "text/csv" if ".csv" in name else "application/json"
    packed = {"content-encoding": "gzip"} if name.endswith(".gz") else {}
    content = (cases / name).read_bytes()
    answer = service.post(path, content=content, headers={"content-type": kind, **packed})
    assert answer.status_code == 200, answer.text
    assert b"probability" in answer.content


def test_every_case_is_looked_at(cases: Path) -> None:
    """By a table of these tests; those that are programs by tests of middleware, drift and clients."""
    from tests.training.test_cases import REFUSED, TRAINS  # noqa: PLC0415  (its imports take seconds)

    training = {name for pair in (*TRAINS, *REFUSED) for name in pair}
    programs = {"10_triton_compression.py", "11_root_path.sh", "12_gunicorn_preload.sh"}
    read = {path.name for path in CASES.iterdir()}
    assert {path.name for path in cases.iterdir()} == training | programs | read | {*SENT, "README.md"}
    tested = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name in read if name.rpartition(".")[0].removesuffix("_cat") not in tested] == []
