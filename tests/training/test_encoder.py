"""Categories as numbers: rare and new levels find a place that means what it should."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from leadscore.training.encoder import LevelEncoder, NumberFiller

LEADS = pd.DataFrame(
    {
        "source": ["google"] * 4 + ["direct"] * 3 + [""] * 5 + ["fax"],
        "city": [""] * 13,
    }
)


@pytest.fixture
def encoder() -> LevelEncoder:
    """Fitted on leads with a common, a rare and a missing level."""
    return LevelEncoder(rare=2).fit(LEADS)


def test_each_level_has_its_own_feature(encoder: LevelEncoder) -> None:
    """The commonest present level stands first, missing is a level, a column without values has one."""
    assert encoder.levels_ == [["google", "direct", ""], [""]]
    names = ["source_google", "source_direct", "source_", "city_"]
    assert list(encoder.get_feature_names_out()) == names
    found = encoder.transform(LEADS)
    assert found.dtype == np.float32
    assert found.shape == (13, 4)
    assert (found[:, :3].sum(axis=1) == 1).all()
    assert found[4].tolist() == [0, 1, 0, 1]  # from direct


@pytest.mark.parametrize("level", ["fax", "a new channel", "GOOGLE", "東京"])
def test_rare_and_unseen_levels_count_as_the_commonest(encoder: LevelEncoder, level: str) -> None:
    """Also where missing is commoner than any level: an unseen level is not missing."""
    found = encoder.transform(pd.DataFrame({"source": [level], "city": ["unseen"]}))
    assert found.tolist() == [[1, 0, 0, 1]]


def test_order_of_leads_does_not_matter() -> None:
    """Equal counts are told apart by name: the same data gives the same model bytes."""
    values = pd.DataFrame({"source": ["b", "a", "c", "c", "a", "b"]})
    levels = [LevelEncoder(rare=1).fit(part).levels_ for part in (values, values[::-1])]
    assert levels[0] == levels[1] == [["a", "b", "c"]]


def test_every_level_may_be_rare() -> None:
    """A column of free text keeps one level, and every lead has it."""
    found = LevelEncoder(rare=10).fit_transform(pd.DataFrame({"note": ["b", "a", "c"]}))
    assert found.tolist() == [[1], [1], [1]]


def test_clone_is_not_fitted(encoder: LevelEncoder) -> None:
    """Folds fit encoders of their own."""
    with pytest.raises(NotFittedError):
        clone(encoder).transform(LEADS)


def test_numbers_hardly_ever_missing_are_filled_and_no_others() -> None:
    """Where training has met missing values, they stay; where it has not, the median stands for them."""
    training = pd.DataFrame(
        {"seconds": [1.0, 2, 30, np.nan], "visits": [np.nan, np.nan, 5, 7], "empty": [np.nan] * 4},
        dtype=np.float32,
    )
    filler = NumberFiller(rare=2).fit(training)
    found = filler.transform(pd.DataFrame({name: [np.nan, 9] for name in training}, dtype=np.float32))
    assert found.dtype == np.float32
    assert np.array_equal(found, np.array([[2, np.nan, np.nan], [9, 9, 9]]), equal_nan=True)
    assert list(filler.get_feature_names_out()) == list(training)
    with pytest.raises(NotFittedError):
        clone(filler).transform(training)
