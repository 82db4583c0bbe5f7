"""The card travels inside the model file and says everything the service needs."""

import json
from dataclasses import replace

import pytest

from leadscore.card import FORMAT, UNSEALED, Card, CardError, check_seal, seal, version_of
from leadscore.scorer import Scorer


def test_card_survives_its_own_document(scorer: Scorer) -> None:
    """What is read from the file is what was written into it."""
    assert Card.from_json(scorer.card.to_json()) == scorer.card


def test_card_says_what_it_was_trained_on_and_how_well_it_does(scorer: Scorer) -> None:
    """A model file found years later explains itself."""
    card = scorer.card
    assert len(card.data["sha256"]) == 64
    assert 0.5 < card.metrics["newest"]["roc_auc"] < card.metrics["intervals"]["roc_auc"][1]
    assert card.versions["xgboost"]
    assert card.parity["flipped_decisions"] == 0
    assert {"lead_number", "converted", "tags"} <= {c.name for c in card.dictionary.columns}
    assert 0 < card.threshold.value < 1


def test_card_holds_no_real_lead(scorer: Scorer) -> None:
    """Golden leads are composed; they carry no id."""
    ids = {key for c in scorer.card.dictionary.ids for key in (c.name, c.source)}
    assert all(not ids & set(golden.lead) for golden in scorer.card.golden)


@pytest.mark.parametrize("key", ["threshold", "dictionary", "golden", "version", "base", "drift"])
def test_missing_key_is_an_error_not_a_default(scorer: Scorer, key: str) -> None:
    """A card without its threshold is refused, not served with another one."""
    document = scorer.card.to_dict()
    del document[key]
    with pytest.raises(CardError, match=f"the card lacks {key}"):
        Card.from_json(json.dumps(document))


def test_card_says_how_much_each_column_tells(scorer: Scorer) -> None:
    """The mean absolute contribution of every feature: how much is lost without it."""
    card = scorer.card
    assert card.importance.keys() == {column.name for column in card.dictionary.features}
    assert max(card.importance, key=card.importance.__getitem__) == "total_time_spent_on_website"
    assert min(card.importance.values()) >= 0


def test_file_made_before_the_card_had_importance_is_read(scorer: Scorer) -> None:
    """An optional key is no other format."""
    document = scorer.card.to_dict()
    del document["importance"]
    card = Card.from_json(json.dumps(document))
    card.check()
    assert card.importance == {}


@pytest.mark.parametrize(
    ("importance", "what"),
    [
        ({"city": 1.0}, "lacks a feature"),
        ({"city": -1.0}, "not from 0 on"),
        ({"city": float("nan")}, "0 on"),
    ],
)
def test_importance_nobody_could_use_is_refused(
    scorer: Scorer, importance: dict[str, float], what: str
) -> None:
    """Of some features only, below 0, or no number."""
    if "feature" not in what:
        importance = {**scorer.card.importance, **importance}
    with pytest.raises(CardError, match=what):
        replace(scorer.card, importance=importance).check()


@pytest.mark.parametrize("found", [FORMAT + 1, None, "1"])
def test_other_format_is_refused(scorer: Scorer, found: object) -> None:
    """A file of a later version is not half understood."""
    with pytest.raises(CardError, match="card format"):
        Card.from_json(json.dumps({**scorer.card.to_dict(), "format": found}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1"])
def test_what_is_no_card_is_refused(text: str) -> None:
    """Any other metadata is an error of its own."""
    with pytest.raises(CardError):
        Card.from_json(text)


def test_broken_part_is_refused(scorer: Scorer) -> None:
    """A threshold of another shape does not pass as one."""
    with pytest.raises(CardError, match="cannot be read"):
        Card.from_json(json.dumps({**scorer.card.to_dict(), "threshold": {"cut": 0.5}}))


FILE = b"before " + UNSEALED.encode() + b" after"


def test_sealed_file_is_as_long_and_is_verified() -> None:
    """The digest takes the place of the zeros: nothing else moves."""
    sealed = seal(FILE)
    check_seal(sealed)
    assert len(sealed) == len(FILE)
    assert (sealed[:7], sealed[-6:]) == (b"before ", b" after")
    assert version_of(FILE) == version_of(FILE) != version_of(sealed)


@pytest.mark.parametrize("place", [0, 30, -1], ids=["before", "digest", "after"])
def test_changed_file_is_damaged(place: int) -> None:
    """One bit anywhere, the digest included."""
    damaged = bytearray(seal(FILE))
    damaged[place] ^= 1
    with pytest.raises(CardError, match="damaged"):
        check_seal(bytes(damaged))


@pytest.mark.parametrize("content", [b"", b"no seal", FILE, seal(FILE) + seal(FILE)])
def test_file_without_its_seal_is_refused(content: bytes) -> None:
    """Never sealed, or sealed twice: no model of ours."""
    with pytest.raises(CardError):
        check_seal(content)
