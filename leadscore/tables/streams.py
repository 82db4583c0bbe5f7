"""Where a job reads and writes: a file or "-", standard input or output."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from leadscore.files import replacing

STANDARD: Final = "-"


@contextlib.contextmanager
def source(name: str) -> Iterator[BinaryIO]:
    """A file to read, or standard input."""
    if name == STANDARD:
        yield sys.stdin.buffer
    else:
        with Path(name).open("rb") as stream:
            yield stream


@contextlib.contextmanager
def target(name: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears when it is complete; what is no file is written to."""
    path = Path(name)
    if name == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        with _opened(path, name) as stream:
            yield stream
    else:
        with replacing(path.resolve()) as temporary, _opened(temporary, name) as stream:
            yield stream


def _opened(path: Path, name: str) -> BinaryIO:
    """A file to write; if it cannot be, the error has the name that was asked for."""
    try:
        return path.open("wb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None
