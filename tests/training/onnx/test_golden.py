"""Golden leads: every model that can be trained has some."""

import numpy as np
import pandas as pd

from leadscore.columns import Column
from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.training.dataset import Dataset
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx import model_file
from tests.training.cards import draft


def test_category_of_rare_levels_alone_is_exported() -> None:
    """Many levels of fewer leads each than the card may name: there is no typical value but none."""
    blocks = {"zip": "category", "visits": "number"}
    columns = [Column(name, name, "feature", kind, "capture", "") for name, kind in blocks.items()]  # type: ignore[arg-type]
    columns.append(
        Column("won", "won", "target", "category", "capture", "", positive=("1",), negative=("0",))
    )
    rng = np.random.default_rng(0)
    codes = np.array([f"zip {place % 120}" for place in range(720)], object)
    visits = rng.normal(size=720).astype(np.float32)
    target = (rng.normal(size=720) < visits).astype(np.int8)
    features = pd.DataFrame({"zip": codes, "visits": visits})
    leads = Dataset(Dictionary(tuple(columns)), features, target, "made up", "")
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(leads.features, leads.target)
    content, card = model_file.export(pipeline, draft(leads), leads.features)
    assert Scorer(content).card.golden == card.golden
    assert {lead.lead.get("zip") for lead in card.golden} == {None, "unseen"}
