"""Tables score like single leads, and tell what is wrong with a cell."""

import numpy as np
import pytest

from leadscore.columns import clean
from leadscore.scorer import Scorer
from leadscore.serving import table
from leadscore.serving.answers import Answers
from leadscore.serving.leads import Leads
from leadscore.serving.table import TableError, TableScorer, check_reasons, guarded
from leadscore.training.dataset import Dataset

ODD = [
    {},
    {"city": "Atlantis", "country": "Mu"},
    {"total_visits": "9e9"},
    {"lead_source": " google ", "city": "Select", "total_visits": " 5 "},
]


def _columns(leads: list[dict[str, object]], scorer: Scorer) -> dict[str, list[object]]:
    names = [column.name for column in scorer.card.dictionary.features]
    return {name: [lead.get(name) for lead in leads] for name in names}


def test_tables_answer_what_single_leads_are_answered(scorer: Scorer, leads: Dataset) -> None:
    """Probability, score, grade, decision, reasons and warnings are those of POST /predict."""
    features, _ = leads.newest()
    rows = [*ODD, *(dict(row) for row in features.iloc[::20].to_dict("records"))]
    dictionary = scorer.card.dictionary
    expected = Answers(scorer).predict(Leads.of([clean(row, dictionary) for row in rows]), reasons=4)
    scored = TableScorer(scorer, 4, 1000).score(_columns(rows, scorer), len(rows))
    assert len(rows) > 90
    assert scored.errors == [""] * len(rows)
    for index, answer in enumerate(expected):
        assert scored.probability[index] == pytest.approx(answer.probability, abs=5e-7)
        assert scored.score[index] == answer.score
        assert scored.grade[index] == answer.grade
        assert scored.converts[index] == answer.converts
        assert [sentences[index] for sentences in scored.reasons] == [r.text for r in answer.reasons]
        assert scored.warnings[index] == "; ".join(caution.text for caution in answer.warnings)


def test_wrong_cells_are_named_and_spoil_no_other_lead(scorer: Scorer) -> None:
    """A lead with a wrong cell has an error that names column, value and expectation, and no score."""
    leads: list[dict[str, object]] = [{}, {"total_visits": "many", "city": 5}, {"city": "x" * 11}]
    scored = TableScorer(scorer, 1, 10).score(_columns(leads, scorer), len(leads))
    assert np.isnan(scored.probability).tolist() == [False, True, True]
    assert scored.grade[1:] == ["", ""]
    assert not scored.converts[1:].any()
    assert "TotalVisits: got 'many', expected a number of at least 0" in scored.errors[1]
    assert "City: got 5, expected text" in scored.errors[1]
    assert "text of at most 10 characters" in scored.errors[2]
    totals = scored.totals()
    assert (totals.leads, totals.wrong) == (3, 2)
    assert totals.expected_conversions == pytest.approx(scored.probability[0])


def test_lead_with_an_error_has_no_warning(scorer: Scorer) -> None:
    """What is odd about a lead that gets no score is not told, whether a cell or the row is wrong."""
    leads: list[dict[str, object]] = [
        {"city": "Atlantis"},
        {"city": "Atlantis", "total_visits": "many"},
        {"city": "Atlantis"},
    ]
    scored = TableScorer(scorer, 1, 1000).score(_columns(leads, scorer), 3, refused={2: "too short"})
    assert [bool(text) for text in scored.warnings] == [True, False, False]
    assert [bool(text) for text in scored.errors] == [False, True, True]
    assert scored.errors[2] == "too short"
    assert np.isnan(scored.probability).tolist() == [False, True, True]
    assert (scored.grade[2], scored.converts[2]) == ("", False)


@pytest.mark.parametrize("reasons", [-1, 12])
def test_impossible_number_of_reasons_is_refused(scorer: Scorer, reasons: int) -> None:
    """From none to all columns, also where no parser has looked at the number, as with Spark."""
    with pytest.raises(TableError, match=f"got {reasons} reasons, expected 0 to 11"):
        check_reasons(reasons, scorer)


def test_forgetting_cells_changes_no_answer(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More distinct cells than are remembered: every block is scored as if it were the first."""
    monkeypatch.setattr(table, "REMEMBERED", 50)
    one = TableScorer(scorer, 2, 1000)
    for start in range(0, 400, 40):
        block = {"total_time_spent_on_website": [str(start + step) for step in range(40)]}
        found = one.score(block, 40)
        fresh = TableScorer(scorer, 2, 1000).score(block, 40)
        assert found.probability.tolist() == fresh.probability.tolist()
        assert found.reasons == fresh.reasons


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_added_cells_are_no_formulas(start: str) -> None:
    """A spreadsheet takes no added cell for a formula."""
    assert guarded(f"{start}1+1") == f"'{start}1+1"
    assert guarded(f"a{start}") == f"a{start}"
