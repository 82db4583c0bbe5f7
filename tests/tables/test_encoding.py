"""The encoding of a file is found, wherever it is cut."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.tables.encoding import decoded

TEXT = "City,note\nMálaga,“café” €\n"


def _decoded(content: bytes, size: int = 2**18) -> str:
    return "".join(decoded(io.BytesIO(content), size))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", ""),
        ("utf-8-sig", "\ufeff"),
        ("cp1252", ""),
        ("utf-16", "\ufeff"),
        ("utf-16-le", ""),
        ("utf-16-be", ""),
    ],
)
def test_text_is_read_in_the_encoding_it_was_written_in(encoding: str, mark: str, size: int) -> None:
    """As Excel, old programs and Windows write it, with or without a byte order mark."""
    assert _decoded(TEXT.encode(encoding), size) == mark + TEXT


def test_file_of_two_encodings_is_read() -> None:
    """Rows of several exports, put together: each is read as it was written."""
    assert _decoded("é\n".encode() + "é\n".encode("cp1252") + b"\x81") == "é\né\n\x81"


def test_half_a_character_is_no_error() -> None:
    """A file that was cut is read as far as it goes."""
    assert _decoded("né".encode("utf-16")[:-1]) == "\ufeffn\ufffd"
    assert _decoded("né".encode()[:-1]) == "nÃ"


@given(st.binary(max_size=50), st.integers(1, 9))
def test_any_bytes_are_text(content: bytes, size: int) -> None:
    """Nothing raises, and where a part ends changes nothing."""
    assert _decoded(content, size) == _decoded(content)
