"""What the tests of the export share."""

import pytest
from sklearn.pipeline import Pipeline

from leadscore.training.dataset import Dataset
from leadscore.training.onnx.model_file import export
from tests.training.cards import FEW, draft


@pytest.fixture(scope="session")
def exported(pipeline: Pipeline, leads: Dataset) -> bytes:
    """The model file of the fitted pipeline."""
    return export(pipeline, draft(leads), leads.features.iloc[:FEW])[0]
