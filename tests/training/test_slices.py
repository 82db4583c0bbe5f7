"""Parts of the newest leads: large enough to judge a model by."""

from leadscore.dictionary import Dictionary
from leadscore.training import slices
from leadscore.training.dataset import load
from tests.conftest import TWIN


def test_slices_are_large_enough_to_judge(dictionary: Dictionary) -> None:
    """Every slice has both outcomes, and none is a handful of leads."""
    leads = load(TWIN, dictionary)
    target = leads.newest()[1]
    parts = slices.by_level(leads)
    assert {name.split(" = ")[0] for name in parts} == {"Lead Origin", "Lead Source"}
    for rows in parts.values():
        assert rows.sum() >= slices.SMALLEST
        assert 0 < target[rows].mean() < 1
