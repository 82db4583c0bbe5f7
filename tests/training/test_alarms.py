"""Each alarm is raised by leads that give cause for it, and by no others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leadscore.dictionary import Dictionary
from leadscore.training.alarms import FEW, alarms, check
from leadscore.training.dataset import Dataset
from leadscore.training.errors import Alarm, RefusedError
from leadscore.training.evaluation import resampling
from leadscore.training.evaluation.calibration import calibrate
from leadscore.training.models import SERVED, probability
from leadscore.training.recipe import Compared, Comparison, compare

LEADS = 1500
NUMBERS = ("one", "two", "three", "four")
CANDIDATES = ("logistic_regression", SERVED)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdicts here are clear: a fifth of the resamples finds them, too."""
    monkeypatch.setattr(resampling, "RESAMPLES", 200)


@pytest.fixture(scope="module")
def steady() -> Dataset:
    """Leads of which half convert at all times, by steps that a linear model does not see."""
    numbers = _numbers()
    return _leads(numbers, 3.0 * np.sign(numbers["one"] * numbers["two"]))


@pytest.fixture(scope="module")
def fitted(steady: Dataset) -> dict[str, Compared]:
    """What is fitted to steady leads."""
    return _fitted(steady)


def _numbers() -> pd.DataFrame:
    drawn = np.random.default_rng(0).normal(size=(LEADS, len(NUMBERS))).astype(np.float32)
    return pd.DataFrame(drawn, columns=list(NUMBERS))


def _leads(features: pd.DataFrame, log_odds: object, timed: bool = True) -> Dataset:
    """Leads that convert by chance, with these log-odds; their number tells when they came, or not."""
    common = {"known": "capture", "why": "A test."}
    number = {"name": "number", "source": "Number", "role": "id", "kind": "category"}
    target = {"name": "won", "source": "Won", "role": "target", "kind": "category"}
    blocks = [
        {**number, **common, **({"clock": True} if timed else {})},
        *(
            {
                "name": name,
                "source": name.title(),
                "role": "feature",
                "kind": "number" if features[name].dtype == np.float32 else "category",
                **common,
            }
            for name in features
        ),
        {**target, **common, "positive": "yes", "negative": "no"},
    ]
    chance = np.random.default_rng(1).random(LEADS)
    won = (chance < 1 / (1 + np.exp(-np.broadcast_to(np.asarray(log_odds), LEADS)))).astype(np.int8)
    return Dataset(Dictionary.from_dict({"column": blocks}), features, won, "leads.csv", "0" * 64)


def _fitted(leads: Dataset) -> dict[str, Compared]:
    return {name: compare(leads, name, 0) for name in CANDIDATES}


def _alarms(leads: Dataset, fitted: dict[str, Compared] | None = None) -> list[Alarm]:
    """The alarms of the candidates, with the served one's interval as train.py measures it."""
    models = fitted or _fitted(leads)
    features, target = leads.newest()
    found = probability(models[SERVED].pipeline, features)
    intervals = resampling.intervals(target, found, models[SERVED].threshold.value, 0)
    return alarms(leads, models[SERVED], Comparison(leads, models), {"intervals": intervals}, 0)


def _said(found: list[Alarm], start: str) -> list[Alarm]:
    return [alarm for alarm in found if alarm.text.startswith(start)]


def test_a_good_model_raises_no_alarm(steady: Dataset, fitted: dict[str, Compared]) -> None:
    """An alarm that is always there warns of nothing."""
    found = _alarms(steady, fitted)
    assert found == []
    check(found, force=False)


def test_better_candidate_is_named() -> None:
    """Where outcomes follow a straight line, the linear model beats the trees."""
    numbers = _numbers()
    (alarm,) = _alarms(_leads(numbers, 2.0 * numbers.sum(axis=1)))
    assert alarm.text.startswith("On the newest of 1,500 leads logistic regression is better")
    assert not alarm.refused


@pytest.mark.parametrize(
    ("rise", "timed", "moved"), [(1.5, True, True), (0.2, True, False), (1.5, False, False)]
)
def test_conversion_that_moved_is_told(
    fitted: dict[str, Compared], rise: float, timed: bool, moved: bool
) -> None:
    """Where the order of the leads is one in time; a little more or less is no alarm."""
    newest = np.arange(LEADS) >= 0.8 * LEADS
    leads = _leads(_numbers(), np.where(newest, rise - 1, -1), timed)
    found = _said(_alarms(leads, fitted), "Conversion moved from ")
    assert len(found) == moved
    assert not any(alarm.refused for alarm in found)


@pytest.mark.parametrize(("sign", "what"), [(1, "did not convert"), (-1, "converted")])
def test_few_leads_of_an_outcome_are_told(fitted: dict[str, Compared], sign: int, what: str) -> None:
    """How many there are, of either outcome."""
    leads = _leads(_numbers(), sign * 3.0)
    count = np.bincount(leads.target).min()
    assert count < FEW
    (alarm,) = _said(_alarms(leads, fitted), "Only ")
    assert alarm.text.startswith(f"Only {count} leads {what}: ")


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ("Pune", True),
        ("", True),
        (["Pune", *[""] * (LEADS - 1)], False),
        (["Pune"] * (LEADS - 1) + ["Delhi"], True),  # it is among the newest: nothing is learned of it
    ],
    ids=["constant", "blank", "one_filled", "other_in_newest"],
)
def test_constant_columns_are_named(
    steady: Dataset, fitted: dict[str, Compared], values: str | list[str], constant: bool
) -> None:
    """A column that is the same in all training leads does nothing; another value is enough."""
    features = steady.features.assign(city=pd.Series(values, steady.features.index, dtype=str))
    leads = _leads(features, 3.0 * np.sign(features["one"] * features["two"]))
    found = _said(_alarms(leads, fitted), "The same in all training leads")
    assert [alarm.text.rpartition(": ")[2] for alarm in found] == ["City."] * constant


@pytest.mark.parametrize(
    ("texts", "lists"),
    [
        (["Demo; Webinar", "Webinar; Demo", "Demo", ""], True),
        (["Smith, John", "Doe, Jane", "Roe, Jack"], False),
        (["Pune", "Delhi"], False),
    ],
)
def test_lists_that_are_read_as_levels_are_named(
    steady: Dataset, fitted: dict[str, Compared], texts: list[str], lists: bool
) -> None:
    """With the kind that would read their entries; a comma in a name makes no list."""
    drawn = np.random.default_rng(0).choice(texts, LEADS)
    features = steady.features.assign(touch=pd.Series(drawn, steady.features.index, dtype=str))
    leads = _leads(features, 3.0 * np.sign(features["one"] * features["two"]))
    found = _said(_alarms(leads, fitted), "Touch holds lists")
    assert ["kind = 'list' and separator = ';'" in alarm.text for alarm in found] == [True] * lists


def test_reversed_scores_are_refused_even_by_force(steady: Dataset, fitted: dict[str, Compared]) -> None:
    """A calibration that turns the order of the leads round hides that nothing was learned."""
    served = fitted[SERVED]
    calibration, _ = calibrate(steady.oldest()[1], 1 - served.out_of_fold.probability)
    assert calibration.slope < 0
    found = _alarms(steady, {**fitted, SERVED: replace(served, calibration=calibration)})
    assert found[0].text.startswith("Nothing was learned: out of fold")
    with pytest.raises(RefusedError, match=r"calibration slope -\d") as refused:
        check(found, force=True)
    assert "--force" not in str(refused.value)


def test_ranking_no_better_than_chance_is_refused_unless_forced() -> None:
    """Outcomes that no column knows of: the interval of the ROC-AUC holds 0.5."""
    found = _said(_alarms(_leads(_numbers(), 0.0)), "Nothing was learned: the ROC-AUC")
    with pytest.raises(RefusedError, match=r"0\.5 is chance(.|\n)*--force"):
        check(found, force=False)
    check(found, force=True)


def test_leads_that_change_with_time_are_told() -> None:
    """Campaigns follow one another: of the next one the leads before it tell nothing. Without a clock
    the order of the leads is none in time, and nothing is said of it.
    """
    campaign = np.arange(LEADS) * 10 // LEADS
    features = _numbers().assign(campaign=campaign.astype(str))
    log_odds = np.where(campaign % 2, 2.0, -2.0)
    leads = _leads(features, log_odds)
    fitted = _fitted(leads)
    for known, told in ((leads, 1), (_leads(features, log_odds, timed=False), 0)):
        assert len(_said(_alarms(known, fitted), "The leads change with time")) == told


def test_what_is_refused_comes_first(steady: Dataset, fitted: dict[str, Compared]) -> None:
    """Of several alarms those that stop the publishing are read first."""
    leads = _leads(_numbers(), -3.0)
    refused = [alarm.refused for alarm in _alarms(leads, fitted)]
    assert refused == sorted(refused, reverse=True)
    assert set(refused) == {True, False}
