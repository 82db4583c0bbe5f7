"""The OpenAPI document of the shipped model with all routes, docs/openapi.json: `make openapi`."""

import json
from pathlib import Path

from leadscore.scorer import Scorer
from leadscore.service.app import create_app
from leadscore.service.openapi import document
from leadscore.service.reload import ModelInUse
from leadscore.settings import Settings

FILE = Path(__file__).with_suffix(".json")


def text() -> str:
    """The document as a service with keys gives it, which has the route that reloads the model."""
    settings = Settings()
    in_use = ModelInUse(Scorer(settings.model), settings)
    found = document(create_app(settings, in_use.reload), in_use.model.card, settings)
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
