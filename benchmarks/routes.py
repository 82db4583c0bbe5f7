"""What the service's own kind of route is worth: single leads a second, beside plain routes of FastAPI.

    python -m benchmarks.routes    # two minutes; needs wrk

The whole service each time, but for its route for one lead: our Route; the same endpoint as a plain
route, within the middleware of FastAPI that it needs; and with a typed parameter for the query. Rounds
are interleaved, a figure is the best of its rounds. In process, and over HTTP: uvicorn on core 0, wrk on
core 1.
"""

import asyncio
import json
import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

from fastapi import FastAPI, Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from benchmarks import MODEL, ROOT
from benchmarks.processes import free_port
from leadscore.scorer import Scorer
from leadscore.service.app import create_app
from leadscore.service.routes.route import Route
from leadscore.service.server import app, serve
from leadscore.settings import Settings

LEAD = json.dumps({"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"})
HEADERS = [(b"host", b"localhost"), (b"content-type", b"application/json")]
POST = {"type": "http", "method": "POST", "path": "/predict", "root_path": "", "query_string": b""}
WRK = f"taskset -c 1 wrk -t1 -c16 -d2s -s {ROOT / 'benchmarks' / 'serve.lua'}".split()
REQUESTS, ROUNDS = 2000, 9


def plain(typed: bool) -> AbstractContextManager[object]:
    """Makes services whose route for one lead is a plain one."""

    def create(*arguments: Any) -> FastAPI:
        app = create_app(*arguments)
        ours = next(one for one in app.routes if isinstance(one, Route) and one.path == "/predict")
        app.routes.remove(ours)

        async def with_query(request: Request, reasons: Annotated[int, Query(ge=0)] = 3) -> Response:
            answer: Response = await ours.endpoint(request)
            return answer

        one = APIRoute("/predict", with_query if typed else ours.endpoint, methods=["POST"])
        app.routes.insert(0, one)
        return app

    return patch("leadscore.service.app.create_app", create)


WAYS: dict[str, AbstractContextManager[object]] = {
    "our Route": nullcontext(),
    "a plain one": plain(typed=False),
    "a typed one": plain(typed=True),
}


def main() -> None:
    """Measure and print."""
    made = services()
    compare("in process", lambda way: asyncio.run(in_process(made[way])))
    ports = {way: free_port() for way in WAYS}
    for way, port in ports.items():
        multiprocessing.Process(target=run, args=(way, port), daemon=True).start()
    time.sleep(10)
    compare("over HTTP", lambda way: over_http(ports[way]))


def services() -> dict[str, ASGIApp]:
    """Way -> its service, without a server."""
    found = {}
    for way, patched in WAYS.items():
        with patched:
            found[way] = app(Scorer(MODEL), Settings(log_requests=False))
    return found


def compare(where: str, rate: Callable[[str], float]) -> None:
    """Print leads a second of each way, and how many more our Route answers."""
    best = dict.fromkeys(WAYS, 0.0)
    for way in ROUNDS * list(WAYS):
        best[way] = max(best[way], rate(way))
    for way, found in best.items():
        print(f"{where}, {way}: {found:,.0f} leads a second, ours {best['our Route'] / found - 1:+.0%}")


async def in_process(service: ASGIApp) -> float:
    """Leads a second without a server."""

    async def receive() -> Message:
        return {"type": "http.request", "body": LEAD.encode()}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200, message  # noqa: PLR2004

    begun = time.perf_counter()
    for _ in range(REQUESTS):
        await service({**POST, "headers": HEADERS}, receive, send)
    return REQUESTS / (time.perf_counter() - begun)


def run(way: str, port: int) -> None:
    """Serve."""
    os.sched_setaffinity(0, {0})
    with WAYS[way], Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        serve(Scorer(MODEL), Settings(port=port))


def over_http(port: int) -> float:
    """Leads a second that wrk gets."""
    with tempfile.NamedTemporaryFile("w") as lead:
        print(LEAD, file=lead, flush=True)
        command = [*WRK, f"http://127.0.0.1:{port}/predict", "--", lead.name]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    found = json.loads(said.splitlines()[-1])
    return float((found["answers"] - found["failed"]) / found["seconds"])


if __name__ == "__main__":
    main()
