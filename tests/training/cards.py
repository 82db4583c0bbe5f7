"""A card and a model for the tests."""

from dataclasses import replace

from leadscore.card import Card, Grade, Threshold
from leadscore.training.dataset import Dataset
from leadscore.training.distributions import drift, reference
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx.model_file import export
from leadscore.training.onnx.shap_values import contributions

FEW = 1000  # leads to prove parity on: beside the ten thousand adversarial ones that is enough here


def draft(leads: Dataset) -> Card:
    """A card without what the export measures."""
    return Card(
        name="lead_conversion",
        version="draft",
        known="capture",
        dictionary=leads.dictionary,
        reference=reference(leads.oldest()[0], leads.dictionary),
        drift={"features": {name: {} for name in leads.features}, "score": {}},
        base=0.0,
        calibration={},
        threshold=Threshold(0.4, "a test's", {}, {}),
        grades=(Grade("A", 0.0, 1.0, None),),
        metrics={},
        data={},
        parity={},
        versions={},
        golden=(),
    )


def model(leads: Dataset) -> bytes:
    """The model file of some leads, fitted as train.py does, with all that files and pages need."""
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(*leads.oldest())
    sizes = abs(contributions(pipeline, leads.features)).mean(axis=0).tolist()
    probability = pipeline.predict_proba(leads.features)[:, 1]
    card = replace(
        draft(leads),
        drift=drift(leads.features, leads.dictionary, probability),
        importance=dict(zip(leads.features, sizes, strict=True)),
    )
    return export(pipeline, card, leads.features.iloc[:100])[0]
