"""The model card: what a model file says of itself, as one JSON document in its ONNX metadata.

At serving time the card is the schema: which columns the model reads, which it refuses and why, where
the threshold lies, and a few golden leads by which a runtime proves that it computes what was trained.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Final, Self

from leadscore.dictionary import Dictionary, DictionaryError

MODEL: Final = "lead_conversion"
"""The model's name: of its file, its graph and its route."""

METADATA_KEY: Final = "card"

SEAL_KEY: Final = "seal"
"""The metadata entry that holds the digest of the file."""

VERSION_LENGTH: Final = 12  # hexadecimal digits

UNSEALED: Final = "sha256-of-this-file:" + 64 * "0"
"""What stands in that entry while the digest is computed: it takes the place of these zeros."""

_SEAL: Final = re.compile(UNSEALED.rstrip("0").encode() + rb"[0-9a-f]{64}")

# Raise this when a reader of the old format would misread the new one: a key renamed, removed or given
# another meaning (a new optional key is no reason). Then: add a line to CHANGELOG.md, retrain
# (`make train`), and commit code and model together. A file of another format is refused.
FORMAT: Final = 2


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

    `version` names the model: a hash of graph and card (`version_of`).
    `reference` holds the distribution of each feature in the training leads: the share of `missing`,
    and either the share of each of the `levels` or the `quantiles` (minimum, deciles, maximum).
    `drift` holds, for each of the "features" and for the "score", the bins by which served leads are
    compared with training, and the `shares` of leads in them. Of a number, ascending `edges`: a value's
    bin is the number of edges that are not above it, computed in float32; the last bin is for missing
    values. Of a category, `levels`: each is a bin; then one for all others, and one for missing values.
    `base` plus a lead's contributions are its log-odds. `grades` stand best first;
    `grade_rule` says in words how they were cut (empty in a file made before the card had it).
    `importance`: of each feature, the mean of its absolute contribution over the training leads, in
    log-odds; empty in a file made before the card had it.
    """

    name: str
    version: str
    known: str
    dictionary: Dictionary
    reference: Mapping[str, Mapping[str, Any]]
    drift: Mapping[str, Any]
    base: float
    calibration: Mapping[str, Any]
    threshold: Threshold
    grades: tuple[Grade, ...]
    metrics: Mapping[str, Any]
    data: Mapping[str, Any]
    parity: Mapping[str, Any]
    versions: Mapping[str, str]
    golden: tuple[Golden, ...]
    importance: Mapping[str, float] = field(default_factory=dict)
    grade_rule: str = ""

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

    def check(self) -> None:
        """CardError for a card that nobody could serve by."""
        bounds = [grade.at_least for grade in self.grades]
        names = {column.name for column in self.dictionary.features}
        for right, what in (
            (isinstance(self.version, str) and self.version.isprintable(), "version is no text"),
            (self.version, "version is empty"),
            (bounds and bounds[-1] == 0, "grades do not end with one from 0 on"),
            (bounds == sorted(set(bounds), reverse=True), "grades do not stand best first"),
            (0 <= self.threshold.value <= 1, "threshold is not from 0 to 1"),
            (names <= self.reference.keys(), "reference lacks a feature"),
            (names <= self.drift.get("features", {}).keys(), "drift lacks a feature"),
            ("score" in self.drift, "drift lacks the score"),
            (not self.importance or names <= self.importance.keys(), "importance lacks a feature"),
            (all(0 <= v < math.inf for v in self.importance.values()), "importance is not from 0 on"),
        ):
            if not right:
                raise CardError(f"the card's {what}")

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
        needed = [
            entry.name
            for entry in fields(cls)
            if entry.default is MISSING and entry.default_factory is MISSING
        ]
        if absent := [name for name in needed if name not in document]:
            raise CardError(f"the card lacks {', '.join(absent)}")
        names = [entry.name for entry in fields(cls) if entry.name in document]
        card = cls(**{name: document[name] for name in names})
        try:
            return replace(
                card,
                dictionary=Dictionary.from_dict(document["dictionary"]).with_levels(
                    {name: known.get("levels", ()) for name, known in document["reference"].items()}
                ),
                threshold=Threshold(**document["threshold"]),
                grades=tuple(Grade(**grade) for grade in document["grades"]),
                golden=tuple(
                    Golden(**{**golden, "contributions": tuple(golden["contributions"])})
                    for golden in document["golden"]
                ),
                importance={name: float(value) for name, value in card.importance.items()},
            )
        except (DictionaryError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CardError(f"the card cannot be read: {error}") from None


def seal(content: bytes) -> bytes:
    """The bytes of a model file whose metadata says UNSEALED, with their digest in its place.

    The digest is as long as the zeros, so that nothing else in the file moves.
    """
    return _SEAL.sub(_digest(content), content)


def check_seal(content: bytes) -> None:
    """CardError if a model file is not as it was sealed, or was never sealed."""
    if not (found := _SEAL.findall(content)):
        raise CardError("no seal: damaged, or not a model made by export_onnx.py")
    if found != [_digest(_SEAL.sub(UNSEALED.encode(), content))]:
        raise CardError("damaged, or changed since it was sealed")


def version_of(content: bytes) -> str:
    """The version of a model whose file, with an empty version in its card, holds these bytes."""
    return hashlib.sha256(content).hexdigest()[:VERSION_LENGTH]


def _digest(unsealed: bytes) -> bytes:
    return UNSEALED.rstrip("0").encode() + hashlib.sha256(unsealed).hexdigest().encode()
