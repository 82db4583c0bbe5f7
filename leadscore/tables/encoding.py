"""The encoding of a text, known from its first bytes: UTF-8, UTF-16, or Windows-1252."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

ENOUGH: Final = 4  # bytes tell them apart

_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

# Without a mark: which bytes of two characters of ASCII are zero.
_ASCII: Final = {
    b"\1\0\1\0": "utf-16-le",
    b"\0\1\0\1": "utf-16-be",
}


def decoded(stream: BinaryIO, size: int) -> Iterator[str]:
    """The text of a stream in the parts in which it comes, of at most `size` bytes each. A byte order
    mark is left in, as U+FEFF.
    """
    # Not `read`: it waits for all it is asked for, and hears no Ctrl-C between two parts of it.
    read = cast(io.BufferedIOBase, stream).read1
    begin = b""
    while len(begin) < ENOUGH and (part := read(size)):
        begin += part
    decoder = _decoder(begin)
    yield decoder.decode(begin)
    while part := read(size):
        yield decoder.decode(part)
    yield decoder.decode(b"", final=True)


def _decoder(begin: bytes) -> codecs.IncrementalDecoder:
    """Bytes that are not UTF-8 are read as Windows-1252 where they stand: files that were put together
    from several have both. What is not UTF-16 either becomes U+FFFD.
    """
    encoding = _MARKS.get(begin[:2])
    if not encoding and len(begin) >= ENOUGH:
        encoding = _ASCII.get(bytes(map(bool, begin[:ENOUGH])))
    if encoding:
        return codecs.getincrementaldecoder(encoding)("replace")
    return codecs.getincrementaldecoder("utf-8")("leadscore.windows")


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are not UTF-8 as Windows-1252, which is Latin-1 and a few more characters."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    try:
        return wrong.decode("cp1252"), error.end
    except UnicodeDecodeError:  # five bytes it has no character for
        return wrong.decode("latin-1"), error.end


codecs.register_error("leadscore.windows", _from_windows)
