"""Rankings of scored lines: the most probable lead first, equal ones in the order they came."""

from array import array
from collections.abc import Iterator
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from leadscore.tables.block import BLOCK
from leadscore.tables.csv_answers import Lines


class Ranking(Protocol):
    """Takes blocks of scored lines, then gives them back ranked."""

    def add(self, lines: Lines) -> None:
        """Take the next block."""

    def pieces(self) -> Iterator[bytes]:
        """The lines in pieces, the best first."""


class All:
    """Ranks every line. The lines wait in a file; memory holds 16 bytes of each."""

    def __init__(self, waiting: BinaryIO) -> None:
        self._waiting = waiting
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
        order = _ranks(np.array(self._probability))
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
