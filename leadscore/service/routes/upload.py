"""Files that are sent to be scored: received whole, and unpacked; and room for their answers."""

import errno
import io
import os
import shutil
import tempfile
from contextlib import ExitStack
from typing import Any, BinaryIO, Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from leadscore.columns import show
from leadscore.service.model import Model
from leadscore.service.routes.route import IN_MEMORY, media_type
from leadscore.tables import contents, workbook
from leadscore.tables.workbook import Sheets

NO_ROOM: Final = "The service has no room to hold a file of this size."
NOT_TO_ITS_END: Final = "The file was not sent to its end."
WORKBOOK_MEMORY: Final = 2**28  # bytes that reading a workbook may take: some 40,000 rows of 40 columns

_BINARY: Final = {"type": "string", "format": "binary"}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # no room, no more for this user, too large

TYPES: Final = {
    *("text/csv", "application/csv", "text/plain", "text/tab-separated-values"),
    *("application/gzip", "application/x-gzip", "application/zip", "application/x-zip-compressed"),
    workbook.MEDIA_TYPE,
    *(
        "application/octet-stream",
        "application/vnd.ms-excel",
    ),  # as browsers declare what they do not know
}


async def received(request: Request) -> BinaryIO:
    """The whole file: a client that sends all before it reads would block on an answer in between."""
    declared = media_type(request)
    if declared == "multipart/form-data":
        for file in (await form_files(request, 1)).values():
            return file
        raise HTTPException(422, "The form holds no file.")
    try:
        if declared not in TYPES:
            got = show(declared) if declared else "none"
            raise HTTPException(
                415, f"Content-Type: got {got}, expected 'text/csv' or 'multipart/form-data'"
            )
        spooled = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (whoever reads it closes it)
        source = cast(BinaryIO, spooled)
        async for chunk in request.stream():
            await run_in_threadpool(source.write, chunk)
        source.seek(0)
    except ClientDisconnect:
        raise HTTPException(400, NOT_TO_ITS_END) from None
    except OSError:
        raise HTTPException(507, NO_ROOM) from None
    return source


async def form_files(request: Request, most: int) -> dict[str, BinaryIO]:
    """The files of a form, at most so many, by the names of their fields: of one name, the last."""
    try:
        form = await request.form(max_files=most, max_fields=10)
    except ClientDisconnect:
        raise HTTPException(400, NOT_TO_ITS_END) from None
    except MultiPartException as error:
        raise HTTPException(400, f"The form cannot be read: {error.message}") from None
    except (LookupError, UnicodeError):  # of a charset that Python does not know, or cannot use
        raise HTTPException(400, "The form cannot be read: its charset is unknown.") from None
    except OSError:
        raise HTTPException(507, NO_ROOM) from None
    files: dict[str, BinaryIO] = {}
    for name, part in form.multi_items():
        if not isinstance(part, str):
            if name in files:
                files[name].close()
            files[name] = part.file
    return files


async def unpacked(
    source: BinaryIO, sheet: str | None, most: int, model: Model
) -> tuple[BinaryIO, Sheets | None]:
    """The CSV of a file that was received, of at most `most` bytes, and the sheets of a workbook; the
    files of a model that need unpacking one after the other, for each takes memory.

    Raises TableError for what is no table, a 413 for what is too large, a 507 if there is no room.
    """
    if not contents.packed(source):
        with contents.text(source, sheet):
            return source, None
    async with model.large:
        return await run_in_threadpool(_unpacked, source, sheet, most)


def _unpacked(source: BinaryIO, sheet: str | None, most: int) -> tuple[BinaryIO, Sheets | None]:
    spooled = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (whoever reads it closes it)
    plain, sheets = cast(BinaryIO, spooled), list[Sheets]()
    with ExitStack() as on_failure:
        on_failure.enter_context(plain)
        try:
            with source, contents.text(source, sheet, most, WORKBOOK_MEMORY, sheets.append) as found:
                shutil.copyfileobj(found, plain)  # what is wrong comes out before an answer has begun
        except contents.TooLargeError as error:
            raise HTTPException(413, f"The file cannot be scored: {error}.") from None
        except OSError:
            raise HTTPException(507, NO_ROOM) from None
        on_failure.pop_all()
    plain.seek(0)
    return plain, next(iter(sheets), None)


def reserved(size: int) -> BinaryIO:
    """An empty file of which the system promises that `size` bytes fit; a 507 if they do not. To look
    for room without taking it would let two files have the same room.
    """
    if size <= IN_MEMORY:
        return io.BytesIO()
    file = tempfile.TemporaryFile()  # noqa: SIM115  (whoever reads it closes it)
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except AttributeError:  # macOS and Windows promise nothing
        pass
    except OSError as error:
        if error.errno in _FULL:
            file.close()
            raise HTTPException(507, NO_ROOM) from None
    return cast(BinaryIO, file)


def body() -> dict[str, Any]:
    """The request body, for OpenAPI."""
    return {"required": True, "content": {"text/csv": {"schema": _BINARY}, **form("file")}}


def form(*names: str) -> dict[str, Any]:
    """A form of files, for OpenAPI."""
    properties = dict.fromkeys(names, _BINARY)
    schema = {"type": "object", "properties": properties, "required": list(names)}
    return {"multipart/form-data": {"schema": schema}}
