"""Score the contacts of HubSpot: read by page, scored in batches, written back.

    LEADSCORE_URL=https://scoring.example LEADSCORE_KEY=... HUBSPOT_TOKEN=... python hubspot.py --dry-run

Needs httpx, a private app's token with crm.objects.contacts.read and .write, and four contact properties
that you create: those of OURS. COLUMNS says which property is which column of the model. Tested against
a server that behaves as HubSpot documents, not against HubSpot.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

from sync import Client, Lead, Score, run

ADDRESS: Final = os.environ.get("HUBSPOT_URL", "https://api.hubapi.com")
CONTACTS: Final = "/crm/v3/objects/contacts"
PAGE: Final = 100  # contacts; HubSpot's limit, also of one batch
VERSION: Final = "leadscore_model_version"
OURS: Final = ("leadscore_score", "leadscore_grade", "leadscore_reasons", VERSION)
COLUMNS: Final = {
    "hs_analytics_num_visits": "total_visits",
    "hs_analytics_source": "lead_source",
    "country": "country",
    "city": "city",
}


class HubSpot:
    """Contacts as leads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def pages(self, model_version: str) -> Iterator[list[Lead]]:
        """By the list of all contacts: the search ends after 10,000 and lags behind what is written."""
        query: dict[str, Any] = {"limit": PAGE, "properties": ",".join([VERSION, *COLUMNS])}
        while True:
            page = self._client.ask("GET", CONTACTS, params=query).json()
            yield [
                Lead(
                    one["id"], {column: one["properties"].get(name) for name, column in COLUMNS.items()}
                )
                for one in page["results"]
                if one["properties"].get(VERSION) != model_version
            ]
            if not (following := page.get("paging", {}).get("next")):
                return
            query["after"] = following["after"]

    def write(self, scores: list[Score]) -> list[str]:
        """In batches; a 207 tells which contacts were refused."""
        refused = []
        for start in range(0, len(scores), PAGE):
            inputs = [
                {"id": one.id, "properties": dict(zip(OURS, map(str, one[1:]), strict=True))}
                for one in scores[start : start + PAGE]
            ]
            answer = self._client.ask("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})
            refused += [f"not written: {error['message']}" for error in answer.json().get("errors", ())]
        return refused


if __name__ == "__main__":
    bearer = {"authorization": f"Bearer {os.environ['HUBSPOT_TOKEN']}"}
    with Client(base_url=ADDRESS, headers=bearer, timeout=60) as client:
        run(HubSpot(client))
