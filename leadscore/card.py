"""The model card: what a model file says of itself, as one JSON document in its ONNX metadata.

At serving time the card is the schema: which columns the model reads, which it refuses and why, where
the threshold lies, and a few golden leads by which a runtime proves that it computes what was trained.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

from leadscore.columns import Dictionary, DictionaryError, Known

MODEL: Final = "lead_conversion"
"""The model's name: of its file, its graph and its route."""

METADATA_KEY: Final = "card"

VERSION_LENGTH: Final = 12  # hexadecimal digits
HIGH_BIT: Final = 0x80  # of a byte

# Raise this when a reader of the old format would misread the new one: a key renamed, removed or given
# another meaning (a new optional key is no reason). Then: add a line to CHANGELOG.md, retrain
# (`make train`), and commit code and model together. A file of another format is refused.
FORMAT: Final = 1


class CardError(ValueError):
    """The model file carries no card, or one this version does not read."""


@dataclass(frozen=True)
class Threshold:
    """From which probability on a lead counts as converting, and the rule that chose it.

    `expected`, out of fold and per 100 leads: `calls` (leads that reach the threshold), `conversions`
    among them; their `precision` and `recall`.
    """

    value: float
    rule: str
    parameters: Mapping[str, float]
    expected: Mapping[str, float]


@dataclass(frozen=True)
class Grade:
    """A band of probabilities, from `at_least` up to the next better grade.

    `share` of the leads the model was tested on that got the grade, and their `conversion_rate`.
    """

    grade: str
    at_least: float
    share: float
    conversion_rate: float | None


@dataclass(frozen=True)
class Golden:
    """A raw lead, and the probability and contributions the fitted pipeline gave it."""

    lead: Mapping[str, Any]
    probability: float
    contributions: tuple[float, ...]


@dataclass(frozen=True)
class Card:
    """Everything a model file says of itself.

    `version` is that of the file's bytes (`version_of`), or "" in one that is not sealed yet.
    `reference` holds the distribution of each feature in the training leads: the share of `missing`,
    and either the share of each of the `levels` or the `quantiles` (minimum, deciles, maximum). `base`
    plus a lead's contributions are its log-odds. `grades` stand best first.
    """

    name: str
    version: str
    known: Known
    dictionary: Dictionary
    reference: Mapping[str, Mapping[str, Any]]
    base: float
    calibration: Mapping[str, Any]
    threshold: Threshold
    grades: tuple[Grade, ...]
    metrics: Mapping[str, Any]
    data: Mapping[str, Any]
    parity: Mapping[str, Any]
    versions: Mapping[str, str]
    golden: tuple[Golden, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document, as `GET /model` shows it."""
        return {
            "format": FORMAT,
            **{entry.name: getattr(self, entry.name) for entry in fields(self)},
            "dictionary": self.dictionary.to_dict(),
            "threshold": vars(self.threshold),
            "grades": [vars(grade) for grade in self.grades],
            "golden": [vars(golden) for golden in self.golden],
        }

    def to_json(self) -> str:
        """The document as text, the same for the same card."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a card; CardError names the key that is missing or cannot be read."""
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise CardError(f"the card is not JSON: {error}") from None
        found = document.get("format") if isinstance(document, dict) else None
        if found != FORMAT:
            raise CardError(f"card format {found!r}, this version reads {FORMAT}")
        names = [entry.name for entry in fields(cls)]
        if absent := [name for name in names if name not in document]:
            raise CardError(f"the card lacks {', '.join(absent)}")
        card = cls(**{name: document[name] for name in names})
        try:
            return replace(
                card,
                dictionary=Dictionary.from_dict(document["dictionary"]),
                threshold=Threshold(**document["threshold"]),
                grades=tuple(Grade(**grade) for grade in document["grades"]),
                golden=tuple(
                    Golden(**{**golden, "contributions": tuple(golden["contributions"])})
                    for golden in document["golden"]
                ),
            )
        except (DictionaryError, KeyError, TypeError, AttributeError) as error:
            raise CardError(f"the card cannot be read: {error}") from None


def card_text(content: bytes) -> str:
    """The card in the bytes of a model file. CardError: the file does not end with one."""
    _, key, found = content.rpartition(_field(1, METADATA_KEY.encode()))
    # A tag and the text's length come first: bytes with the high bit set, and one without it.
    text = found[1:].lstrip(bytes(range(HIGH_BIT, 256)))[1:].decode(errors="replace")
    if not key or not content.endswith(_metadata(text)):
        raise CardError("no card at the end: damaged, or not a model made by export_onnx.py")
    return text


def version_of(content: bytes) -> str:
    """The version that the bytes of a model file must have: a hash of all of them but the version.

    CardError: the file does not end with a card.
    """
    text = card_text(content)
    version = json.dumps(json.loads(text)["version"])
    draft = _metadata(text.replace(f'"version": {version}', '"version": ""', 1))
    return hashlib.sha256(content.removesuffix(_metadata(text)) + draft).hexdigest()[:VERSION_LENGTH]


def _metadata(text: str) -> bytes:
    """The card as it lies in the file: ModelProto.metadata_props, of a key and a value."""
    return _field(14, _field(1, METADATA_KEY.encode()) + _field(2, text.encode()))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes: https://protobuf.dev/programming-guides/encoding/."""
    tag, size = number << 3 | 2, b""
    length = len(content)
    while length >= HIGH_BIT:
        size += bytes([length % HIGH_BIT | HIGH_BIT])
        length //= HIGH_BIT
    return bytes([tag]) + size + bytes([length]) + content
