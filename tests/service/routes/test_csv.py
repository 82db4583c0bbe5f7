"""POST /predict/csv over real sockets gives what `predict.py score` gives."""

import csv
import gzip
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from leadscore.scorer import Scorer
from leadscore.service.app import create_service
from leadscore.service.middleware.keys import Keys
from leadscore.service.routes.route import IN_MEMORY
from leadscore.settings import Settings
from leadscore.tables.block import BLOCK
from leadscore.tables.csv_answers import CsvScorer, Lines
from leadscore.tables.csv_file import Records
from tests.conftest import TWIN, Command, Serve

CSV = {"content-type": "text/csv"}
SMALL = b"TotalVisits,City\nmany,Pune\n5,Mumbai\n1,Pune\n"


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("", []),
        ("?sort=score&reasons=1", ["--sort", "--reasons", "1"]),
        ("?top=50", ["--top", "50"]),
        ("?top=6000", ["--top", "6000"]),
    ],
)
def test_upload_answers_what_the_command_answers(
    client: httpx2.Client, command: Command, query: str, arguments: list[str]
) -> None:
    """In order, ranked, the best few or many: byte for byte the output of `predict.py score`."""
    done = command("score", str(TWIN), *arguments)
    answer = client.post(f"/predict/csv{query}", content=TWIN.read_bytes(), headers=CSV)
    assert answer.raise_for_status().content == done.out
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]


def test_form_is_taken_like_a_file(client: httpx2.Client) -> None:
    """What `curl -F file=@leads.csv` sends is scored the same."""
    form = client.post("/predict/csv?partial=1", files={"file": ("leads.csv", SMALL, "text/csv")})
    plain = client.post("/predict/csv?partial=1", content=SMALL, headers=CSV)
    assert form.raise_for_status().content == plain.raise_for_status().content
    rows = list(csv.DictReader(io.StringIO(plain.text)))
    assert [bool(row["error"]) for row in rows] == [True, False, False]


def test_upload_of_unknown_length_is_scored(client: httpx2.Client) -> None:
    """A chunked upload, in pieces that cut lines, is scored like a whole one."""

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(SMALL), 7):
            yield SMALL[start : start + 7]

    answer = client.post("/predict/csv?partial=1", content=pieces(), headers=CSV).raise_for_status()
    assert answer.content == client.post("/predict/csv?partial=1", content=SMALL, headers=CSV).content


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "detail"),
    [
        ("/predict/csv", b"", CSV, 422, "the file is empty"),
        ("/predict/csv", b"%PDF-1.7", CSV, 422, "this is a PDF"),
        ("/predict/csv?sheet=Leads", SMALL, CSV, 422, "the file is no workbook"),
        (
            "/predict/csv",
            gzip.compress(SMALL, mtime=0)[:-4],
            {"content-type": "application/gzip"},
            422,
            "damaged",
        ),
        ("/predict/csv", b"a,b\n1,2\n", CSV, 422, "names no column the model reads"),
        ("/predict/csv", SMALL, {}, 415, "got none, expected 'text/csv'"),
        ("/predict/csv", b"{}", {"content-type": "application/json"}, 415, "application/json"),
        ("/predict/csv?reasons=12", SMALL, CSV, 422, "/query/reasons"),
        ("/predict/csv?sort=name", SMALL, CSV, 422, "/query/sort"),
        ("/predict/csv", b"x", {"content-type": "multipart/form-data"}, 400, "boundary"),
        (
            "/predict/csv",
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
            {"content-type": "multipart/form-data; boundary=x"},
            422,
            "no file",
        ),
    ],
)
def test_wrong_upload_is_a_problem_document(
    client: httpx2.Client, path: str, content: bytes, headers: dict[str, str], status: int, detail: str
) -> None:
    """What is no CSV of leads is refused before anything is sent back."""
    answer = client.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("query", [pytest.param("", marks=pytest.mark.slow), "&sort=score"])
def test_file_may_take_longer_than_an_answer(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """The time limit is for each piece: a file that takes longer is answered to its last row."""
    score, settings = CsvScorer.score, Settings(timeout=3)

    def slowly(self: CsvScorer, records: Records) -> Lines:
        time.sleep(1)
        return score(self, records)

    monkeypatch.setattr(CsvScorer, "score", slowly)
    content = b"City\n" + b"Pune\n" * (4 * BLOCK)  # four seconds
    client = TestClient(create_service(scorer, settings, Keys(settings)))
    answer = client.post(f"/predict/csv?partial=1{query}", content=content, headers=CSV)
    assert answer.raise_for_status().text.count("\n") == 4 * BLOCK + 1


def test_large_file_goes_to_the_folder_that_was_named_or_nowhere(serve: Serve, tmp_path: Path) -> None:
    """Once the folder for temporary files is full or gone, a large file is a 507: no other folder, in
    which nobody expects it, is taken instead.
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    large = b"City,x\n" + (b"Pune," + b"x" * 1000 + b"\n") * (IN_MEMORY // 1000)
    with serve(TMPDIR=str(folder)) as client:
        folder.rmdir()
        answer = client.post("/predict/csv?partial=1", content=large, headers=CSV)
    assert (answer.status_code, answer.headers["content-type"]) == (507, "application/problem+json")


def test_upload_has_a_limit_of_its_own(serve: Serve) -> None:
    """A CSV may be larger than a JSON body, and no larger than its own limit."""
    with serve(LEADSCORE_MAX_BODY="100", LEADSCORE_MAX_CSV="1000") as client:
        assert (
            client.post(
                "/predict/csv?partial=1", content=SMALL + b"1,x\n" * 100, headers=CSV
            ).status_code
            == 200
        )
        refused = client.post("/predict/csv?partial=1", content=SMALL + b"1,x\n" * 300, headers=CSV)
    assert refused.status_code == 413
    assert "1,000 bytes" in refused.json()["detail"]


def test_bomb_is_refused_before_the_answer_starts(serve: Serve) -> None:
    """What is packed counts as what it becomes, whichever way it is packed."""
    with serve(LEADSCORE_MAX_CSV="1000000") as client:
        rows = b"TotalVisits\n" + b"5\n" * 1_000_000
        for content in (gzip.compress(rows), _zipped(rows)):
            assert len(content) < 10_000
            refused = client.post("/predict/csv", content=content, headers=CSV)
            assert (refused.status_code, refused.headers["content-type"]) == (
                413,
                "application/problem+json",
            )
            assert "what is packed in the file is larger than 1,000,000 bytes" in refused.text
        small = client.post("/predict/csv?partial=1", content=gzip.compress(SMALL), headers=CSV)
        assert small.content == client.post("/predict/csv?partial=1", content=SMALL, headers=CSV).content


def _zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("leads.csv", content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "query", "words"),
    [
        (b"TotalVisits" + b"," * 20_000 + b"\n" + b"5\n" * 2_000, "", "20,001 columns"),
        (b"TotalVisits\n" + b"5\n" * 1_000_001, "?sort=score", "too many to be ranked"),
    ],
    ids=["wide", "long"],
)
def test_small_file_that_would_make_a_huge_answer_is_refused(
    client: httpx2.Client, content: bytes, query: str, words: str
) -> None:
    """Work is bounded by what it makes, not only by the bytes that ask for it."""
    headers = {"content-type": "text/csv"}
    answer = client.post(f"/predict/csv{query}", content=content, headers=headers)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_form_of_an_unknown_charset_is_refused(client: httpx2.Client) -> None:
    """A client's mistake, and no failure of the service."""
    body = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n5\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x; charset=undefined"}
    assert client.post("/predict/csv", content=body, headers=headers).status_code in (400, 422)


@pytest.mark.parametrize("end", [b"\n", b"\r"], ids=["lines", "lines of an old Mac"])
def test_short_rows_under_a_long_header_are_refused(client: httpx2.Client, end: bytes) -> None:
    """Each would be filled to the header's width: an answer a thousand times the file."""
    content = b"City" + b",x" * 1_900 + end + (b"a" + end) * 100_000
    answer = client.post("/predict/csv", content=content, headers=CSV)
    assert answer.status_code == 422
    assert "most of its 100,001 rows are shorter than its header" in answer.json()["detail"]
