"""Codes of many strings at once: a dict whose look-ups are numpy's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WORDS: Final = 8  # of eight bytes, that a string is compared by
LONGEST: Final = 8 * WORDS  # bytes of a string that is remembered
BITS: Final = 15  # of a hash
ROOM: Final = 256  # for the first codes; more is made when needed, for most tables are small

# Powers of the golden ratio's fractional part, which is odd and sends neighbours far apart.
MULTIPLIERS: Final = np.full((WORDS, 1), 0x9E3779B97F4A7C15, np.uint64).cumprod(axis=0)

# Of each word, by the length of a string: how many bytes belong to it, and their bits.
_belonging = np.clip(np.arange(LONGEST + 1) - 8 * np.arange(WORDS)[:, np.newaxis], 0, 8)
KEPT: Final = np.array([2 ** (8 * count) - 1 for count in range(9)], np.uint64)[_belonging]


class Text:
    """A text; at each of its places the eight bytes that begin there are a number in `words`."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        padded = text + bytes(LONGEST)
        self.words = np.ndarray(len(padded) - 7, "<u8", padded, strides=(1,))


@dataclass(frozen=True)
class Parts:
    """n parts of a text: where each starts, and its length in bytes; both of shape (n,)."""

    text: Text
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]

    def __getitem__(self, part: int) -> bytes:
        return self.text.text[self.starts[part] : self.starts[part] + self.lengths[part]]

    def words(self) -> NDArray[np.uint64]:
        """The first LONGEST bytes of each as numbers, filled with zeros; shape (at most WORDS, n)."""
        lengths = np.minimum(self.lengths, LONGEST)
        words = np.empty((-(-int(lengths.max(initial=0)) // 8), len(lengths)), np.uint64)
        for index, row in enumerate(words):
            np.bitwise_and(self.text.words[self.starts + 8 * index], KEPT[index].take(lengths), out=row)
        return words


class Lookup:
    """The codes of strings met before, from 0 up; 0 is that of the empty string.

    Hashed by multiplication (Knuth, The Art of Computer Programming, vol. 3, section 6.4) into a table
    that keeps the latest string of each slot; a hit is compared in full.
    """

    def __init__(self) -> None:
        self._codes = np.zeros(2**BITS, np.int32)  # by slot
        self._words = np.zeros((WORDS, ROOM), np.uint64)  # by code
        self._lengths = np.zeros(ROOM, np.intp)  # by code

    def clear(self) -> None:
        """Forget all codes."""
        self._codes[:] = 0

    def codes(self, parts: Parts, code_of: Callable[[bytes], int]) -> NDArray[np.int32]:
        """The codes of n parts of a text, shape (n,); `code_of` is asked for those not met before."""
        words, lengths = parts.words(), parts.lengths
        hashes = (words * MULTIPLIERS[: len(words)]).sum(axis=0)
        slots = (hashes >> np.uint64(64 - BITS)).astype(np.intp)
        codes: NDArray[np.int32] = self._codes.take(slots)
        new = np.flatnonzero(~self._same(codes, words, lengths))
        if len(new):
            _, first = np.unique(slots[new], return_index=True)
            first = new[first]
            first = first[lengths[first] <= LONGEST]
            self._codes[slots[first]] = [code_of(parts[part]) for part in first.tolist()]
            self._remember(self._codes[slots[first]], words[:, first], lengths[first])
            codes[new] = self._codes[slots[new]]
            # Too long, or other strings of the same slot.
            for part in new[~self._same(codes[new], words[:, new], lengths[new])].tolist():
                codes[part] = code_of(parts[part])
        return codes

    def _remember(
        self, codes: NDArray[np.int32], words: NDArray[np.uint64], lengths: NDArray[np.intp]
    ) -> None:
        if (most := codes.max(initial=0)) >= len(self._lengths):
            self._lengths = np.pad(self._lengths, (0, most))
            self._words = np.pad(self._words, ((0, 0), (0, most)))
        self._lengths[codes] = lengths
        self._words[:, codes] = 0
        self._words[: len(words), codes] = words

    def _same(
        self, codes: NDArray[np.int32], words: NDArray[np.uint64], lengths: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        different = np.bitwise_or.reduce(self._words[: len(words)].take(codes, axis=1) ^ words, axis=0)
        found: NDArray[np.bool_] = (different == 0) & (self._lengths.take(codes) == lengths)
        return found
