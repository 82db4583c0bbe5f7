"""A file is told by what is in it, whatever it is called; what cannot be read says what it is."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.tables import contents
from leadscore.tables.contents import TooLargeError
from leadscore.tables.mapping import TableError

CSV = b"City,note\nPune,a\n"


def _zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _text(content: bytes, sheet: str | None = None, most: int | None = None) -> bytes:
    with contents.text(io.BytesIO(content), sheet, most) as found:
        return found.read()


def _gzip(content: bytes) -> bytes:
    """Packed, without the time of day, which would be in the names of tests."""
    return gzip.compress(content, mtime=0)


def _with(content: bytes, mark: bytes, place: int, value: int) -> bytes:
    """With another byte so many behind the last mark."""
    at = content.rindex(mark) + place
    return content[:at] + bytes([value]) + content[at + 1 :]


@pytest.mark.parametrize(
    "packed",
    [
        CSV,
        _gzip(CSV),
        _gzip(CSV[:9]) + _gzip(CSV[9:]),
        _zip({"leads.csv": CSV}),
        _zip({"leads.csv": CSV, "__MACOSX/._leads.csv": b"x"}),
        _zip({"folder/": b"", "folder/leads": CSV}),
    ],
    ids=["plain", "gzip", "two gzips", "zip", "zip of a Mac", "zip with a folder"],
)
def test_packed_csv_is_read_from_files_and_pipes(packed: bytes) -> None:
    """Whether or not the stream can be read twice, and in the parts in which it comes."""
    assert _text(packed) == CSV

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read1(min(size or 1, 3))

    with contents.text(Pipe(packed), None) as found:
        assert found.read() == CSV


@given(st.binary(max_size=60))
def test_text_is_handed_on_untouched(content: bytes) -> None:
    """Byte for byte, wherever a part ends."""
    stream = io.BytesIO(b"City\n" + content)
    with contents.text(stream, None) as found:
        assert found.read() == b"City\n" + content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (_gzip(b""), "the file is empty"),
        (b"%PDF-1.7\n", "this is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an old Excel file \(.xls\)"),
        (b"PAR1\x15\x04", "this is Parquet"),
        (b'{"City": "Pune"}', "this is JSON"),
        (b' \n[{"City"', "this is JSON"),
        (b"<html><table>", "this is HTML or XML"),
        (b"\xef\xbb\xbf<?xml ", "this is HTML or XML"),
        (_gzip(_gzip(CSV)), "packed again"),
        (_gzip(b"%PDF-1.7"), "this is a PDF"),
        (_gzip(CSV)[:-9], "damaged"),
        (_gzip(CSV * 99)[:40], "damaged"),
        (b"\x1f\x8bx", "damaged"),
        (b"PK\x03\x04" + b"x" * 50, "damaged, or was not sent to its end"),
        (_zip({"leads.csv": CSV})[:-30], "damaged, or was not sent to its end"),
        (_zip({"leads.csv": CSV}, zipfile.ZIP_STORED).replace(b"City", b"Citx"), "damaged"),
        (_with(_zip({"leads.csv": CSV}), b"PK\x01\x02", 6, 99), "damaged, or was not sent"),
        (_with(_zip({"leads.csv": CSV}), b"PK\x05\x06", 16, 255), "does not start in the archive"),
        (_with(_zip({"leads.csv": CSV}), b"PK\x01\x02", 45, 1), "does not start in the archive"),
        (_with(_zip({"leads.csv": CSV}), b"PK\x01\x02", 8, 1), "has a password"),
        (_with(_zip({"leads.csv": CSV}), b"PK\x01\x02", 8, 32), "damaged"),
        (_with(_zip({"leads.csv": CSV}), b"PK\x01\x02", 28, 0), "damaged"),
        (_zip({"\u00e9.csv": CSV}).replace("\u00e9".encode(), b"\xff\xff"), "damaged, or was not sent"),
        (_zip({"leads.csv": CSV}, zipfile.ZIP_BZIP2), "is not packed by deflate"),
        (_zip({"leads.csv": CSV}, zipfile.ZIP_LZMA), "is not packed by deflate"),
        (_zip({}), "the zip holds 0 files"),
        (_zip({"one": CSV, "two": CSV}), "the zip holds 2 files, expected one"),
        (b"\xfd7zXZ\x00", "unpack it first"),
    ],
)
def test_what_is_no_table_says_what_it_is(content: bytes, why: str) -> None:
    """Its own sentence for each, with the way out."""
    with pytest.raises(TableError, match=why):
        _text(content)


@pytest.mark.parametrize("header", [b"[City],[Tags]\n", b"City\n", b"C", b"(City),x\n", b"PK,City\n"])
def test_headers_are_not_taken_for_something_else(header: bytes) -> None:
    """A bracket alone makes no JSON, and two letters no zip."""
    assert _text(header) == header


def test_bomb_is_refused_before_it_takes_room() -> None:
    """What is packed is counted as it is unpacked, whatever its head declares."""
    zeros = bytes(10_000_000)
    for packed in (_gzip(zeros), _zip({"leads.csv": zeros})):
        with pytest.raises(TooLargeError, match="larger than 1,000 bytes"):
            _text(packed, most=1000)
        assert len(_text(packed, most=len(zeros))) == len(zeros)


def test_sheet_of_what_has_none_is_refused() -> None:
    """A name of a sheet that is not looked for would be a silent default."""
    for packed in (CSV, _gzip(CSV)):
        with pytest.raises(TableError, match="the file is no workbook"):
            _text(packed, sheet="Leads")
