"""A model that reads lists, dates and e-mail addresses, from training to every way in."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from leadscore.dictionary import Dictionary
from leadscore.matching import match
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
from tests.training import cards, parts

INFER = "/v2/models/lead_conversion/infer"


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The leads, read as training reads them."""
    return parts.read(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def model(leads: Dataset) -> bytes:
    """A model of them; its export has proved parity and exact reasons."""
    return cards.model(leads)


@pytest.fixture(scope="module")
def engine(model: bytes) -> Engine:
    """The engine of that model."""
    return Engine(Scorer(model), Settings.max_text)


def test_training_reads_common_entries_and_nothing_personal(leads: Dataset, model: bytes) -> None:
    """A column for each common entry, one for the address; none of the rest is in the file."""
    names = {column.name for column in leads.dictionary.features}
    assert {"touch_webinar", "touch_demo", "touch_price_list", "mail_kind"} <= names
    assert {"created_date_weekday", "created_date_days_until_close_date"} <= names
    assert "close_date" not in names
    days = leads.features["created_date_days_until_close_date"]
    assert (days.min(), days.max(), days.isna().sum()) == (0, 89, 100)
    assert not any("secret" in name for name in names)
    assert set(leads.features["mail_kind"]) == {"free mail", "company"}
    assert set(leads.features["touch_demo"]) <= {"Yes", "No", ""}
    for personal in (b"Secret", b"acme", b"lead1", b"gmail"):
        assert personal not in model


def test_every_way_in_reads_the_same_parts(leads: Dataset, model: bytes, engine: Engine) -> None:
    """A list as text, in JSON or in Arrow, dates, and their parts one by one: the same bits."""
    text = {
        "Touchpoints": "demo; WEBINAR",
        "E-mail": "a@gmail.com",
        "Created Date": "2024-01-31T22:00",
        "Close Date": "01.03.2024",
        "Visits": 3,
    }
    part = {
        "touch_webinar": True,
        "touch_demo": "yes",
        "touch_price_list": "No",
        "mail_kind": "free mail",
    }
    part |= {"created_date_weekday": "Wednesday", "created_date_days_until_close_date": 30, "visits": 3}
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
    typed = lists | {"Created Date": datetime(2024, 1, 31, 22), "Close Date": date(2024, 3, 1)}
    for row in (text, lists, typed):
        batch = pa.RecordBatch.from_pylist([row])
        scored, _ = ArrowScorer(engine, batch.schema, 0).score(batch)
        assert scored.column("probability").to_pylist() == [rounded]
    with TestClient(create_service(Scorer(model), Settings(), Keys(Settings()))) as client:
        for row in (text, part, lists):
            answer = client.post("/predict", json=row).raise_for_status().json()
            assert answer["probability"] == probability[0]
        properties = client.get("/openapi.json").json()["components"]["schemas"]["Lead"]["properties"]
        assert {"touch", "touch_demo", "mail", "mail_kind", "close_date"} <= properties.keys()
        for row in (text, part):
            inputs = [_tensor(name, value) for name, value in row.items()]
            answer = client.post(INFER, json={"inputs": inputs}).raise_for_status().json()
            assert answer["outputs"][0]["data"] == probability[:1]


def _tensor(name: str, value: object) -> dict[str, object]:
    datatype = {bool: "BOOL", int: "INT64", str: "BYTES"}[type(value)]
    return {"name": name, "datatype": datatype, "shape": [1], "data": [value]}


def test_list_is_a_tensor_of_lists(model: bytes) -> None:
    """MLServer's clients send one as JSON in a text."""
    encoded = _tensor("touch", '["Demo", "Webinar"]') | {"parameters": {"content_type": "pd_json"}}
    with TestClient(create_service(Scorer(model), Settings(), Keys(Settings()))) as client:
        found, expected = (
            client.post(INFER, json={"inputs": [tensor]}).raise_for_status().json()["outputs"]
            for tensor in (encoded, _tensor("touch", "Webinar;Demo"))
        )
    assert found == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Close Date", "2024-31-12", "a date like 31.01.2024 or null"),
        ("Created Date", "soon", "a date like 2024-01-31 or 2024-01-31T09:30 or null"),
        ("close_date", 5, "a date like 31.01.2024 or null"),
        ("touch", True, "a list of texts"),
        ("E-mail", True, "text or null"),
        ("touch_demo", 1.5, "text"),
        ("created_date_days_until_close_date", "many", "a number or null"),
    ],
)
def test_wrong_tensor_of_a_whole_or_part_is_named(
    model: bytes, name: str, value: object, expected: str
) -> None:
    """The tensor and the row, once, in a 422."""
    tensor = _tensor(name, "" if isinstance(value, str) else value) if value != 1.5 else {}
    tensor = {"name": name, "shape": [2], "datatype": tensor.get("datatype", "FP64")}
    inputs = [_tensor("visits", 3) | {"shape": [2], "data": [3, 4]}, tensor | {"data": [None, value]}]
    with TestClient(create_service(Scorer(model), Settings(), Keys(Settings()))) as client:
        answer = client.post(INFER, json={"inputs": inputs})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/inputs/1/data/1"
    assert expected in error["expected"]


@pytest.mark.parametrize("known", [{}, {"created_date": "2024-01-31"}, {"close_date": "N/A"}])
def test_days_need_both_dates(engine: Engine, known: dict[str, str]) -> None:
    """With one of them missing the number is, too; a wrong one is an error and not a missing one."""
    place = [column.name for column in engine.features].index("created_date_days_until_close_date")
    reader = LeadReader(engine)
    leads, _ = reader.read([known])
    assert np.isnan(leads[place][0].value)
    for name in ("created_date", "close_date"):
        with pytest.raises(WrongLeadsError, match=f"{name}: got 'soon', expected a date like"):
            reader.read([known | {name: "soon"}])
    both, _ = reader.read([{"created_date": "2024-03-01", "close_date": "31.01.2024"}])
    assert both[place][0].value == -30


def test_date_without_a_part_is_handed_back(engine: Engine) -> None:
    """As it was read, beside the ids; no reason speaks of it."""
    leads, ids = LeadReader(engine).read(
        [{"close_date": " 1.3.2024 ", "Lead ID": "A1"}, {"created_date": "2024-01-31T09:30"}, {}]
    )
    assert ids == [
        {"lead_id": "A1", "close_date": "2024-03-01"},
        {"created_date": "2024-01-31T09:30:00"},
        {},
    ]
    assert not any(column.name == "close_date" for column in engine.features)
    assert engine.score(leads).probability[0] == engine.score(leads).probability[2]


def test_file_that_lacks_a_whole_is_told_its_name(leads: Dataset) -> None:
    """Not those of its parts, which no export has; what is like its name is suggested."""
    dictionary = leads.dictionary
    found = match(["Touch points ids", "Created Date", "E-mail"], dictionary)
    names = [c.name for c in found.absent]
    assert names[:2] + names[-1:] == ["close_date", "lead_source", "touch"]
    assert {c.name for c in found.missing} >= {"touch_demo", "created_date_days_until_close_date"}
    assert "created_date_weekday" not in {c.name for c in found.missing}
    assert found.suggestions == {"Touch points ids": "Touchpoints"}


def test_days_until_a_later_date_are_known_later(leads: Dataset) -> None:
    """The model of the earlier moment does not have them, the other one does."""
    later = replace(leads.dictionary.by_key["close_date"], known="contacted")
    columns = [c for c in leads.dictionary.columns if not c.whole and c.name != later.name]
    dictionary = Dictionary((*columns, later))
    (capture,) = (d.by_key["created_date"] for d in [dictionary.known_at("capture")])
    assert capture.part == ("weekday",)
    created = dictionary.by_key["created_date"]
    known = {part.name: part.known for part in dictionary.parts_of(created)}
    assert known == {
        "created_date_weekday": "capture",
        "created_date_days_until_close_date": "contacted",
    }
    every = dictionary.with_parts({"created_date": dictionary.parts_of(created)})
    narrow = dictionary.known_at("capture").as_found(every)
    assert [c.name for c in narrow.columns if c.whole] == ["created_date_weekday"]


def test_wrong_value_of_a_whole_is_named_once(engine: Engine) -> None:
    """Not once for each of its parts."""
    with pytest.raises(WrongLeadsError) as caught:
        LeadReader(engine).read([{"touch": 5, "Created Date": "soon"}])
    assert [wrong.place for wrong in caught.value.errors] == [(0, "touch"), (0, "Created Date")]
    read = engine.read({"touch": [5], "created_date": ["soon"], "close_date": ["never"]}, 1)
    assert len(engine.errors(read)[0]) == 3


def test_dictionary_with_parts_survives_its_own_document(leads: Dataset) -> None:
    """What the model file carries is what training found."""
    document = json.loads(json.dumps(leads.dictionary.to_dict()))
    found = Dictionary.from_dict(document).as_found(leads.dictionary)
    assert found.features == leads.dictionary.features
    assert found.wholes == leads.dictionary.wholes


def test_date_is_checked_even_if_no_part_is_read(tmp_path: Path) -> None:
    """A cell that is no date is named; without a part the model has no column of it."""
    plain = re.sub("(part|clock) = .*\n", "", parts.TOML)
    (tmp_path / "columns.toml").write_text(plain, encoding="utf-8")
    dictionary, path = Dictionary.load(tmp_path / "columns.toml"), parts.write(tmp_path / "leads.csv")
    assert not any(c.whole == "created_date" for c in load(path, dictionary).dictionary.features)
    path.write_text(
        path.read_text(encoding="utf-8").replace("2024-01-03T08:37:47", "soon"), encoding="utf-8"
    )
    with pytest.raises(DataError, match="column 'Created Date', row 2: got 'soon', expected a date"):
        load(path, dictionary)
