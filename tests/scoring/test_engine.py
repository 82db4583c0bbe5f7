"""The engine: probabilities, grades, reasons and cautions, alike for one lead and for many."""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from leadscore.card import Grade
from leadscore.scorer import Scorer
from leadscore.scoring import meaning
from leadscore.scoring.engine import Engine, Scored
from tests.conftest import MODEL

ODD: list[dict[str, object]] = [
    {},
    {"city": "Atlantis", "country": "Mu"},
    {"total_visits": "9e9"},
    {"lead_source": " google ", "city": "Select", "total_visits": " 5 "},
]


def _score(engine: Engine, *leads: Mapping[str, object], reasons: int = 3) -> Scored:
    columns = {name: [lead.get(name) for lead in leads] for name in engine.vocabularies}
    return engine.score(engine.read(columns, len(leads)), reasons)


def _effects(engine: Engine, scored: Scored, lead: int = 0) -> dict[str, float]:
    return {engine.features[reason.feature].name: reason.effect for reason in scored.reasons[lead]}


def test_a_lead_is_answered_alone_as_among_others(engine: Engine) -> None:
    """Score, grade, decision, reasons and cautions do not depend on who else is in the batch: to the
    last bit.
    """
    leads = [*ODD, *(dict(golden.lead) for golden in engine.card.golden)]
    together = _score(engine, *leads)
    for place, lead in enumerate(leads):
        alone = _score(engine, lead)
        assert alone.probability[0] == together.probability[place]
        assert (alone.contributions[0] == together.contributions[place]).all()
        for name in ("score", "grade", "converts"):
            assert getattr(alone, name) == [getattr(together, name)[place]]
        assert alone.reasons == [together.reasons[place]]
        assert alone.cautions.get(0) == together.cautions.get(place)


def test_no_leads_are_no_error(engine: Engine) -> None:
    """An empty block of a table is scored like any other."""
    scored = _score(engine, reasons=2)
    assert (scored.probability.shape, scored.score, scored.cautions) == ((0,), [], {})


def test_reasons_are_the_largest_effects_first(engine: Engine) -> None:
    """K reasons are the K columns that moved the score most, each with its value as it was read."""
    lead = {"total_visits": "5", "lead_source": "google"}
    (every,) = _score(engine, lead, reasons=len(engine.features)).reasons
    sizes = [abs(reason.effect) for reason in every]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(reason.feature for reason in every) == list(range(len(engine.features)))
    texts = [reason.text for reason in every]
    assert [text for text in texts if text.startswith("Visits to the website 5: ")]
    assert [text for text in texts if text.startswith("Lead source “Google”: ")]
    assert [text for text in texts if text.startswith("City is not known: ")]
    assert _score(engine, lead, reasons=2).reasons == [every[:2]]
    assert _score(engine, lead, reasons=0).reasons == []


def test_reasons_add_up_to_the_probability(engine: Engine) -> None:
    """All effects and the base make the log-odds of the very probability in the answer."""
    golden = engine.card.golden
    scored = _score(engine, *(dict(entry.lead) for entry in golden), reasons=len(engine.features))
    for place, probability in enumerate(scored.probability):
        log_odds = engine.card.base + sum(_effects(engine, scored, place).values())
        assert probability == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=1e-5)


def test_column_that_is_absent_is_missing(engine: Engine) -> None:
    """A feature nobody sent scores like one that was sent blank."""
    absent = engine.score(engine.read({"city": ["Pune", "Mumbai"]}, 2))
    blank = _score(engine, {"city": "Pune", "total_visits": ""}, {"city": "Mumbai", "country": None})
    assert absent.probability.tolist() == blank.probability.tolist()


def test_wrong_values_are_told_and_spoil_no_other_lead(engine: Engine) -> None:
    """Every wrong value of a lead is named with its column's header; the others score as if alone."""
    leads: list[dict[str, object]] = [{}, {"total_visits": "many", "city": 5}, {"city": "x" * 1001}]
    columns = {name: [lead.get(name) for lead in leads] for name in engine.vocabularies}
    read = engine.read(columns, len(leads))
    found = {lead: [str(error) for error in errors] for lead, errors in engine.errors(read).items()}
    assert found.keys() == {1, 2}
    assert "TotalVisits: got 'many', expected a number of at least 0 or null" in found[1]
    assert "City: got 5, expected text or null" in found[1]
    assert "text of at most 1000 characters" in found[2][0]
    assert engine.score(read).probability[0] == _score(engine, {}).probability[0]


@pytest.mark.parametrize(
    ("lead", "column", "text"),
    [
        (
            {"city": "Atlantis"},
            "city",
            "City “Atlantis” is new to the model, which takes it for “Mumbai”.",
        ),
        (
            {"total_visits": 9999},
            "total_visits",
            "Visits to the website 9,999 is outside what the model has seen (0 to 251).",
        ),
        ({}, None, "Nothing is known of this lead: every column is missing."),
    ],
)
def test_what_training_has_not_seen_is_told(
    engine: Engine, lead: dict[str, object], column: str | None, text: str
) -> None:
    """A new level, a number out of range and an empty lead each give a caution, ordinary ones none."""
    ordinary = {"city": "Mumbai", "total_visits": 3}
    assert _score(engine, ordinary, lead, ordinary).cautions == {1: [(column, text)]}


def test_new_level_scores_as_the_one_the_caution_names(engine: Engine) -> None:
    """For every category: the caution says what the graph does."""
    for column in engine.features:
        if column.kind == "category":
            new = _score(engine, {column.name: "never heard of"})
            ((_, text),) = new.cautions[0]
            known = text.rpartition("“")[2].removesuffix("”.")
            named = _score(engine, {column.name: known})
            assert new.probability == named.probability
            assert named.cautions == {}


def test_grades_and_decision_follow_the_card() -> None:
    """A probability on a cut-off has the better grade and converts; just below it has neither."""
    scorer = Scorer(MODEL)
    lead = dict(scorer.card.golden[0].lead)
    at = float(_score(Engine(scorer, 1000), lead).probability[0])
    for cut, grade in ((at, "A"), (math.nextafter(at, 1), "B")):
        grades = (Grade("A", cut, 0.5, None), Grade("B", 0.0, 0.5, None))
        threshold = replace(scorer.card.threshold, value=cut)
        scorer.card = replace(scorer.card, grades=grades, threshold=threshold)
        scored = _score(Engine(scorer, 1000), lead)
        assert (scored.grade, scored.converts) == ([grade], [grade == "A"])


def test_forgetting_values_changes_no_answer(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More distinct values than are remembered: every block is scored as if it were the first."""
    monkeypatch.setattr(meaning, "REMEMBERED", 50)
    one = Engine(scorer, 1000)
    for start in range(0, 400, 40):
        leads = [{"total_time_spent_on_website": str(start + step)} for step in range(40)]
        found, fresh = _score(one, *leads), _score(Engine(scorer, 1000), *leads)
        assert found.probability.tolist() == fresh.probability.tolist()
        assert found.reasons == fresh.reasons


def test_threads_share_an_engine(scorer: Scorer) -> None:
    """Concurrent requests get what they would get alone, from the first on."""
    leads = [dict(golden.lead) for golden in scorer.card.golden]
    expected = _score(Engine(scorer, 1000), *leads)
    shared = Engine(scorer, 1000)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: _score(shared, *leads), range(200)):
            assert np.array_equal(found.probability, expected.probability)
            assert found.reasons == expected.reasons
