r"""Score the open leads of Salesforce: read by page, scored in batches, written back.

    LEADSCORE_URL=https://scoring.example LEADSCORE_KEY=... \
    SALESFORCE_URL=https://MYDOMAIN.my.salesforce.com SALESFORCE_TOKEN=... python salesforce.py --dry-run

Needs httpx, an access token, and four fields of Lead that you create: those of OURS, the reasons as a
long text. COLUMNS says which field is which column of the model. Tested against a server that behaves as
Salesforce documents, not against Salesforce.
"""

import os
from collections.abc import Iterator
from typing import Final

from sync import Client, Lead, Score, run

API: Final = "/services/data/v61.0"
MOST: Final = 200  # records in one collection
VERSION: Final = "Leadscore_Model_Version__c"
OURS: Final = ("Leadscore_Score__c", "Leadscore_Grade__c", "Leadscore_Reasons__c", VERSION)
COLUMNS: Final = {"LeadSource": "lead_source", "Country": "country", "City": "city"}


class Salesforce:
    """Leads that are not converted."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def pages(self, model_version: str) -> Iterator[list[Lead]]:
        """By a query, whose pages stay those of its start whatever is written meanwhile."""
        fields = ", ".join(["Id", *COLUMNS])
        where = f"IsConverted = false AND {VERSION} != '{model_version}'"  # which blank ones are, too
        query = {"q": f"SELECT {fields} FROM Lead WHERE {where}"}  # noqa: S608  (the version is digits)
        page = self._client.ask("GET", f"{API}/query", params=query).json()
        while True:
            yield [
                Lead(one["Id"], {column: one.get(name) for name, column in COLUMNS.items()})
                for one in page["records"]
            ]
            if page["done"]:
                return
            page = self._client.ask("GET", page["nextRecordsUrl"]).json()

    def write(self, scores: list[Score]) -> list[str]:
        """As collections; each record has its own result."""
        refused = []
        for start in range(0, len(scores), MOST):
            part = scores[start : start + MOST]
            records = [
                {"attributes": {"type": "Lead"}, "id": one.id, **dict(zip(OURS, one[1:], strict=True))}
                for one in part
            ]
            body = {"allOrNone": False, "records": records}
            results = self._client.ask("PATCH", f"{API}/composite/sobjects", json=body).json()
            refused += [
                f"{one.id} not written: {result['errors'][0]['message']}"
                for one, result in zip(part, results, strict=True)
                if not result["success"]
            ]
        return refused


if __name__ == "__main__":
    bearer = {"authorization": f"Bearer {os.environ['SALESFORCE_TOKEN']}"}
    with Client(base_url=os.environ["SALESFORCE_URL"], headers=bearer, timeout=60) as client:
        run(Salesforce(client))
