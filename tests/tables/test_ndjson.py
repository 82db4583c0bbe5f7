"""JSON lines: what the page reads, the same answers as in the CSV."""

import io
import json
from typing import Any

import pytest

from leadscore.scoring.engine import Engine
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.ndjson import NdjsonScorer


def _lines(engine: Engine, content: str) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    """The first line, the leads, and the proof."""
    file = CsvFile(io.BytesIO(content.encode()), engine.card.dictionary)
    scorer = NdjsonScorer(engine, file, 3)
    text = scorer.head(training_data=False)
    text += b"".join(scorer.score(block).text for block in file.blocks()) + scorer.foot()
    head, *leads, foot = map(json.loads, text.splitlines())
    return head, leads, foot["proof"]


def test_columns_are_what_they_are_to_the_model(engine: Engine) -> None:
    """Each header with its column, whatever its spelling; the delimiter; the model."""
    head, _, _ = _lines(engine, "lead number;TOTAL VISITS;Tags;Phone\n1;5;x;0123\n")
    assert head["columns"] == [
        {"name": "lead number", "column": "lead_number", "role": "id"},
        {"name": "TOTAL VISITS", "column": "total_visits", "role": "feature"},
        {"name": "Tags", "column": "tags", "role": "excluded"},
        {"name": "Phone", "column": None, "role": None},
    ]
    assert (head["delimiter"], head["training_data"]) == (";", False)
    assert head["model_version"] == engine.card.version


def test_lead_is_answered_with_its_cells(engine: Engine) -> None:
    """Cells as they stand in the file, also of several lines; reasons with points; grade and score."""
    content = 'City,Company,TotalVisits\nPune,"A, ""x""\nand y",5\nAtlantis,Ω,1\nPune,b,many\nPune\n'
    _, (first, second, wrong, short), proof = _lines(engine, content)
    assert first["cells"] == ["Pune", 'A, "x"\nand y', "5"]
    scored = engine.score(engine.read({"city": ["Pune"], "total_visits": ["5"]}, 1), 3, both_sides=True)
    assert first["probability"] == pytest.approx(scored.probability[0], abs=1e-6)
    assert (first["score"], first["grade"]) == (scored.score[0], scored.grade[0])
    assert [one["text"] for one in first["reasons"]] == [one.text for one in scored.reasons[0]]
    assert [one["points"] for one in first["reasons"]] == pytest.approx(
        [one.points for one in scored.reasons[0]], abs=0.006
    )
    assert "Atlantis" in second["warnings"]
    assert wrong == {
        "cells": ["Pune", "b", "many"],
        "error": "TotalVisits: got 'many', expected a number of at least 0 or null",
    }
    assert (short["cells"], short["error"]) == (["Pune", "", ""], "got 1 cells, expected 3")
    assert proof is None


def test_values_score_a_lead_as_its_file_did(engine: Engine) -> None:
    """What a cell says only in its file, or only to this service, stands beside it; nothing else does:
    with these values one lead alone has the very probability.
    """
    content = (
        "City;Lead Source;TotalVisits;Total Time Spent on Website;Page Views Per Visit\n"
        "Mumbai;Google;5;1674;2\n"
        " mumbai ;GOOGLE;1.200;20:00;3,5\n"
        "Select;n/a;$5;1.674;-\n"
        "Atlantis ;;+5;;2,50\n"
    )
    head, leads, _ = _lines(engine, content)
    names = [column["column"] for column in head["columns"]]
    assert [lead.get("values") for lead in leads] == [
        None,
        {
            "city": "Mumbai",
            "lead_source": "Google",
            "total_visits": 1200,
            "total_time_spent_on_website": 72000,
            "page_views_per_visit": 3.5,
        },
        {
            "city": None,
            "lead_source": None,
            "total_visits": 5,
            "total_time_spent_on_website": 1674,
            "page_views_per_visit": None,
        },
        {"total_visits": 5, "page_views_per_visit": 2.5},
    ]
    for lead in leads:
        raw = dict(zip(names, lead["cells"], strict=True)) | lead.get("values", {})
        texts = {name: [None if value is None else str(value)] for name, value in raw.items()}
        probability = engine.score(engine.read(texts, 1)).probability[0]
        assert lead["probability"] == round(float(probability), 6)


def test_outcome_and_wish_to_be_left_alone_are_told(engine: Engine) -> None:
    """Where the target has a value, and where a column of consent says yes."""
    content = (
        "City,Converted,Do Not Email,Do Not Call\nPune,1,No,\nPune,0,Yes,yes\nPune,,no,0\nPune,?,,\n"
    )
    _, leads, proof = _lines(engine, content)
    assert [lead.get("converted") for lead in leads] == [True, False, None, None]
    assert [lead.get("left_alone") for lead in leads] == [
        None,
        ["Do not e-mail", "Do Not Call"],
        None,
        None,
    ]
    assert (proof["leads"], proof["conversions"]) == (2, 1)
