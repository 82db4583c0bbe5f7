"""The ablation: what ever later columns would have claimed."""

import tomllib
from types import SimpleNamespace
from typing import Any

import pytest

from leadscore.dictionary import Dictionary
from leadscore.training import claims
from leadscore.training.dataset import load
from leadscore.training.decision import Rule
from tests.conftest import CASES


def test_no_set_of_columns_is_fitted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no column is known later, every level is the served model, which is fitted already."""
    dictionary = Dictionary.load(CASES / "crm.toml")
    leads = load(CASES / "base.csv", dictionary, everything=True)
    features = tuple(column.name for column in leads.dictionary.features)
    served: Any = SimpleNamespace(
        pipeline=SimpleNamespace(feature_names_in_=features), newest={"f1": 0.5}, at_random={"f1": 0.6}
    )
    monkeypatch.setattr(claims, "fit", lambda *_: pytest.fail("fitted again"))
    found = claims.ablation(leads, dictionary, served, Rule(), 0, lambda _: None)
    assert list(found) == [*dictionary.moments, "everything"]
    assert {level["by_time"]["f1"] for level in found.values()} == {0.5}


def test_moment_at_which_nothing_is_known_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of columns that are all known later has no claim for the time before."""
    text = (CASES / "crm.toml").read_text().replace('known = "capture"', 'known = "engaged"')
    dictionary = Dictionary.from_dict(tomllib.loads(text))
    leads = load(CASES / "base.csv", dictionary, everything=True)
    features = tuple(column.name for column in leads.dictionary.features)
    served: Any = SimpleNamespace(
        pipeline=SimpleNamespace(feature_names_in_=features), newest={}, at_random={}
    )
    found = claims.ablation(leads, dictionary, served, Rule(), 0, lambda _: None)
    assert list(found) == ["engaged", "contacted", "everything"]
