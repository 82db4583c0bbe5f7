"""Blocks: the columns that are added to a table, and what they add up to."""

from collections.abc import Sequence

import numpy as np
import pytest

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine, Leads, Scored
from leadscore.tables.block import answer, check_reasons, guarded
from leadscore.tables.mapping import TableError

LEADS: list[dict[str, object]] = [
    {"city": "Atlantis"},
    {"city": "Atlantis", "total_visits": "many"},
    {"city": "Atlantis"},
]


def _read(engine: Engine, leads: list[dict[str, object]]) -> Leads:
    columns = {name: [lead.get(name) for lead in leads] for name in engine.vocabularies}
    return engine.read(columns, len(leads))


def test_rows_are_answered_what_the_engine_scores(engine: Engine) -> None:
    """Probabilities rounded as they are shown; grade, decision, reasons and warnings as they are."""
    leads = _read(engine, [{}, *(dict(golden.lead) for golden in engine.card.golden)])
    scored, answered = engine.score(leads, 4, both_sides=True), answer(engine, leads, 4)
    assert answered.probability == pytest.approx(scored.probability, abs=5e-7)
    assert (answered.score, answered.grade) == (scored.score, scored.grade)
    assert answered.converts == scored.converts
    texts = [[reason.text for reason in reasons] for reasons in scored.reasons]
    assert [list(reasons) for reasons in zip(*answered.reasons, strict=True)] == texts
    assert answered.warnings[0] == "Nothing is known of this lead: every column is missing."
    totals = answered.totals()
    assert (totals.leads, totals.wrong) == (len(answered.errors), 0)
    assert totals.converts == sum(scored.converts)
    assert totals.expected_conversions == pytest.approx(scored.probability.sum(), abs=1e-4)


def test_lead_with_an_error_has_nothing_else(engine: Engine) -> None:
    """No score, no reasons and no warning, whether a cell or the whole row is wrong."""
    answered = answer(engine, _read(engine, LEADS), 1, refused={2: "too short"})
    assert [bool(text) for text in answered.warnings] == [True, False, False]
    assert answered.errors[0] == ""
    assert "TotalVisits: got 'many', expected a number of at least 0 or null" in answered.errors[1]
    assert answered.errors[2] == "too short"
    assert np.isnan(answered.probability).tolist() == [False, True, True]
    columns: tuple[Sequence[object], ...] = (answered.score, answered.grade, answered.converts)
    for column in (*columns, *answered.reasons):
        assert [value is None for value in column] == [False, True, True]
    totals = answered.totals()
    assert (totals.leads, totals.wrong) == (3, 2)
    assert totals.expected_conversions == pytest.approx(answered.probability[0])


def test_who_counts_leads_is_told_of_the_wrong_ones(engine: Engine) -> None:
    """Metrics count what was scored, and know which of it has no answer."""
    told: list[tuple[Scored, set[int]]] = []
    answered = answer(
        engine, _read(engine, LEADS), 0, {2: "too short"}, lambda *noted: told.append(noted)
    )
    ((scored, wrong),) = told
    assert wrong == {1, 2}
    assert scored.probability[0] == pytest.approx(answered.probability[0], abs=5e-7)


@pytest.mark.parametrize("reasons", [-1, 12])
def test_impossible_number_of_reasons_is_refused(scorer: Scorer, reasons: int) -> None:
    """From none to all columns, also where no parser has looked at the number, as with Spark."""
    with pytest.raises(TableError, match=f"got {reasons} reasons, expected 0 to 11"):
        check_reasons(reasons, scorer)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_added_cells_are_no_formulas(start: str) -> None:
    """A spreadsheet takes no added cell for a formula."""
    assert guarded(f"{start}1+1") == f"'{start}1+1"
    assert guarded(f"a{start}") == f"a{start}"
