"""`POST /predict/csv`: a CSV in, the same CSV with the answers added out."""

import tempfile
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from leadscore.columns import show
from leadscore.scorer import Scorer
from leadscore.serving import problems
from leadscore.serving.csv_text import CsvScorer, CsvText
from leadscore.serving.metrics import Served
from leadscore.serving.ranking import All
from leadscore.serving.settings import Settings
from leadscore.serving.table import REASONS, TableError, TableScorer

PATH = "/predict/csv"
IN_MEMORY = 2**24  # bytes of a file held in memory; a larger one waits on disk

DESCRIPTION = """Send the file as it is (`text/csv`) or in a form (`multipart/form-data`): separated by
comma, semicolon, tab or bar, in UTF-8 or Latin-1. Columns are found by name or by CSV header; all are
handed back untouched. Added: `probability`, `score`, `grade`, `converts`, `reason_1` and so on,
`warnings`, and `error` for a row that cannot be scored. A name that is taken gets a number:
`score_2`."""


def install(app: FastAPI, scorer: Scorer, settings: Settings, served: Served) -> None:
    """Add the route; `served` counts the leads."""

    async def predict_csv(
        request: Request, reasons: int = REASONS, sort: Literal["score"] | None = None
    ) -> Response:
        source = await _received(request)
        try:
            text = await run_in_threadpool(CsvText, source, scorer.card.dictionary)
        except TableError as error:
            source.close()
            return problems.refusal(request.scope, 422, f"The file cannot be scored: {error}.")
        table = CsvScorer(TableScorer(scorer, reasons, settings.max_text, served), text.header, reasons)
        lines = _lines(source, text, table, sort is not None)
        headers = {"content-disposition": 'attachment; filename="leads-scored.csv"'}
        return StreamingResponse(lines, media_type="text/csv", headers=headers)

    features = len(scorer.card.dictionary.features)
    predict_csv.__annotations__ |= {
        "reasons": Annotated[int, Query(ge=0, le=features, description="columns of reasons")],
        "sort": Annotated[
            Literal["score"] | None, Query(description="score: the most probable lead first")
        ],
    }
    app.post(
        PATH,
        summary="Score a CSV file",
        description=DESCRIPTION,
        response_class=StreamingResponse,
        responses=problems.RESPONSES
        | problems.described(400, "The file was not sent to its end, or the form cannot be read.")
        | problems.described(415, "The body is declared neither as CSV nor as a form.")
        | problems.described(507, "No room to hold the file.")
        | {200: {"content": {"text/csv": {}}}},
        openapi_extra=_body(),
    )(predict_csv)


async def _received(request: Request) -> BinaryIO:
    """The whole file: a client that sends all before it reads would block on an answer in between."""
    media_type = problems.media_type(request)
    try:
        if media_type == "multipart/form-data":
            form = await request.form(max_files=1, max_fields=10)
            for part in form.values():
                if not isinstance(part, str):
                    return part.file
            raise HTTPException(422, "The form holds no file.")
        if media_type not in {"text/csv", "application/csv", "text/plain", "text/tab-separated-values"}:
            got = show(media_type) if media_type else "none"
            raise HTTPException(
                415, f"Content-Type: got {got}, expected 'text/csv' or 'multipart/form-data'"
            )
        spooled = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (`_lines` closes it)
        source = cast(BinaryIO, spooled)
        async for chunk in request.stream():
            await run_in_threadpool(source.write, chunk)
        source.seek(0)
    except ClientDisconnect:
        raise HTTPException(400, "The file was not sent to its end.") from None
    except OSError:
        raise HTTPException(507, "The service has no room to hold a file of this size.") from None
    return source


def _lines(source: BinaryIO, text: CsvText, table: CsvScorer, ranked: bool) -> Iterator[bytes]:
    """The answer in pieces."""
    with source:
        yield table.header.encode()
        blocks = table.blocks(text.pieces())
        if not ranked:
            for block in blocks:
                yield block.text
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as waiting:
            ranking = All(cast(BinaryIO, waiting))
            for block in blocks:
                ranking.add(block)
                yield b""  # as long as there is progress, time does not run out
            yield from ranking.pieces()


def _body() -> dict[str, Any]:
    """The request body, for OpenAPI."""
    text = {"type": "string"}
    form = {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": text}, "multipart/form-data": {"schema": form}},
        }
    }
