"""The benchmark of routes compares services that answer alike."""

import asyncio
import json

import httpx2
from starlette.types import ASGIApp

from benchmarks import routes


def test_every_way_gives_the_same_answer() -> None:
    """Our Route and both plain ones answer a lead with the same document."""

    async def ask(service: ASGIApp) -> httpx2.Response:
        transport = httpx2.ASGITransport(service)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/predict", json=json.loads(routes.LEAD))

    answers = [asyncio.run(ask(service)) for service in routes.services().values()]
    assert [answer.status_code for answer in answers] == [200] * len(routes.WAYS)
    assert len({answer.content for answer in answers}) == 1
