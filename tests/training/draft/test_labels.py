"""The labels of a target."""

import pytest

from leadscore.training.cells import DataError
from leadscore.training.draft.labels import labels

STAGES = ["Closed Won"] * 3 + ["Closed Lost"] * 5 + ["Unqualified"] * 2 + ["Working"] * 4 + [""]


def test_stages_are_sorted_and_a_person_is_asked() -> None:
    """A lead that is still worked on is no loss; a blank one has no outcome."""
    found = labels("Stage", STAGES, ["closed won"], [])
    assert found.positive == ("Closed Won",)
    assert found.negative == ("Closed Lost", "Unqualified")
    assert found.open == ("Working",)
    assert "Working" in found.guessed
    assert found.outcomes(STAGES).tolist() == [1] * 3 + [0] * 7 + [-1] * 5


def test_what_is_open_can_be_said() -> None:
    """The option is taken at its word, and nothing is asked but what all others mean."""
    found = labels("Stage", STAGES, ["Closed Won"], ["Unqualified", "Working"])
    assert (found.open, found.negative) == (("Working", "Unqualified"), ("Closed Lost",))
    assert not found.guessed


def test_yes_and_no_need_no_option() -> None:
    """Two labels of which one says yes are clear."""
    assert labels("Won", ["Yes", "No"], [], []).positive == ("Yes",)


@pytest.mark.parametrize(
    ("cells", "positive", "still", "said"),
    [
        (STAGES, [], [], "--positive: which label"),
        (STAGES, ["Gained"], [], "--positive 'gained': no label"),
        (STAGES, ["Closed Won"], ["Wroking"], "--open 'wroking': no label"),
        (["Won", "Open"], ["Won"], [], "no lead has another label"),
    ],
)
def test_labels_that_cannot_be_sorted_are_listed(
    cells: list[str], positive: list[str], still: list[str], said: str
) -> None:
    """The message says which option it is about."""
    with pytest.raises(DataError, match=said):
        labels("Stage", cells, positive, still)
