"""Leads score the same whatever their headers look like, by every way in."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from pyarrow.csv import ConvertOptions, read_csv

from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.scoring.reading import LeadReader
from leadscore.service.app import create_service
from leadscore.service.middleware.keys import Keys
from leadscore.settings import Settings
from leadscore.tables.csv_answers import CsvScorer
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.parquet import score
from tests.conftest import MODEL, TWIN, Command

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower case": str.lower,
    "upper case": str.upper,
    "words joined by _": lambda name: name.replace(" ", "_"),
    "words joined by -": lambda name: name.title().replace(" ", "-"),
    "spaces nobody sees": lambda name: f"\ufeff{name}\u200b".replace(" ", "\u00a0"),
}
LEADS = 3_000


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """The first shipped leads, every cell as text."""
    names = TWIN.read_text(encoding="utf-8").partition("\n")[0].split(",")
    texts = ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    return read_csv(TWIN, convert_options=texts).slice(0, LEADS).combine_chunks()


@pytest.fixture(scope="module")
def expected(table: pa.Table, engine: Engine) -> list[float]:
    """The probabilities of their values under the features' own names."""
    sources = {c.name: c.source for c in engine.features}
    columns = {name: table.column(source).to_pylist() for name, source in sources.items()}
    return engine.score(engine.read(columns, LEADS)).probability.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_way_in_reads_the_header(
    table: pa.Table,
    expected: list[float],
    spelling: Callable[[str], str],
    engine: Engine,
    capture: Dictionary,
    tmp_path: Path,
) -> None:
    """CSV, Parquet, JSON and V2 give every lead the same bits under any spelling of its columns."""
    rounded = [round(value, 6) for value in expected]
    spelled = table.rename_columns(list(map(spelling, table.column_names)))

    lines = TWIN.read_bytes().splitlines()[: LEADS + 1]
    lines[0] = ",".join(spelled.column_names).encode()
    file = CsvFile(io.BytesIO(b"\n".join(lines)), capture)
    answered = map(CsvScorer(engine, file.dialect, file.columns, 0).score, file.blocks())
    assert [p for block in answered for p in block.probability.tolist()] == rounded

    path = tmp_path / "leads.parquet"
    pq.write_table(spelled, path)
    answers = io.BytesIO()
    score(path, answers, 0, engine.scorer, Settings())
    assert pq.read_table(answers).column("probability").to_pylist() == rounded

    sent = {spelling(c.source) for c in (*engine.features, *capture.ids)}
    rows = spelled.select([name for name in spelled.column_names if name in sent]).to_pylist()
    leads, ids = LeadReader(engine).read(rows)
    assert engine.score(leads).probability.tolist() == expected
    assert all(len(found) == len(capture.ids) for found in ids)

    with TestClient(create_service(Scorer(MODEL), Settings(), Keys(Settings()))) as client:
        inputs = [_tensor(spelling(c.source), table.column(c.source), c.kind) for c in engine.features]
        answer = client.post("/v2/models/lead_conversion/infer", content=json.dumps({"inputs": inputs}))
    (probability,) = (o["data"] for o in answer.json()["outputs"] if o["name"] == "probability")
    assert probability == expected


@pytest.fixture(scope="session", params=["twin", "original"])
def leads_csv(request: pytest.FixtureRequest) -> Path:
    """The shipped leads, and the original ones where they are present."""
    return TWIN if request.param == "twin" else Path(request.getfixturevalue("original_csv"))


@pytest.mark.parametrize("spelling", list(SPELLINGS.values())[1:], ids=list(SPELLINGS)[1:])
def test_every_door_reads_the_header(
    leads_csv: Path,
    spelling: Callable[[str], str],
    command: Command,
    client: httpx2.Client,
    tmp_path: Path,
) -> None:
    """All leads by command, over HTTP and in Parquet: the bytes of the answer are those of the plain
    header. What the page shows is tested with the page.
    """
    content = leads_csv.read_bytes().removeprefix(b"\xef\xbb\xbf")
    header, _, rest = content.partition(b"\n")
    names = header.decode().rstrip("\r").split(",")
    spelled = ",".join(map(spelling, names)).encode() + b"\n" + rest
    expected = command("score", "-", content=content).out.partition(b"\n")[2]
    done = command("score", "-", content=spelled)
    assert done.out.partition(b"\n")[2] == expected
    answer = client.post("/predict/csv", content=spelled, headers={"content-type": "text/csv"})
    assert answer.raise_for_status().content == done.out

    texts = ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    table = read_csv(io.BytesIO(content), convert_options=texts)
    source, target = tmp_path / "leads.parquet", tmp_path / "scored.parquet"
    pq.write_table(table.rename_columns(list(map(spelling, names))), source)
    assert command("score", str(source), "-o", str(target)).code == 0
    found = pq.read_table(target).column("probability").to_pylist()
    rows = csv.DictReader(io.StringIO(done.out.decode("utf-8-sig"), newline=""))
    assert found == [float(row["probability"]) for row in rows]


def _tensor(name: str, cells: pa.ChunkedArray, kind: str) -> dict[str, object]:
    numbers = kind == "number"
    data = [(float(c) if c else None) if numbers else (c or "") for c in cells.to_pylist()]
    return {"name": name, "datatype": "FP32" if numbers else "BYTES", "shape": [len(data)], "data": data}
