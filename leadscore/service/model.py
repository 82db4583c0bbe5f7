"""The model in use, with what the service keeps for it."""

import asyncio
import hashlib
from typing import Final

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.scoring.reading import LeadReader
from leadscore.service.metrics import Served
from leadscore.settings import Settings

ROOM: Final = 4  # values of a body for each that could be a lead's: a text may hold commas, too


class Model:
    """A verified model: its engine, its reader of leads, its card as `GET /model` answers it, and the
    count of the leads it has scored. A request gets it as `request.scope["model"]`, and ends with it.
    """

    def __init__(self, scorer: Scorer, settings: Settings) -> None:
        self.card = scorer.card
        self.engine = Engine(scorer, settings.max_text)
        self.reader = LeadReader(self.engine)
        self.large = asyncio.Lock()  # held by the large request in work
        columns = len(self.card.dictionary.features) + len(self.card.dictionary.ids)
        self.most_values = ROOM * columns * settings.max_batch  # of one body
        self.document = self.card.to_json().encode()
        self.etag = f'W/"{hashlib.sha256(self.document).hexdigest()[:16]}"'
        self.served = Served(self.card, max(1, settings.drift_window // settings.workers))
