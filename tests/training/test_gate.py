"""The publish gate: a worse model does not get past it, an equal or better one does."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.training import gate
from leadscore.training.dataset import Dataset, inputs, load
from leadscore.training.evaluation import resampling
from tests.conftest import MODEL, TWIN


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdicts here are clear: a fifth of the resamples finds them, too."""
    monkeypatch.setattr(resampling, "RESAMPLES", 200)


@pytest.fixture(scope="module")
def everything(dictionary: Dictionary) -> Dataset:
    """The shipped leads with all columns, as train.py hands them to the gate."""
    return load(TWIN, dictionary, everything=True)


@pytest.fixture(scope="module")
def published(scorer: Scorer, everything: Dataset) -> np.ndarray:
    """What the shipped model gives the newest leads."""
    return scorer.run(inputs(everything.newest()[0], scorer.card.dictionary))[0]


def _informed(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Calibrated probabilities of a model that knows more: evidence normal around +1 or -1 log-odds."""
    evidence = np.random.default_rng(0).normal(2.0 * target - 1, np.sqrt(2))
    return np.asarray(1 / (1 + np.exp(-np.log(probability / (1 - probability)) - evidence)))


def _objections(scorer: Scorer, leads: Dataset, probability: np.ndarray) -> str:
    return "; ".join(gate.objections(scorer, leads, probability, seed=0))


def test_the_same_model_passes(scorer: Scorer, everything: Dataset, published: np.ndarray) -> None:
    """Training again on the same data is no reason to refuse."""
    assert _objections(scorer, everything, published) == ""


def test_a_better_model_passes(scorer: Scorer, everything: Dataset, published: np.ndarray) -> None:
    """Probabilities nearer to the outcome, in every slice."""
    better = _informed(published, everything.newest()[1])
    assert _objections(scorer, everything, better) == ""


def test_a_model_that_ranks_worse_is_refused(
    scorer: Scorer, everything: Dataset, published: np.ndarray
) -> None:
    """Noise on the log-odds lowers ROC-AUC; the objection names it with its interval."""
    rng = np.random.default_rng(0)
    odds = np.log(published / (1 - published)) + rng.normal(0, 2, len(published))
    found = _objections(scorer, everything, 1 / (1 + np.exp(-odds)))
    assert "ROC-AUC -0." in found
    assert "log loss +0." in found
    assert "on the newest leads" in found


def test_a_model_that_only_lost_its_calibration_is_refused(
    scorer: Scorer, everything: Dataset, published: np.ndarray
) -> None:
    """The same order of leads with inflated probabilities: ROC-AUC would not notice."""
    found = _objections(scorer, everything, np.sqrt(published))
    assert "log loss +0." in found
    assert "ROC-AUC" not in found


def test_a_slice_that_collapses_is_named(
    scorer: Scorer, everything: Dataset, published: np.ndarray
) -> None:
    """One channel scored at random hides in the whole, if the rest improves; its slice tells."""
    features, target = everything.newest()
    broken = (features["lead_source"] == "Organic Search").to_numpy()
    probability = _informed(published, target)
    probability[broken] = np.random.default_rng(0).permutation(published[broken])
    found = _objections(scorer, everything, probability)
    assert f"Lead Source = Organic Search ({broken.sum():,} leads)" in found
    assert "on the newest leads" not in found


@pytest.mark.parametrize(("shift", "refused"), [(0.03, False), (0.2, True)])
def test_a_model_may_be_worse_by_as_much_as_seeds_differ(
    scorer: Scorer, everything: Dataset, published: np.ndarray, shift: float, refused: bool
) -> None:
    """Log loss is worse beyond chance in both cases; only a loss beyond the margin is refused."""
    odds = np.log(published / (1 - published)) + shift
    assert bool(_objections(scorer, everything, 1 / (1 + np.exp(-odds)))) == refused


def test_the_best_model_so_far_is_the_one_to_beat(everything: Dataset) -> None:
    """A model that is as good does not take its place, one that is better beyond chance does."""
    published, _ = Scorer(MODEL.parent / gate.EVALUATED).run(
        inputs(everything.newest()[0], Scorer(MODEL).card.dictionary)
    )
    assert not gate.check(MODEL.parent, "another", everything, published, 0)
    better = _informed(published, everything.newest()[1])
    assert gate.check(MODEL.parent, "another", everything, better, 0)


def test_a_model_that_reads_other_columns_is_not_compared(
    scorer: Scorer, everything: Dataset, published: np.ndarray
) -> None:
    """A model of another CRM in the folder is a mistake to stop at, not to overwrite."""
    columns = tuple(
        replace(c, name="trunk", source="Trunk") if c.name == "city" else c
        for c in everything.dictionary.columns
    )
    other = replace(
        everything,
        dictionary=Dictionary(columns),
        features=everything.features.rename(columns={"city": "trunk"}),
    )
    assert _objections(scorer, other, published) == (
        "the published model reads City, which this data lacks: not comparable"
    )


@pytest.mark.parametrize("change", [{"minimum": 5.0}, {"kind": "number", "levels": ()}])
def test_leads_the_published_model_does_not_take_are_said(
    scorer: Scorer, everything: Dataset, published: np.ndarray, change: dict[str, Any]
) -> None:
    """Its dictionary had another minimum or kind: there is nothing to compare, and no traceback."""
    name = "total_visits" if "minimum" in change else "city"
    columns = [replace(c, **change) if c.name == name else c for c in scorer.card.dictionary.columns]
    card = replace(scorer.card, dictionary=Dictionary(tuple(columns)))
    old: Any = SimpleNamespace(card=card, run=scorer.run)
    assert "does not take these leads" in _objections(old, everything, published)
