"""Leads score the same whatever their headers look like, by every way in."""

import io
import json
from collections.abc import Callable
from pathlib import Path

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
from tests.conftest import MODEL, TWIN

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


def _tensor(name: str, cells: pa.ChunkedArray, kind: str) -> dict[str, object]:
    numbers = kind == "number"
    data = [(float(c) if c else None) if numbers else (c or "") for c in cells.to_pylist()]
    return {"name": name, "datatype": "FP32" if numbers else "BYTES", "shape": [len(data)], "data": data}
