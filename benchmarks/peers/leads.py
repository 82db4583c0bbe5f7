"""A lead in a request: a typed model, as one writes it for FastAPI or BentoML."""

import json
import os
from typing import TYPE_CHECKING

from pydantic import BaseModel, create_model

# Column -> what stands for it where it is left out: NaN, or no text.
MISSING = json.loads(os.environ["MISSING"])

if TYPE_CHECKING:
    Lead = BaseModel
else:
    Lead = create_model("Lead", **{name: (type(value), value) for name, value in MISSING.items()})


class Leads(BaseModel):
    leads: list[Lead]
