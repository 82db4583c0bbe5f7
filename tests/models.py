"""Model files like the shipped one, but for something in their card."""

import json

import onnx
from onnx import helper

from leadscore.card import METADATA_KEY, SEAL_KEY, UNSEALED, seal
from tests.conftest import MODEL


def rewritten(**entries: object) -> bytes:
    """The shipped model with other entries in its card, sealed as an export seals it."""
    model = onnx.load(MODEL)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    card = {**json.loads(metadata[METADATA_KEY]), **entries}
    helper.set_model_props(model, {METADATA_KEY: json.dumps(card), SEAL_KEY: UNSEALED})
    return seal(model.SerializeToString())
