"""The fitted scikit-learn pipeline, as tutorials load and call it."""

import os
from collections.abc import Sequence

import joblib
import pandas as pd
from pydantic import BaseModel

_PIPELINE = joblib.load(os.environ["PIPELINE"])


def probabilities(leads: Sequence[BaseModel]) -> list[float]:
    """The probability of each lead."""
    table = pd.DataFrame([lead.model_dump() for lead in leads])
    probability: list[float] = _PIPELINE.predict_proba(table)[:, 1].tolist()
    return probability
