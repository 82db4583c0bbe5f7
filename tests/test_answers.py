"""Answers: grades, reasons in words, cautions, and what a batch adds up to."""

import math

import pytest

from leadscore.columns import clean
from leadscore.scorer import Scorer
from leadscore.serving.answers import Answers
from leadscore.serving.leads import Leads
from leadscore.serving.schema import Prediction


def _predict(scorer: Scorer, *leads: dict[str, object], reasons: int = 3) -> list[Prediction]:
    found = Leads.of([clean(lead, scorer.card.dictionary) for lead in leads])
    return Answers(scorer).predict(found, reasons)


def test_reasons_are_the_largest_effects_first(scorer: Scorer) -> None:
    """K reasons are the K columns that moved the score most, with the value as it was read."""
    lead = {"total_visits": "5", "lead_source": "google", "City": "Select"}
    columns = len(scorer.card.dictionary.features)
    (every,) = _predict(scorer, lead, reasons=columns)
    sizes = [abs(reason.effect) for reason in every.reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == columns
    values = {reason.column: reason.value for reason in every.reasons}
    assert (values["total_visits"], values["lead_source"], values["city"]) == (5, "Google", None)
    for count in (0, 2):
        (some,) = _predict(scorer, lead, reasons=count)
        assert some.reasons == every.reasons[:count]


def test_reasons_add_up_to_the_probability(scorer: Scorer) -> None:
    """All effects and the base make the log-odds of the very probability in the answer."""
    for golden in scorer.card.golden:
        (answer,) = _predict(scorer, dict(golden.lead), reasons=len(scorer.card.dictionary.features))
        log_odds = scorer.card.base + sum(reason.effect for reason in answer.reasons)
        assert answer.probability == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=1e-5)


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
    scorer: Scorer, lead: dict[str, object], column: str | None, text: str
) -> None:
    """An unseen level, a number out of range and an empty lead each give a warning."""
    (answer,) = _predict(scorer, lead)
    assert [(caution.column, caution.text) for caution in answer.warnings] == [(column, text)]


def test_new_level_scores_as_the_one_the_warning_names(scorer: Scorer) -> None:
    """For every category: the warning says what the graph does."""
    for column in scorer.card.dictionary.features:
        if column.kind == "category":
            (new,) = _predict(scorer, {column.name: "never heard of"})
            known = new.warnings[0].text.rpartition("“")[2].removesuffix("”.")
            (named,) = _predict(scorer, {column.name: known})
            assert new.probability == named.probability
            assert named.warnings == []


def test_ordinary_lead_has_no_warning(scorer: Scorer) -> None:
    """Warnings are for what is unusual."""
    assert _predict(scorer, {"city": "Mumbai", "total_visits": 3})[0].warnings == []


def test_grades_follow_the_card(scorer: Scorer) -> None:
    """A probability on a cut-off has the better grade; the worst grade takes everything else."""
    grades, grade = scorer.card.grades, Answers(scorer).grade
    for entry in grades:
        assert grade(entry.at_least) == entry.grade
    assert grade(math.nextafter(grades[0].at_least, 0)) == grades[1].grade
    assert (grade(0.0), grade(1.0)) == (grades[-1].grade, grades[0].grade)


def test_capacity_cuts_where_the_calls_run_out(scorer: Scorer) -> None:
    """Calling the leads from the cut on takes the calls there are, for the conversions promised."""
    leads = Leads.of([clean(dict(g.lead), scorer.card.dictionary) for g in scorer.card.golden])
    batch = Answers(scorer).predict_batch(leads, reasons=0, calls=5)
    best = sorted((answer.probability for answer in batch.predictions), reverse=True)[:5]
    assert batch.summary.capacity is not None
    assert batch.summary.capacity.calls == 5
    assert batch.summary.capacity.probability_from == best[-1]
    assert batch.summary.capacity.expected_conversions == pytest.approx(sum(best))
    everyone = Answers(scorer).predict_batch(leads, reasons=0, calls=10_000).summary
    assert everyone.capacity is not None
    assert everyone.capacity.calls == len(leads.ids)
    assert everyone.capacity.expected_conversions == pytest.approx(everyone.expected_conversions)
