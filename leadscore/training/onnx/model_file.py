"""The model file: graph and card in one, sealed; refused unless it computes what the pipeline does."""

from dataclasses import replace
from typing import Final

import onnx
import pandas as pd
from onnx import helper
from sklearn.pipeline import Pipeline

from leadscore.card import METADATA_KEY, SEAL_KEY, UNSEALED, Card, seal, version_of
from leadscore.scorer import ModelError, Scorer
from leadscore.training.onnx import parity, plain_graph
from leadscore.training.onnx.golden import golden
from leadscore.training.onnx.table_graph import convert

# Of adversarial and golden leads: the same pipeline gives the same file.
SEED: Final = 0


def export(pipeline: Pipeline, card: Card, features: pd.DataFrame) -> tuple[bytes, Card]:
    """Convert, verify and seal: the bytes of the ONNX file, and the card in it.

    `card` is complete but for `version`, `base`, `golden` and `parity`, which are found here; `features`
    are leads to check parity on, beside adversarial ones. The same input gives the same bytes.

    Raises ShapleyError when the trees are too large to compile, ParityError when the graph, the plain
    one and the pipeline do not compute the same.
    """
    graph, base = convert(pipeline, card.dictionary)
    leads = golden(pipeline, card.dictionary, card.reference, SEED)
    card = replace(card, version="draft", base=base, golden=leads)
    try:
        scorer = Scorer(seal(unsealed(graph, card)))
    except ModelError as error:  # it does not reproduce the golden leads
        raise parity.ParityError(str(error)) from None
    plain = plain_graph.scorer(plain_graph.convert(pipeline, card.dictionary))
    card = replace(card, parity=parity.check(pipeline, scorer, plain, features, SEED).to_dict())
    card = replace(card, version=version_of(unsealed(graph, replace(card, version=""))))
    model = seal(unsealed(graph, card))
    Scorer(model)
    return model, card


def export_plain(pipeline: Pipeline, card: Card, features: pd.DataFrame) -> tuple[bytes, float]:
    """The bytes of the plain graph, without card and seal, and its largest difference to the pipeline.

    Raises ParityError when it does not compute what the pipeline does.
    """
    graph = plain_graph.convert(pipeline, card.dictionary)
    difference = parity.check_plain(pipeline, card, plain_graph.scorer(graph), features, SEED)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content, difference


def unsealed(graph: onnx.ModelProto, card: Card) -> bytes:
    """The file's bytes with the card in the metadata, and the place where the digest comes."""
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    helper.set_model_props(model, {METADATA_KEY: card.to_json(), SEAL_KEY: UNSEALED})
    content: bytes = model.SerializeToString(deterministic=True)
    return content
