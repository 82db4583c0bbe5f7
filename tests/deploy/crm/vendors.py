"""Servers that behave as the vendors document: tokens, pages, limits, results for each record."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token"  # noqa: S105  (of these servers)
Answer = tuple[int, dict[str, Any] | list[Any]]


class Vendor:
    """Leads of a CRM, what was written, and the statuses with which the next requests fail."""

    def __init__(self, leads: list[dict[str, Any]]) -> None:
        self.leads = {f"L{number}": lead for number, lead in enumerate(leads)}
        self.scores: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.faults: list[int] = []
        self.writes = 0

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> Answer:
        """The answer to a request that has its token."""
        raise NotImplementedError

    def write(self, lead: str, fields: dict[str, Any]) -> bool:
        """Keep what was written; False if the vendor refuses it."""
        self.writes += 1
        assert lead in self.leads
        if lead in self.refused:
            return False
        self.scores[lead] = fields
        return True


class HubSpot(Vendor):
    """https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide."""

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> Answer:
        """The list of contacts, and updates of at most 100."""
        if (method, path) == ("GET", "/crm/v3/objects/contacts"):
            ids, start, limit = list(self.leads), int(query.get("after", 0)), int(query["limit"])
            if limit > 100:
                return 400, {"message": "limit must be at most 100"}
            wanted = query["properties"].split(",")
            results = [
                {
                    "id": one,
                    "properties": {
                        n: (self.leads[one] | self.scores.get(one, {})).get(n) for n in wanted
                    },
                }
                for one in ids[start : start + limit]
            ]
            more = (
                {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(ids) else {}
            )
            return 200, {"results": results, **more}
        assert (method, path) == ("POST", "/crm/v3/objects/contacts/batch/update")
        if len(body["inputs"]) > 100:
            return 400, {"message": "at most 100 inputs"}
        assert all(isinstance(v, str) for one in body["inputs"] for v in one["properties"].values())
        failed = [one["id"] for one in body["inputs"] if not self.write(one["id"], one["properties"])]
        errors = [{"message": f"{one} is invalid", "context": {"id": [one]}} for one in failed]
        return (207, {"results": [], "errors": errors}) if errors else (200, {"results": []})


class Salesforce(Vendor):
    """https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/."""

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> Answer:
        """A query, whose pages are those of its start, and collections of at most 200."""
        data = "/services/data/v61.0"
        if (method, path) == ("GET", f"{data}/query"):
            version = re.search(r"Leadscore_Model_Version__c != '(\w+)'", query["q"])
            assert version
            key = "Leadscore_Model_Version__c"
            self.found = [i for i in self.leads if self.scores.get(i, {}).get(key) != version[1]]
            return 200, self._page(0)
        if method == "GET":
            return 200, self._page(int(path.rsplit("-", 1)[1]))
        assert (method, path) == ("PATCH", f"{data}/composite/sobjects")
        if len(body["records"]) > 200:
            return 400, [{"errorCode": "EXCEEDED_ID_LIMIT"}]
        results = []
        for one in body["records"]:
            assert one.pop("attributes") == {"type": "Lead"}
            lead = one.pop("id")
            right = self.write(lead, one)
            results.append(
                {"id": lead, "success": right, "errors": [] if right else [{"message": "locked"}]}
            )
        return 200, results

    def _page(self, start: int) -> dict[str, Any]:
        part, end = self.found[start : start + 100], start + 100
        records = [{"attributes": {"type": "Lead"}, "Id": one, **self.leads[one]} for one in part]
        done = end >= len(self.found)
        more = {} if done else {"nextRecordsUrl": f"/services/data/v61.0/query/01g-{end}"}
        return {"totalSize": len(self.found), "done": done, "records": records, **more}


class Dynamics(Vendor):
    """https://learn.microsoft.com/power-apps/developer/data-platform/webapi/overview."""

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> Answer:
        """Two tables by page, and rows of scores by the key of their lead."""
        if method == "PATCH":
            key = re.fullmatch(
                r"/api/data/v9.2/msdyn_predictivescores\(msdyn_entityid='(\w+)',msdyn_entitytype='lead'\)",
                path,
            )
            assert key
            assert body["msdyn_grade"] in range(4)
            return (204, {}) if self.write(key[1], body) else (400, {"error": {"message": "locked"}})
        rows = [{"leadid": one, **lead} for one, lead in self.leads.items()]
        if path.endswith("/msdyn_predictivescores"):
            name = query["$filter"].split("msdyn_name eq ")[1].strip("'")
            rows = [
                {"msdyn_entityid": one} for one, row in self.scores.items() if row["msdyn_name"] == name
            ]
        size = min(int(headers["prefer"].split("=")[1]), 100)  # a server may give fewer than preferred
        start = int(query.get("$skiptoken", 0))
        page: dict[str, Any] = {"value": rows[start : start + size]}
        if start + size < len(rows):
            kept = "&".join(f"{name}={value}" for name, value in query.items() if name != "$skiptoken")
            link = f"http://{headers['host']}{path}?{kept}&$skiptoken={start + size}"
            page["@odata.nextLink"] = link.replace(" ", "%20")
        return 200, page


@contextmanager
def serving(vendor: Vendor) -> Iterator[str]:
    """The address at which a vendor answers."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            size = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(size)) if size else None
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            answer: dict[str, Any] | list[Any] = {}
            if self.headers["authorization"] != f"Bearer {TOKEN}":
                status = 401
            elif vendor.faults:
                status = vendor.faults.pop(0)
            else:
                status, answer = vendor.answer(self.command, url.path, query, self.headers, body)
            content = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("retry-after", "0")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
