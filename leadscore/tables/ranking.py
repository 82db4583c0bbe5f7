"""Rankings of scored lines: the most probable lead first, equal ones in the order they came."""

from array import array
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from leadscore.tables.block import BLOCK
from leadscore.tables.csv_answers import Lines

MOST_HELD: Final = 5_000  # of the best lines, some 2 MB; more wait in a file


class Ranking(Protocol):
    """Takes blocks of scored lines, then gives them back ranked."""

    def add(self, lines: Lines) -> None:
        """Take the next block."""

    def pieces(self) -> Iterator[bytes]:
        """The lines in pieces, the best first."""


def needs_file(top: int | None) -> bool:
    """Whether the lines wait in a file until the best `top` of them, or all, are known."""
    return top is None or top > MOST_HELD


def ranking(top: int | None, waiting: BinaryIO) -> Ranking:
    """A ranking of all lines, or of the best `top` ones; `waiting` is where they may wait."""
    return All(waiting, top) if needs_file(top) else Best(top or 0)


class All:
    """Ranks every line, and gives back `count` of them, or all. The lines wait in a file; memory holds
    16 bytes of each.
    """

    def __init__(self, waiting: BinaryIO, count: int | None = None) -> None:
        self._waiting, self._count = waiting, count
        self._probability, self._ends = array("d"), array("Q")

    def add(self, lines: Lines) -> None:
        """Take the next block."""
        end = self._ends[-1] if self._ends else 0
        self._ends.extend((end + lines.ends).tolist())
        self._probability.extend(lines.probability.tolist())
        self._waiting.write(lines.text)

    def pieces(self) -> Iterator[bytes]:
        """The lines in pieces, the best first."""
        places = np.concatenate([[0], np.array(self._ends, np.int64)])
        places, lengths = places[:-1], np.diff(places)
        order = _ranks(np.array(self._probability))[: self._count]
        for block in range(0, len(order), BLOCK):
            lines = order[block : block + BLOCK]
            spans = zip(places[lines].tolist(), lengths[lines].tolist(), strict=True)
            yield b"".join(self._line(start, length) for start, length in spans)

    def _line(self, start: int, length: int) -> bytes:
        self._waiting.seek(start)
        return self._waiting.read(length)


class Best:
    """Ranks the `count` best lines, and holds no others."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._texts: list[bytes] = []
        self._probability = np.empty(0)

    def add(self, lines: Lines) -> None:
        """Take the next block."""
        starts = [0, *lines.ends[:-1].tolist()]
        spans = zip(starts, lines.ends.tolist(), strict=True)
        texts = self._texts + [lines.text[start:end] for start, end in spans]
        probability = np.concatenate([self._probability, lines.probability])
        best = _ranks(probability)[: self._count]
        self._texts = [texts[index] for index in best.tolist()]
        self._probability = probability[best]

    def pieces(self) -> Iterator[bytes]:
        """The lines in pieces, the best first."""
        yield b"".join(self._texts)


def _ranks(probability: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places of the probabilities, the highest first, NaN last; equal ones keep their order."""
    return np.argsort(-probability, kind="stable")
