"""What a file is by its first bytes, and the CSV that is in it: in gzip, in a zip, in a workbook."""

import contextlib
import gzip
import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO, Final, cast

from leadscore.tables import workbook
from leadscore.tables.mapping import TableError
from leadscore.tables.workbook import Sheets

BEGINNING: Final = 8  # bytes that are looked at

# What cannot be read, by its first bytes.
_FOREIGN: Final = {
    b"%PDF": "this is a PDF: export the list as CSV or Excel",
    b"\xd0\xcf\x11\xe0": "this is an old Excel file (.xls) or has a password: save it as plain .xlsx",
    b"PAR1": "this is Parquet: give the file to `predict.py score`, with a name that ends in .parquet",
    b"\x89PNG": "this is a picture: export the list as CSV or Excel",
    b"\xff\xd8\xff": "this is a picture: export the list as CSV or Excel",
    b"7z\xbc\xaf": "this is a 7z archive: unpack it first",
    b"Rar!": "this is a RAR archive: unpack it first",
    b"BZh": "this is packed by bzip2: unpack it first, or use gzip",
    b"\xfd7zXZ": "this is packed by xz: unpack it first, or use gzip",
    b"(\xb5/\xfd": "this is packed by zstd: unpack it first, or use gzip",
}
_JSON: Final = "this is JSON: POST it to /predict or /predict/batch, or convert it to CSV"
_MARKUP: Final = "this is HTML or XML, which some programs call .xls: open it in Excel, save it as .xlsx"
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what spreadsheets and browsers write
_ENCRYPTED: Final = 1  # a flag of a file in a zip

# The last two of a zip whose version or names are damaged.
_DAMAGED: Final = (
    *(EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile),
    *(NotImplementedError, ValueError),
)


class TooLargeError(TableError):
    """A packed file holds more than it may."""


@contextlib.contextmanager
def text(
    stream: BinaryIO,
    sheet: str | None,
    most: int | None = None,
    memory: int = workbook.MEMORY,
    note: Callable[[Sheets], None] = lambda sheets: None,
) -> Iterator[BinaryIO]:
    """The CSV of a file, as bytes in whatever encoding: the stream itself, or what is in it.

    `sheet`: of a workbook, by name. `most`: bytes of what is packed. `memory`: bytes that reading a
    workbook may take. `note` is told its sheets. What is packed is unpacked as it
    is read, and may raise then, too.

    Raises TableError for what is no table, damaged, or packed with other files, and TooLargeError.
    """
    with contextlib.ExitStack() as opened:
        begin, stream = _begin(stream)
        found = stream
        if begin.startswith(_GZIP):
            packed = opened.enter_context(gzip.GzipFile(mode="rb", fileobj=stream))
            begin, found = _begin(_unpacked(packed, most))
        elif begin.startswith(_ZIP):
            if not stream.seekable():  # the table of a zip is at its end
                stream = _copied(stream, opened.enter_context(tempfile.TemporaryFile()))
            archive = opened.enter_context(_archive(stream))
            if any(name.startswith("xl/") for name in archive.namelist()):
                if most is not None and sum(entry.file_size for entry in archive.infolist()) > most:
                    raise TooLargeError(_too_large(most))
                found = opened.enter_context(tempfile.TemporaryFile())
                note(workbook.read(stream, sheet, found, memory))
                yield found
                return
            begin, found = _begin(_unpacked(opened.enter_context(_only(archive)), most))
        if sheet:
            raise TableError("a sheet is named, and the file is no workbook")
        _refuse_foreign(begin)
        yield found


def packed(stream: BinaryIO) -> bool:
    """Whether a file, which can be read again, has to be unpacked or is a workbook."""
    return _begin(stream)[0].startswith((_GZIP, *_ZIP))


def _refuse_foreign(begin: bytes) -> None:
    """TableError for what is no text of a table."""
    if not begin:
        raise TableError("the file is empty")
    for mark, why in _FOREIGN.items():
        if begin.startswith(mark):
            raise TableError(why)
    if begin.startswith((_GZIP, *_ZIP)):
        raise TableError("what is packed in this file is packed again: unpack it first")
    start = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{") or (
        start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"[", b"]")
    ):
        raise TableError(_JSON)
    if start.startswith(b"<"):
        raise TableError(_MARKUP)


def _begin(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and the stream from its beginning."""
    begin = stream.read(BEGINNING)  # and no more: who feeds a pipe may wait for an answer to them
    if stream.seekable():
        stream.seek(-len(begin), io.SEEK_CUR)
        return begin, stream
    return begin, cast(BinaryIO, io.BufferedReader(_Resumed(begin, stream)))


def _copied(stream: BinaryIO, copy: BinaryIO) -> BinaryIO:
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _archive(stream: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except _DAMAGED:
        raise TableError("the zip or Excel file is damaged, or was not sent to its end") from None


def _only(archive: zipfile.ZipFile) -> IO[bytes]:
    """The one file of an archive."""
    files = [
        entry
        for entry in archive.infolist()
        if not entry.filename.endswith("/") and not entry.filename.startswith("__MACOSX/")
    ]
    if len(files) != 1:
        raise TableError(f"the zip holds {len(files):,} files, expected one")
    (file,) = files
    if file.flag_bits & _ENCRYPTED:
        raise TableError("the zip has a password: unpack it first")
    if file.compress_type not in _METHODS:
        raise TableError("the zip is not packed by deflate, as most are: unpack it first")
    try:
        if not 0 <= file.header_offset < archive.start_dir:
            raise zipfile.BadZipFile("it does not start in the archive")
        return archive.open(file)
    except _DAMAGED as error:
        raise TableError(f"the packed file is damaged ({error})") from None


def _unpacked(packed: IO[bytes] | gzip.GzipFile, most: int | None) -> BinaryIO:
    """What is packed in a stream, as far as `most` bytes."""
    return cast(BinaryIO, io.BufferedReader(_Unpacked(packed, most)))


def _too_large(most: int) -> str:
    return f"what is packed in the file is larger than {most:,} bytes"


class _Raw(io.RawIOBase):
    """A stream that is read in the parts in which it comes."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self.part(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def part(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        raise NotImplementedError


class _Resumed(_Raw):
    """A stream whose first bytes were read."""

    def __init__(self, begin: bytes, stream: BinaryIO) -> None:
        self._begin, self._stream = begin, cast(io.BufferedIOBase, stream)

    def part(self, size: int) -> bytes:
        begin, self._begin = self._begin[:size], self._begin[size:]
        return begin or self._stream.read1(size)


class _Unpacked(_Raw):
    """What is packed in a stream. Raises TableError, TooLargeError beyond `most` bytes."""

    def __init__(self, packed: IO[bytes] | gzip.GzipFile, most: int | None) -> None:
        self._packed, self._most, self._size = cast(io.BufferedIOBase, packed), most, 0

    def part(self, size: int) -> bytes:
        try:
            part = self._packed.read1(size)
        except _DAMAGED as error:
            raise TableError(f"the packed file is damaged ({error})") from None
        self._size += len(part)
        if self._most is not None and self._size > self._most:
            raise TooLargeError(_too_large(self._most))
        return part
