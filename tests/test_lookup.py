"""Strings keep their codes, however alike they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscore.serving import lookup
from leadscore.serving.lookup import LONGEST, ROOM, Lookup, Parts, Text

STRINGS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"", b"\0", b"a", b"a\0", b"\0a"]),
        st.sampled_from([LONGEST - 1, LONGEST, LONGEST + 1, 3 * LONGEST]).map(lambda size: b"a" * size),
        st.binary(max_size=2).map(lambda end: b"a" * LONGEST + end),
    ),
    min_size=1,
    max_size=60,
)


class Numbered(dict[bytes, int]):
    """Codes in the order of asking; the empty string has 0."""

    def __init__(self) -> None:
        super().__init__({b"": 0})
        self.asked = 0

    def code(self, part: bytes) -> int:
        """The code of a string."""
        self.asked += 1
        return self.setdefault(part, len(self))


def _parts(strings: list[bytes]) -> Parts:
    lengths = np.array([len(string) for string in strings], np.intp)
    return Parts(Text(b"".join(strings)), np.cumsum(lengths) - lengths, lengths)


@pytest.mark.parametrize("bits", [1, lookup.BITS])
@given(st.lists(STRINGS, min_size=1, max_size=3))
def test_each_string_has_its_own_code(bits: int, blocks: list[list[bytes]]) -> None:
    """Also those that differ by a zero at the end, share a slot, or are longer than what is kept."""
    usual, lookup.BITS = lookup.BITS, bits  # type: ignore[misc]
    try:
        codes, numbered = Lookup(), Numbered()
        for strings in blocks:
            found = codes.codes(_parts(strings), numbered.code).tolist()
            assert found == [numbered[string] for string in strings]
    finally:
        lookup.BITS = usual  # type: ignore[misc]


def test_known_strings_are_asked_for_once() -> None:
    """The second look-up of a thousand strings asks for few of them: those that share a slot."""
    codes, numbered = Lookup(), Numbered()
    strings = [b"%d" % number for number in range(4 * ROOM)] * 3
    first = codes.codes(_parts(strings), numbered.code)
    numbered.asked = 0
    np.testing.assert_array_equal(codes.codes(_parts(strings), numbered.code), first)
    assert numbered.asked < len(strings) / 10


def test_forgotten_codes_are_given_anew() -> None:
    """After `clear` no string has a code it had before."""
    codes = Lookup()
    parts = _parts([b"Pune", b"", b"Mumbai"])
    assert codes.codes(parts, Numbered().code).tolist() in ([1, 0, 2], [2, 0, 1])
    codes.clear()
    assert codes.codes(parts, {b"Pune": 7, b"Mumbai": 8}.__getitem__).tolist() == [7, 0, 8]
