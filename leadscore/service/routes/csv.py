"""`POST /predict/csv`: a CSV in, the same CSV with the answers added out."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.routes.route import IN_MEMORY, SCORING, count, one_of, parameter
from leadscore.service.routes.upload import NO_ROOM, body, received, unpacked
from leadscore.settings import Settings
from leadscore.tables import ndjson
from leadscore.tables.block import REASONS
from leadscore.tables.csv_answers import CsvScorer, Lines, header
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.mapping import TableError
from leadscore.tables.ranking import All

CSV_PATH: Final = "/predict/csv"
MARKS: Final = [".", ","]
MOST_RANKED: Final = 1_000_000  # rows: a ranking holds some of each in memory
MOST_FILLED: Final = 8  # times its bytes: cells that short rows are filled to
LINE_BYTES: Final = 400  # that answers with reasons add to a row, generously

DESCRIPTION: Final = """Send the file as it is (`text/csv`) or in a form (`multipart/form-data`): CSV
separated by comma, semicolon, tab or bar, in UTF-8, UTF-16 or Windows-1252; the same in gzip, or alone
in a zip; or a workbook (.xlsx). The answer is CSV in UTF-8. Columns are found by name or by CSV header;
all are handed back untouched, and rows that are no leads are left out. Added: `probability`, `score`,
`grade`, `converts`, `reason_1` and so on, `warnings`, and `error` for a row that cannot be scored. A
name that is taken gets a number: `score_2`.

With `accept: application/x-ndjson` the answer is JSON, a line each: first the columns of the file, then
each lead with its cells, then the `proof`, figures on the leads whose outcome the file tells."""

FAILURES: Final = problems.BODY_FAILURES | {
    400: "The file was not sent to its end, or the form cannot be read.",
    413: "The file is too large, or what is packed in it.",
    415: "The body is declared neither as CSV nor as a form.",
    507: "No room to hold the file.",
}


CSV_ANSWER: Final = {
    "description": "The file with the answers added.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        ndjson.MEDIA_TYPE: {"schema": {"type": "string"}},
    },
}


def add(routes: APIRouter, settings: Settings) -> None:
    """Add the route."""

    @routes.post(
        CSV_PATH,
        tags=SCORING,
        summary="Score a CSV file",
        description=DESCRIPTION,
        response_class=StreamingResponse,
        responses=problems.described(FAILURES) | {200: CSV_ANSWER},
        openapi_extra={
            "parameters": [
                parameter("reasons", "columns of reasons", type="integer", minimum=0, default=REASONS),
                parameter(
                    "decimal", "the decimal mark of its numbers; default: as they show", enum=MARKS
                ),
                parameter("sort", "score: the most probable lead first", enum=["score"]),
                parameter("sheet", "of a workbook; default: the first visible one", type="string"),
            ],
            "requestBody": body(),
        },
    )
    async def predict_csv(request: Request) -> Response:
        model: Model = request.scope["model"]
        reasons = count(request, "reasons", REASONS, 0, len(model.engine.features)) or 0
        ranked = one_of(request, "sort", ["score"]) is not None
        decimal = one_of(request, "decimal", MARKS)
        sheet = request.query_params.get("sheet")
        source = await received(request)
        try:
            source = await unpacked(source, sheet, settings.max_csv, model)
            file = await run_in_threadpool(_opened, source, model, ranked, decimal)
        except (TableError, HTTPException) as error:
            source.close()
            if isinstance(error, HTTPException):
                raise
            raise HTTPException(422, f"The file cannot be scored: {error}.") from None
        if ndjson.MEDIA_TYPE in request.headers.get("accept", ""):
            pieces = _as_json(source, file, model, reasons, ranked)
            return StreamingResponse(pieces, media_type=ndjson.MEDIA_TYPE)
        pieces = _answer(source, file, model, reasons, ranked)
        headers = {"content-disposition": 'attachment; filename="leads-scored.csv"'}
        return StreamingResponse(pieces, media_type="text/csv", headers=headers)


def _opened(source: BinaryIO, model: Model, ranked: bool, decimal: str | None) -> CsvFile:
    """The file, unless its answer would be beyond measure (TableError) or has no room (507)."""
    chunks = iter(lambda: source.read(2**20), b"")
    rows = sum(max(chunk.count(b"\n"), chunk.count(b"\r")) for chunk in chunks)
    size = source.tell()
    source.seek(0)
    if ranked:
        _check_ranking(rows, size)
    file = CsvFile(source, model.card.dictionary, decimal)
    # A whole row has a byte for each column, short ones are filled.
    if rows * file.columns.width > MOST_FILLED * size + IN_MEMORY:
        raise TableError(f"most of its {rows:,} rows are shorter than its header")
    return file


def _check_ranking(rows: int, size: int) -> None:
    if rows > MOST_RANKED:
        raise TableError(
            f"{rows:,} rows are too many to be ranked here, at most {MOST_RANKED:,} are: leave out "
            "sort, or rank the file with `predict.py score --sort`"
        )
    waiting = size + rows * LINE_BYTES
    if waiting > IN_MEMORY and shutil.disk_usage(tempfile.gettempdir()).free < waiting:
        raise HTTPException(507, NO_ROOM)


def _answer(
    source: BinaryIO, file: CsvFile, model: Model, reasons: int, ranked: bool
) -> Iterator[bytes]:
    """The answer in pieces."""
    with source:
        yield header(file.dialect, file.columns, reasons)
        scorer = CsvScorer(model.engine, file.dialect, file.columns, reasons, model.served.add)
        yield from _lines(map(scorer.score, file.blocks()), ranked)


def _as_json(
    source: BinaryIO, file: CsvFile, model: Model, reasons: int, ranked: bool
) -> Iterator[bytes]:
    """The answer in pieces, as JSON."""
    with source:
        scorer = ndjson.NdjsonScorer(model.engine, file, reasons, model.served.add)
        yield scorer.head(_sha256(source) == model.card.data.get("sha256"))
        yield from _lines(map(scorer.score, file.blocks()), ranked)
        yield scorer.foot()


def _lines(blocks: Iterator[Lines], ranked: bool) -> Iterator[bytes]:
    """The lines of scored blocks, in their order or ranked."""
    if not ranked:
        for lines in blocks:
            yield lines.text
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as waiting:
        ranking = All(cast(BinaryIO, waiting))
        for lines in blocks:
            ranking.add(lines)
            yield b""  # as long as there is progress, time does not run out
        yield from ranking.pieces()


def _sha256(source: BinaryIO) -> str:
    """The digest of the whole file, which is read on from where it was."""
    place, digest = source.tell(), hashlib.sha256()
    source.seek(0)
    for chunk in iter(lambda: source.read(2**20), b""):
        digest.update(chunk)
    source.seek(place)
    return digest.hexdigest()
