"""Training warns of what looks as if it had been written later."""

import numpy as np
import pytest

from leadscore.dictionary import Dictionary
from leadscore.training.audit.warnings import warnings
from leadscore.training.dataset import Dataset, load
from tests.conftest import TWIN


def test_columns_known_in_time_raise_no_warning(leads: Dataset) -> None:
    """The shipped dictionary is quiet: a warning that is always there warns of nothing."""
    assert warnings(leads) == []


def test_columns_written_after_the_contact_are_named(dictionary: Dictionary) -> None:
    """Those of the twin that the dictionary keeps for later are found again by their figures."""
    found = warnings(load(TWIN, dictionary.known_at("contacted")))
    assert {alarm.text.partition(":")[0] for alarm in found} >= {"Lead Quality"}
    assert all("`known`" in alarm.text for alarm in found)


@pytest.mark.parametrize(("share", "warned"), [(1.0, True), (0.6, False)])
def test_copy_of_the_outcome_is_named(leads: Dataset, share: float, warned: bool) -> None:
    """A leak is named with its figure and the line to change; a good column is not."""
    rng = np.random.default_rng(1)
    copied = rng.random(len(leads)) < share
    noise = rng.permutation(leads.target)
    spoiled = leads.features.assign(city=np.where(copied, leads.target, noise).astype(str))
    found = warnings(Dataset(leads.dictionary, spoiled, leads.target, leads.file, leads.sha256))
    assert [alarm.text[:37] for alarm in found] == ["City: alone it reaches ROC-AUC 1.000:"] * warned
    assert all(alarm.refused for alarm in found)
