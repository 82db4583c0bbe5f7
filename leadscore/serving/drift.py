"""Drift: how far the leads served have moved from the leads the model was trained on.

The population stability index (PSI; Siddiqi, Credit Risk Scorecards, 2006) of a column compares the
shares e of its bins in training with the shares a in a window of served leads: the sum of
(a - e) ln(a / e). By convention below 0.1 nothing has happened, and from 0.25 on the column is another.
"""

import hashlib
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leadscore.card import Card
from leadscore.columns import Column, Tensors

Counts = NDArray[np.int64]

SCORE: Final = "score"
"""Stands where a column's name stands for the others; its bins are the grades."""

ENOUGH: Final = 500  # leads; with fewer, chance alone makes a PSI of 0.1
RARE: Final = 0.01  # levels with a smaller share are one bin
FLOOR: Final = 1e-4  # an empty bin would make the index infinite
BLOCK: Final = 256  # leads counted at once: numpy's cost for a call, divided by as many


class Bins(ABC):
    """The bins of one column: a code for every value, and the PSI of how often each came."""

    size: int
    unseen: tuple[int, ...] = ()  # the codes of values training has not met

    @abstractmethod
    def codes(self, values: NDArray[Any]) -> NDArray[np.intp]:
        """A code from 0 to `size` - 1 for each of (n,) values."""

    @abstractmethod
    def psi(self, counts: Counts) -> float:
        """The index of (size,) counts."""


class _Codes(dict[str, int]):
    """The codes of known texts; every other text has one code, and is not remembered."""

    def __init__(self, codes: Mapping[str, int], other: int) -> None:
        super().__init__(codes)
        self._other = other

    def __missing__(self, text: str) -> int:
        return self._other


class Levels(Bins):
    """A category: its levels, the rare and unseen ones together, and missing."""

    def __init__(self, reference: Mapping[str, Any]) -> None:
        levels: dict[str, float] = reference["levels"]
        common = [level for level, share in levels.items() if share >= RARE]
        rare, new, missing = (len(common) + more for more in range(3))
        codes = {**dict.fromkeys(levels, rare), **{k: i for i, k in enumerate(common)}, "": missing}
        self._codes = _Codes(codes, new)
        self._new, self.size, self.unseen = new, missing + 1, (new,)
        known = 1 - reference["missing"]
        self._shares = known * np.array([*(levels[k] for k in common), 0.0])
        self._shares[rare] = known - self._shares.sum()
        self._shares = np.append(self._shares, reference["missing"])

    def codes(self, values: NDArray[Any]) -> NDArray[np.intp]:
        """The place among the common levels, then rare, new, missing."""
        return np.fromiter(map(self._codes.__getitem__, values.tolist()), np.intp, len(values))

    def psi(self, counts: Counts) -> float:
        """New levels count as rare ones."""
        found = np.delete(counts, self._new).astype(float)
        found[self._new - 1] += counts[self._new]
        return index(self._shares, found / found.sum())


class Numbers(Bins):
    """A number: the places between and on the deciles of training, and missing."""

    def __init__(self, reference: Mapping[str, Any]) -> None:
        quantiles = np.array(reference["quantiles"], np.float32)
        self._edges = np.unique(quantiles)
        self._missing = 2 * len(self._edges) + 1
        self.size, self.unseen = self._missing + 1, (0, self._missing - 1)
        self._share_missing = reference["missing"]
        # Of each edge that is a decile: its place, and the share of leads up to it. Of several deciles
        # on one edge only the middle one counts: what lies between them cannot be told apart.
        up_to = np.arange(1, len(quantiles) - 1) / max(len(quantiles) - 1, 1)
        self._deciles, first, number = np.unique(
            np.searchsorted(self._edges, quantiles[1:-1]), return_index=True, return_counts=True
        )
        self._up_to = up_to[first + number // 2]

    def codes(self, values: NDArray[Any]) -> NDArray[np.intp]:
        """Odd on an edge, even between two, then missing."""
        found = np.searchsorted(self._edges, values, "left")
        found += np.searchsorted(self._edges, values, "right")
        return np.where(np.isnan(values), self._missing, found)

    def psi(self, counts: Counts) -> float:
        """A tenth of the known numbers is expected between two neighbouring deciles.

        Where many leads have the same number, a decile falls among them, and the card does not say
        where: the split closest to the expected one is taken.
        """
        total, known = counts.sum(), counts[: self._missing].sum()
        expected = np.array([self._share_missing])
        found = np.array([counts[self._missing] / total])
        if known and len(self._deciles):
            reached = np.cumsum(counts) / known
            below, through = reached[2 * self._deciles], reached[2 * self._deciles + 1]
            cuts = np.concatenate([[0], np.clip(self._up_to, below, through), [1]])
            expected = np.append(
                (1 - self._share_missing) * np.diff([0, *self._up_to, 1]), self._share_missing
            )
            found = np.append(np.diff(cuts) * known / total, found)
        return index(expected, found)


class Grades(Bins):
    """The score: the grades, with their shares among the leads the model was tested on."""

    def __init__(self, card: Card) -> None:
        worst_first = card.grades[::-1]
        self._edges = np.array([grade.at_least for grade in worst_first[1:]])
        self._shares = np.array([grade.share for grade in worst_first])
        self.size = len(worst_first)

    def codes(self, values: NDArray[Any]) -> NDArray[np.intp]:
        """The place of the grade, the worst first."""
        return np.searchsorted(self._edges, values, "right")

    def psi(self, counts: Counts) -> float:
        """The index over the grades."""
        return index(self._shares, counts / counts.sum())


def index(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """The population stability index of two distributions over the same bins."""
    expected, found = np.maximum(expected, FLOOR), np.maximum(found, FLOOR)
    return float(((found - expected) * np.log(found / expected)).sum())


class Window:
    """The newest leads a model has scored in this process, as counts of bins.

    `folder`, where given, holds the counts of every worker, so that each can answer for all; up to
    BLOCK - 1 leads of each other worker may not be counted yet. `unseen` gets the name of a column and
    how many values of it training has not met. Safe to share between threads.
    """

    def __init__(
        self,
        card: Card,
        length: int,
        folder: Path | None = None,
        unseen: Callable[[str, int], None] = lambda name, number: None,
    ) -> None:
        features = card.dictionary.features
        self._bins = {c.name: _bins(c, card.reference[c.name]) for c in features} | {SCORE: Grades(card)}
        sizes = [bins.size for bins in self._bins.values()]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._rows = np.full((length, len(sizes)), -1)
        self._unseen = unseen
        self._next = 0
        self._waiting: list[tuple[Tensors, NDArray[np.float64]]] = []
        self._leads_waiting = 0
        self._lock = threading.Lock()
        shape = (int(self._starts[-1]),)
        self._folder = folder
        self._name = f"drift-{hashlib.sha256(card.to_json().encode()).hexdigest()[:16]}"
        self._path: Path | None = None
        self._counts: Counts = np.zeros(shape, np.int64)
        if folder:
            for left in folder.glob(f"{self._name}.*.{os.getpid()}"):  # by a process of this number
                left.unlink()
            # A model that is loaded again has two windows for a moment; the first takes its file away.
            self._path = folder / f"{self._name}.{time.monotonic_ns()}.{os.getpid()}"
            self._counts = np.memmap(self._path, np.int64, "w+", shape=shape)

    def add(self, inputs: Tensors, probability: NDArray[np.float64]) -> None:
        """Take in scored leads: model inputs of shape (n, 1), probabilities of shape (n,)."""
        with self._lock:
            self._waiting.append((inputs, probability))
            self._leads_waiting += len(probability)
            enough = self._leads_waiting >= BLOCK
        if enough:
            self._count()

    def psi(self) -> dict[str, float]:
        """The index of each feature and of the score; empty while there are too few leads."""
        counts = self._all()
        if counts[self._starts[-2] :].sum() < ENOUGH:
            return {}
        return {name: bins.psi(found) for name, bins, found in self._parts(counts)}

    def leads(self) -> int:
        """How many leads the window holds."""
        return int(self._all()[self._starts[-2] :].sum())

    def close(self) -> None:
        """Take this process's counts out of the folder."""
        if self._path:
            self._path.unlink(missing_ok=True)

    def _parts(self, counts: Counts) -> list[tuple[str, Bins, Counts]]:
        parts = np.split(counts, self._starts[1:-1])
        return [(name, bins, part) for (name, bins), part in zip(self._bins.items(), parts, strict=True)]

    def _count(self) -> None:
        with self._lock:
            waiting, self._waiting, self._leads_waiting = self._waiting, [], 0
        if not waiting:
            return
        inputs = {name: np.concatenate([one[name] for one, _ in waiting]) for name in waiting[0][0]}
        values = {**inputs, SCORE: np.concatenate([probability for _, probability in waiting])}
        codes = [bins.codes(values[name].reshape(-1)) for name, bins in self._bins.items()]
        rows = np.column_stack(codes) + self._starts[:-1]
        for name, bins, counts in self._parts(self._tally(rows)):
            if number := int(counts[list(bins.unseen)].sum()):
                self._unseen(name, number)
        rows = rows[-len(self._rows) :]
        with self._lock:
            places = np.arange(self._next, self._next + len(rows)) % len(self._rows)
            gone = self._rows[places]
            self._counts += self._tally(rows) - self._tally(gone[gone[:, 0] >= 0])
            self._rows[places] = rows
            self._next = (self._next + len(rows)) % len(self._rows)

    def _tally(self, rows: Counts) -> Counts:
        return np.bincount(rows.reshape(-1), minlength=self._starts[-1])

    def _all(self) -> Counts:
        """The counts of all workers that live."""
        self._count()
        total: Counts = np.array(self._counts)
        for path in self._folder.glob(f"{self._name}.*") if self._folder else ():
            worker = int(path.suffix[1:])
            if worker == os.getpid():
                continue
            if not _alive(worker):
                path.unlink(missing_ok=True)
            elif len(content := path.read_bytes()) == total.nbytes:
                total += np.frombuffer(content, np.int64)
        return total


def _bins(column: Column, reference: Mapping[str, Any]) -> Bins:
    return Numbers(reference) if column.kind == "number" else Levels(reference)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
