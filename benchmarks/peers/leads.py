"""A lead in a request: a typed model, as one writes it for FastAPI or BentoML."""

import math
from pathlib import Path

from pydantic import BaseModel, create_model

from leadscore.columns import Dictionary

COLUMNS = Path(__file__).resolve().parents[2] / "data" / "columns.toml"
FEATURES = Dictionary.load(COLUMNS).known_at("capture").features

# What stands for a column that is left out.
MISSING = {column.name: math.nan if column.kind == "number" else "" for column in FEATURES}

Lead: type[BaseModel] = create_model(
    "Lead", **{name: (type(value), value) for name, value in MISSING.items()}
)
Leads: type[BaseModel] = create_model("Leads", leads=(list[Lead], ...))
