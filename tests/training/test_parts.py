"""A model that reads lists, dates and e-mail addresses, from training to every way in."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.scoring.reading import LeadReader, WrongLeadsError
from leadscore.service.app import create_service
from leadscore.service.middleware.keys import Keys
from leadscore.settings import Settings
from leadscore.tables.arrow import ArrowScorer
from leadscore.tables.csv_answers import CsvScorer
from leadscore.tables.csv_file import CsvFile
from leadscore.training.cells import DataError
from leadscore.training.dataset import Dataset, load
from leadscore.training.distributions import drift
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx.model_file import export
from tests.conftest import CASES
from tests.training.cards import draft

TOML = (
    (CASES / "crm.toml")
    .read_text(encoding="utf-8")
    .replace(
        'role = "id"\nkind = "category"\nknown = "capture"\nclock = true',
        'role = "feature"\nkind = "date"\npart = "weekday"\nknown = "capture"\nclock = true',
    )
    + """
[[column]]
name = "touch"
source = "Touchpoints"
role = "feature"
kind = "list"
known = "capture"

[[column]]
name = "mail"
source = "E-mail"
role = "feature"
kind = "email"
known = "capture"
"""
)
ENTRIES = ("Webinar", "Demo", "Price list")


def _write(path: Path) -> Path:
    """The made-up export with lists that tell the outcome, and an address for each lead."""
    header, *rows = csv.reader((CASES / "base.csv").read_text(encoding="utf-8").splitlines())
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file).writerow
        write([*header, "Touchpoints", "E-mail"])
        for number, row in enumerate(rows):
            odds = (0.5, 0.2 + 0.6 * int(row[header.index("Converted")]), 0.3)
            entries = [entry for entry, odd in zip(ENTRIES, odds, strict=True) if rng.random() < odd]
            domain = ("gmail.com", f"acme{number}.com")[number % 2]
            own = [f"Secret {number}"] if number % 50 == 0 else []
            write([*row, ";".join(rng.permutation([*entries, *own])), f"lead{number}@{domain}"])
    return path


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The leads, read as training reads them."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "columns.toml").write_text(TOML, encoding="utf-8")
    return load(_write(folder / "leads.csv"), Dictionary.load(folder / "columns.toml"))


@pytest.fixture(scope="module")
def model(leads: Dataset) -> bytes:
    """A model of them; its export has proved parity and exact reasons."""
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(*leads.oldest())
    probability = pipeline.predict_proba(leads.features)[:, 1]
    bins = drift(leads.features, leads.dictionary, probability)
    return export(pipeline, replace(draft(leads), drift=bins), leads.features.iloc[:100])[0]


@pytest.fixture(scope="module")
def engine(model: bytes) -> Engine:
    """The engine of that model."""
    return Engine(Scorer(model), Settings.max_text)


def test_training_reads_common_entries_and_nothing_personal(leads: Dataset, model: bytes) -> None:
    """A column for each common entry, one for the address; none of the rest is in the file."""
    names = {column.name for column in leads.dictionary.features}
    assert {"touch_webinar", "touch_demo", "touch_price_list", "mail_kind"} <= names
    assert "created_date_weekday" in names
    assert not any("secret" in name for name in names)
    assert set(leads.features["mail_kind"]) == {"free mail", "company"}
    assert set(leads.features["touch_demo"]) <= {"Yes", "No", ""}
    for personal in (b"Secret", b"acme", b"lead1", b"gmail"):
        assert personal not in model


def test_every_way_in_reads_the_same_parts(leads: Dataset, model: bytes, engine: Engine) -> None:
    """A list as text, in JSON or in Arrow, and its parts one by one: the same bits."""
    text = {
        "Touchpoints": "demo; WEBINAR",
        "E-mail": "a@gmail.com",
        "Created Date": "2024-01-31",
        "Visits": 3,
    }
    part = {
        "touch_webinar": True,
        "touch_demo": "yes",
        "touch_price_list": "No",
        "mail_kind": "free mail",
    }
    part |= {"created_date_weekday": "Wednesday", "visits": 3}
    lists = text | {"Touchpoints": ["Webinar", "Demo"]}
    reader = LeadReader(engine)
    read, _ = reader.read([text, part, lists, {}])
    expected = engine.score(read, 3)
    probability = expected.probability.tolist()
    assert probability[0] == probability[1] == probability[2] != probability[3]
    over, _ = reader.read([text | {"touch_demo": "No"}])
    assert engine.score(over).probability[0] < probability[0]

    rounded = round(probability[0], 6)
    lines = io.StringIO()
    csv.writer(lines).writerows([list(text), list(text.values())])
    file = CsvFile(io.BytesIO(lines.getvalue().encode()), leads.dictionary)
    (block,) = map(CsvScorer(engine, file.dialect, file.columns, 0).score, file.blocks())
    assert block.probability.tolist() == [rounded]
    for row in (text, lists):
        batch = pa.RecordBatch.from_pylist([row])
        scored, _ = ArrowScorer(engine, batch.schema, 0).score(batch)
        assert scored.column("probability").to_pylist() == [rounded]
    with TestClient(create_service(Scorer(model), Settings(), Keys(Settings()))) as client:
        for row in (text, part, lists):
            answer = client.post("/predict", json=row).raise_for_status().json()
            assert answer["probability"] == probability[0]
        properties = client.get("/openapi.json").json()["components"]["schemas"]["Lead"]["properties"]
        assert {"touch", "touch_demo", "mail", "mail_kind"} <= properties.keys()


def test_wrong_value_of_a_whole_is_named_once(engine: Engine) -> None:
    """Not once for each of its parts."""
    with pytest.raises(WrongLeadsError) as caught:
        LeadReader(engine).read([{"touch": 5, "Created Date": "soon"}])
    assert [wrong.place for wrong in caught.value.errors] == [(0, "touch"), (0, "Created Date")]
    read = engine.read({"touch": [5], "created_date": ["soon"]}, 1)
    assert len(engine.errors(read)[0]) == 2


def test_dictionary_with_parts_survives_its_own_document(leads: Dataset) -> None:
    """What the model file carries is what training found."""
    document = json.loads(json.dumps(leads.dictionary.to_dict()))
    found = Dictionary.from_dict(document).as_found(leads.dictionary)
    assert found.features == leads.dictionary.features
    assert found.wholes == leads.dictionary.wholes


def test_date_is_checked_even_if_no_part_is_read(tmp_path: Path) -> None:
    """A cell that is no date is named; without a part the model has no column of it."""
    plain = TOML.replace('part = "weekday"\n', "").replace("clock = true\n", "")
    (tmp_path / "columns.toml").write_text(plain, encoding="utf-8")
    dictionary, path = Dictionary.load(tmp_path / "columns.toml"), _write(tmp_path / "leads.csv")
    assert not any(c.whole == "created_date" for c in load(path, dictionary).dictionary.features)
    path.write_text(
        path.read_text(encoding="utf-8").replace("2024-01-03T08:37:47", "soon"), encoding="utf-8"
    )
    with pytest.raises(DataError, match="column 'Created Date', row 2: got 'soon', expected a date"):
        load(path, dictionary)
