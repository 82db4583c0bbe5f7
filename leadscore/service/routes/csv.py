"""`POST /predict/csv`: a CSV in, the same CSV with the answers added out."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple

from fastapi import APIRouter
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadscore.columns import show
from leadscore.service import problems
from leadscore.service.model import Model
from leadscore.service.routes import excel
from leadscore.service.routes.route import IN_MEMORY, SCORING, count, one_of, parameter
from leadscore.service.routes.upload import body, received, reserved, unpacked
from leadscore.settings import Settings
from leadscore.tables import coverage, ndjson, workbook
from leadscore.tables.block import REASONS
from leadscore.tables.choice import Choice, chosen
from leadscore.tables.csv_answers import CsvScorer, Lines, begun, choose, header
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.mapping import TableError
from leadscore.tables.ranking import needs_file, ranking

CSV_PATH: Final = "/predict/csv"
CSV: Final = "text/csv"
MARKS: Final = [".", ","]
COLUMNS: Final = "x-columns"
"""The response header that says what the columns of the file were taken for."""

MOST_RANKED: Final = 1_000_000  # rows: a ranking holds some of each in memory
MOST_FILLED: Final = 8  # times its bytes: cells that short rows are filled to
LINE_BYTES: Final = 200  # that an answer adds to a row, generously
REASON_BYTES: Final = 100  # and each of its reasons

DESCRIPTION: Final = f"""Send the file as it is (`text/csv`) or in a form (`multipart/form-data`): CSV
separated by comma, semicolon, tab or bar, in UTF-8, UTF-16 or Windows-1252; the same in gzip, or alone
in a zip; or a workbook (.xlsx). Columns are found by name or by CSV header; all are handed back
untouched, and rows that are no leads are left out. Added: `probability`, `score`, `grade`, `converts`,
`reason_1` and so on, `warnings`, `error` for a row that cannot be scored, and `model_version`. A name
that is taken gets a number: `score_2`.

The answer is CSV in UTF-8, or what the header `accept` asks for: with `{workbook.MEDIA_TYPE}` a
workbook, with `{ndjson.MEDIA_TYPE}` JSON, a line each: first the columns of the file, then each lead
with its cells, and as `values` what was read where a cell is no plain number or level, then the `proof`,
figures on the leads whose outcome the file tells."""

WAY_OUT: Final = " Name them by ?map=HEADER=COLUMN, or add ?partial=1."

FAILURES: Final = problems.BODY_FAILURES | {
    400: "The file was not sent to its end, or the form cannot be read.",
    413: "The file is too large, or what is packed in it.",
    415: f"The body is declared neither as CSV nor as a form, or {problems.PACKED_OTHERWISE}.",
    507: "No room to hold the file.",
}


CSV_ANSWER: Final = {
    "description": "The file with the answers added.",
    "content": {
        CSV: {"schema": {"type": "string"}},
        workbook.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
        ndjson.MEDIA_TYPE: {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "object", "title": "What a dry run found"}},
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
                parameter("top", "only the best so many leads, ranked", type="integer", minimum=1),
                parameter(
                    "columns",
                    "to hand back, as in score,grade,Phone; default, and always in JSON lines: all. A "
                    "name such as score means the column added, also in a file with one of its own",
                    type="string",
                ),
                parameter(
                    "sheet", "of a workbook; default: the first visible one with cells", type="string"
                ),
                parameter(
                    "map",
                    "HEADER=COLUMN: a column of the file is this one of the model",
                    type="array",
                    items={"type": "string"},
                ),
                parameter("partial", "1: also if columns of much weight are absent", enum=["0", "1"]),
                parameter("dry_run", "1: what the file holds, as JSON; no scores", enum=["0", "1"]),
            ],
            "requestBody": body(),
        },
    )
    async def predict_csv(request: Request) -> Response:
        model: Model = request.scope["model"]
        reasons = count(request, "reasons", REASONS, 0, len(model.engine.features)) or 0
        top = count(request, "top", None, 1, MOST_RANKED)
        wanted = _Wanted(one_of(request, "sort", ["score"]) is not None or top is not None, top)
        decimal = one_of(request, "decimal", MARKS)
        partial, dry_run = (one_of(request, name, ["0", "1"]) == "1" for name in ("partial", "dry_run"))
        mapping = dict(pairs(request))
        sheet = request.query_params.get("sheet")
        accepted = request.headers.get("accept", "")
        form = next((form for form in (ndjson.MEDIA_TYPE, workbook.MEDIA_TYPE) if form in accepted), CSV)
        source, sheets = await received(request), None
        try:
            source, sheets = await unpacked(source, sheet, settings.max_csv, model)
            file, waiting = await run_in_threadpool(
                _opened, source, model, wanted, reasons, decimal, mapping, form, some=not dry_run
            )
            if dry_run:
                with source:
                    look = await run_in_threadpool(coverage.looked_at, file, model.card, sheets)
                    return JSONResponse(look)
            if not partial:
                coverage.check(file.columns, model.card)
            names = chosen(request.query_params.get("columns", ""))
            choice = choose(names, file.dialect, file.columns, reasons)
            pieces = await run_in_threadpool(
                _answer, source, file, model, reasons, choice, wanted, waiting, form
            )
            if form == workbook.MEDIA_TYPE:
                async with model.large:
                    pieces = await run_in_threadpool(excel.written, pieces, file.dialect.delimiter)
        except (TableError, HTTPException) as error:
            source.close()
            if isinstance(error, HTTPException):
                raise
            way_out = WAY_OUT if isinstance(error, coverage.PartialError) else ""
            told = f" {sheets.told}" if sheets and sheets.told else ""
            detail = f"The file cannot be scored: {error}.{way_out}{told}"
            raise HTTPException(422, detail) from None
        headers = {COLUMNS: coverage.header(file.columns, model.card, sheets)}
        if form != ndjson.MEDIA_TYPE:
            kind = "csv" if form == CSV else "xlsx"
            headers["content-disposition"] = f'attachment; filename="leads-scored.{kind}"'
        return StreamingResponse(pieces, media_type=form, headers=headers)


def pairs(request: Request) -> Iterator[tuple[str, str]]:
    """Which column of the file is which of the model, as the query says."""
    for text in request.query_params.getlist("map"):
        name, is_pair, column = text.rpartition("=")
        if not is_pair:
            wrong = problems.FieldError(pointer="/query/map", value=show(text), expected="HEADER=COLUMN")
            raise problems.invalid([wrong])
        yield name, column


def _opened(
    source: BinaryIO,
    model: Model,
    wanted: "_Wanted",
    reasons: int,
    decimal: str | None,
    mapping: Mapping[str, str],
    form: str,
    some: bool,
) -> tuple[CsvFile, int]:
    """The file, and how many bytes of a ranking wait. TableError for an answer beyond measure."""
    chunks = iter(lambda: source.read(2**20), b"")
    rows = sum(max(chunk.count(b"\n"), chunk.count(b"\r")) for chunk in chunks)
    size = source.tell()
    source.seek(0)
    file = CsvFile(source, model.card.dictionary, decimal, mapping, some)
    # A whole row has a byte for each column, short ones are filled.
    if rows * file.columns.width > MOST_FILLED * size + IN_MEMORY:
        raise TableError(f"most of its {rows:,} rows are shorter than its header")
    if form == workbook.MEDIA_TYPE:
        excel.check(min(rows, wanted.top or rows) * file.columns.width)
    waits = wanted.ranked and needs_file(wanted.top)
    return file, _waiting(rows, size, reasons) if waits else 0


def _waiting(rows: int, size: int, reasons: int) -> int:
    """Bytes of the lines of a ranking."""
    if rows > MOST_RANKED:
        raise TableError(
            f"{rows:,} rows are too many to be ranked here, at most {MOST_RANKED:,} are: leave out "
            "sort, or rank the file with `predict.py score --sort`"
        )
    return size + rows * (LINE_BYTES + reasons * REASON_BYTES)


class _Wanted(NamedTuple):
    """Whether the best leads come first, and if not all are handed back, how many."""

    ranked: bool
    top: int | None


def _answer(
    source: BinaryIO,
    file: CsvFile,
    model: Model,
    reasons: int,
    choice: Choice | None,
    wanted: _Wanted,
    waiting: int,
    form: str,
) -> Iterator[bytes]:
    """The answer in pieces, which begins once a row was scored. TableError if none can be; a 507 if
    there is no room for as many bytes as are `waiting`.
    """
    engine, note = model.engine, model.served.add
    scorer: CsvScorer | ndjson.NdjsonScorer
    if form == ndjson.MEDIA_TYPE:
        scorer = ndjson.NdjsonScorer(engine, file, reasons, note)
        head, foot = scorer.head(_sha256(source) == model.card.data.get("sha256")), scorer.foot
    else:
        scorer = CsvScorer(engine, file.dialect, file.columns, reasons, note, choice)
        head, foot = header(file.dialect, file.columns, reasons, choice), bytes
    room = reserved(waiting)
    blocks = begun(map(scorer.score, file.blocks()))

    def pieces() -> Iterator[bytes]:
        with source, room:
            yield head
            if wanted.ranked:
                yield from _ranked(blocks, wanted.top, room)
            else:
                yield from (lines.text for lines in blocks)
            yield foot()

    return pieces()


def _ranked(blocks: Iterator[Lines], top: int | None, room: BinaryIO) -> Iterator[bytes]:
    best = ranking(top, room)
    for lines in blocks:
        best.add(lines)
        yield b""  # as long as there is progress, time does not run out
    yield from best.pieces()


def _sha256(source: BinaryIO) -> str:
    """The digest of the whole file, which is read on from where it was."""
    place, digest = source.tell(), hashlib.sha256()
    source.seek(0)
    for chunk in iter(lambda: source.read(2**20), b""):
        digest.update(chunk)
    source.seek(place)
    return digest.hexdigest()
