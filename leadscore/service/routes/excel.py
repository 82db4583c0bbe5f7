"""Answers as workbooks (.xlsx), each written before its first byte is sent, so that it is whole."""

import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, cast

from starlette.exceptions import HTTPException

from leadscore.service.routes.route import IN_MEMORY
from leadscore.service.routes.upload import NO_ROOM
from leadscore.tables import workbook
from leadscore.tables.mapping import TableError

MOST_CELLS: Final = 2_000_000  # of the leads, which take some 10 s to write


def check(cells: int) -> None:
    """TableError if so many cells of leads are too many to be written, or nothing here writes them."""
    if cells > MOST_CELLS:
        raise TableError(
            f"its {cells:,} cells are too many for an answer as a workbook, at most {MOST_CELLS:,} are: "
            "leave out the header accept, or write it with `predict.py score -o leads.xlsx`"
        )
    workbook.library()


def written(pieces: Iterable[bytes], delimiter: str) -> Iterator[bytes]:
    """A CSV as a workbook, in pieces. TableError for what no sheet holds, a 507 if there is no room."""
    spooled = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (closed with its last piece)
    book = cast(BinaryIO, spooled)
    try:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as answers:
            answers.writelines(pieces)
            answers.seek(0)
            workbook.write(cast(BinaryIO, answers), delimiter, book)
    except OSError:
        raise HTTPException(507, NO_ROOM) from None
    return _read(book)


def _read(book: BinaryIO) -> Iterator[bytes]:
    with book:
        book.seek(0)
        yield from iter(lambda: book.read(2**18), b"")
