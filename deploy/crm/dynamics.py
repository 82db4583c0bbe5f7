r"""Score the open leads of Dynamics 365 into its own table of predictive scores.

    LEADSCORE_URL=https://scoring.example LEADSCORE_KEY=... \
    DYNAMICS_URL=https://ORG.crm.dynamics.com DYNAMICS_TOKEN=... python dynamics.py --dry-run

Needs httpx, and a token of a user who may read leads and write msdyn_predictivescores, which comes with
Dynamics 365 Sales. Switch off its own lead scoring, which writes to the same rows. COLUMNS says which
field is which column of the model. Tested against a server that behaves as Microsoft documents, not
against Dynamics.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

import httpx
from sync import Client, Lead, Score, run

API: Final = "/api/data/v9.2"
PAGE: Final = 500  # rows; at most 5,000
GRADES: Final = "ABCD"  # a choice: 0 is A
COLUMNS: Final = {"address1_country": "country", "address1_city": "city"}


class Dynamics:
    """Open leads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def pages(self, model_version: str) -> Iterator[list[Lead]]:
        """Leads without a score of this model, which is named in the row of the score."""
        named = f"msdyn_entitytype eq 'lead' and msdyn_name eq '{_name(model_version)}'"
        query = {"$select": "msdyn_entityid", "$filter": named}
        pages = self._rows("msdyn_predictivescores", query)
        known = {row["msdyn_entityid"] for page in pages for row in page}
        query = {"$select": ",".join(["leadid", *COLUMNS]), "$filter": "statecode eq 0"}
        for page in self._rows("leads", query):
            yield [
                Lead(row["leadid"], {column: row.get(name) for name, column in COLUMNS.items()})
                for row in page
                if row["leadid"] not in known
            ]

    def write(self, scores: list[Score]) -> list[str]:
        """One by one, each by the key of its lead: there is one row for a lead, made or changed."""
        refused = []
        for one in scores:
            row = {
                "msdyn_name": _name(one.model_version),
                "msdyn_score": one.score,
                "msdyn_grade": GRADES.index(one.grade),
                "msdyn_scorereasons": one.reasons,
            }
            key = f"msdyn_entityid='{one.id}',msdyn_entitytype='lead'"
            try:
                self._client.ask("PATCH", f"{API}/msdyn_predictivescores({key})", json=row)
            except httpx.HTTPStatusError as error:
                refused.append(f"{one.id} not written: {error.response.text[:200]}")
        return refused

    def _rows(self, table: str, query: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
        prefer = {"prefer": f"odata.maxpagesize={PAGE}"}
        page = self._client.ask("GET", f"{API}/{table}", params=query, headers=prefer).json()
        yield page["value"]
        while link := page.get("@odata.nextLink"):
            page = self._client.ask("GET", link, headers=prefer).json()
            yield page["value"]


def _name(model_version: str) -> str:
    return f"lead_conversion {model_version}"


if __name__ == "__main__":
    bearer = {"authorization": f"Bearer {os.environ['DYNAMICS_TOKEN']}"}
    with Client(base_url=os.environ["DYNAMICS_URL"], headers=bearer, timeout=60) as client:
        run(Dynamics(client))
