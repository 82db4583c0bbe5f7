"""A card for the tests of the export."""

from leadscore.card import Card, Grade, Threshold
from leadscore.training.dataset import Dataset
from leadscore.training.distributions import reference

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
