"""`POST /changes`: an earlier download and today's file in, what changed out."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import BinaryIO, Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadscore.columns import show
from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.routes.csv import FAILURES, WAY_OUT, pairs
from leadscore.service.routes.route import SCORING, media_type, one_of, parameter
from leadscore.service.routes.upload import form, form_files, unpacked
from leadscore.settings import Settings
from leadscore.tables import coverage, ndjson
from leadscore.tables.changes.comparison import Comparison, compare
from leadscore.tables.changes.earlier import EARLIER, TODAY, naming, one_sheet, opened
from leadscore.tables.mapping import TableError

PATH: Final = "/changes"
FIELDS: Final = {"earlier": EARLIER, "today": TODAY}
MOST: Final = 100_000  # leads of a file; of each of them memory holds 1.3 kB

DESCRIPTION: Final = """Send two files in a form (`multipart/form-data`): `earlier`, a list that was
scored here and has an id and `probability`, and `today`, leads as for `/predict/csv`. The answer is
JSON, a line each: first what to know of the comparison, such as that another model scored the earlier
list, and how many leads of each kind there are; then each lead that is new, has risen or fallen by 5
points or to another grade, with what moved it, or is gone."""


def add(routes: APIRouter, settings: Settings) -> None:
    """Add the route."""

    @routes.post(
        PATH,
        tags=SCORING,
        summary="Tell what changed between two lists",
        description=DESCRIPTION,
        response_class=StreamingResponse,
        responses=problems.described(
            FAILURES | {415: f"The body is not declared as a form, or {problems.PACKED_OTHERWISE}."}
        )
        | {
            200: {
                "description": "What changed.",
                "content": {ndjson.MEDIA_TYPE: {"schema": {"type": "string"}}},
            }
        },
        openapi_extra={
            "parameters": [
                parameter(
                    "map",
                    "HEADER=COLUMN: a column of both files is this one of the model",
                    type="array",
                    items={"type": "string"},
                ),
                parameter(
                    "sheet",
                    "of today's workbook; default: the first visible one with cells",
                    type="string",
                ),
                parameter("partial", "1: also if columns of much weight are absent", enum=["0", "1"]),
            ],
            "requestBody": {"required": True, "content": form(*FIELDS)},
        },
    )
    async def changes(request: Request) -> Response:
        model: Model = request.scope["model"]
        mapping, partial = dict(pairs(request)), one_of(request, "partial", ["0", "1"]) == "1"
        with ExitStack() as sources:
            files = await _received(request, sources)
            try:
                for name, sheet in (("earlier", None), ("today", request.query_params.get("sheet"))):
                    with naming(FIELDS[name]):
                        files[name], sheets = await unpacked(files[name], sheet, settings.max_csv, model)
                        if sheets and name == "earlier":
                            one_sheet(sheets)
                    sources.enter_context(files[name])
                async with model.large:
                    found = await run_in_threadpool(_compared, files, model, mapping, partial)
            except TableError as error:
                way_out = WAY_OUT if isinstance(error, coverage.PartialError) else ""
                detail = f"The files cannot be compared: {error}.{way_out}"
                raise HTTPException(422, detail) from None
        return StreamingResponse(found.lines(), media_type=ndjson.MEDIA_TYPE)


async def _received(request: Request, sources: ExitStack) -> dict[str, BinaryIO]:
    """The two files of the form, which `sources` closes."""
    if (declared := media_type(request)) != "multipart/form-data":
        got = show(declared) if declared else "none"
        raise HTTPException(415, f"Content-Type: got {got}, expected 'multipart/form-data'")
    files = await form_files(request, len(FIELDS))
    for file in files.values():
        sources.enter_context(file)
    if files.keys() != FIELDS.keys():
        raise HTTPException(422, f"The form should hold two files, {' and '.join(FIELDS)}.")
    return files


def _compared(
    files: Mapping[str, BinaryIO], model: Model, mapping: Mapping[str, str], partial: bool
) -> Comparison:
    before, after = (opened(files[name], model.engine, mapping, FIELDS[name]) for name in FIELDS)
    if not partial:
        with naming(TODAY):
            coverage.check(after.columns, model.card)
    return compare(model.engine, before, after, MOST)
