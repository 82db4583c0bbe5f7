"""Drift: how far the leads served have moved from the leads the model was trained on.

Bins and their index are in `bins`.
"""

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.bins import Bins, Counts, score_name
from leadscore.card import Card
from leadscore.columns import Tensors

ENOUGH: Final = 500  # leads; with fewer, chance alone makes a PSI of 0.1
TOGETHER: Final = 256  # leads counted at once: numpy's cost for a call, divided by as many


class Window:
    """The newest leads a model has scored in this process, as counts of bins.

    `folder`, where given, holds the counts of every worker, so that each can answer for all; up to
    TOGETHER - 1 leads of each other worker may not be counted yet. Safe to share between threads.
    """

    def __init__(self, card: Card, length: int, folder: Path | None = None) -> None:
        self._bins = {name: Bins(described) for name, described in card.drift["features"].items()}
        self._score = score_name(self._bins)
        self._bins[self._score] = Bins(card.drift["score"])
        sizes = [len(bins.shares) for bins in self._bins.values()]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._rows = np.full((length, len(sizes)), -1)
        self._next = 0
        self._waiting: list[tuple[Tensors, NDArray[np.float64]]] = []
        self._leads_waiting = 0
        self._lock = threading.Lock()
        self._folder = folder
        self._name = f"drift-{hashlib.sha256(card.to_json().encode()).hexdigest()[:16]}"
        self._path: Path | None = None
        self._counts: Counts = np.zeros(int(self._starts[-1]), np.int64)

    def add(self, inputs: Tensors, probability: NDArray[np.float64]) -> None:
        """Take in scored leads: model inputs of shape (n, 1), probabilities of shape (n,)."""
        with self._lock:
            self._waiting.append((inputs, probability))
            self._leads_waiting += len(probability)
            enough = self._leads_waiting >= TOGETHER
        if enough:
            self._count()

    def psi(self) -> dict[str, float]:
        """The index of each feature and of the score; empty while there are too few leads."""
        counts = np.split(self._all(), self._starts[1:-1])
        if counts[0].sum() < ENOUGH:
            return {}
        return {
            name: bins.psi(found) for (name, bins), found in zip(self._bins.items(), counts, strict=True)
        }

    def leads(self) -> int:
        """How many leads the window holds."""
        return int(self._all()[: self._starts[1]].sum())

    def close(self) -> None:
        """Take this process's counts out of the folder."""
        if self._path:
            self._path.unlink(missing_ok=True)

    def _share(self, folder: Path) -> None:
        """Keep the counts where the other workers find them."""
        for left in folder.glob(f"{self._name}.*.{os.getpid()}"):  # by a process of this number
            left.unlink()
        # A model that is loaded again has two windows for a moment; the first takes its file away.
        self._path = folder / f"{self._name}.{time.monotonic_ns()}.{os.getpid()}"
        self._counts = np.memmap(self._path, np.int64, "w+", shape=self._counts.shape)

    def _count(self) -> None:
        with self._lock:
            waiting, self._waiting, self._leads_waiting = self._waiting, [], 0
        if not waiting:
            return
        values = {name: np.concatenate([one[name] for one, _ in waiting]) for name in waiting[0][0]}
        values[self._score] = np.concatenate([probability for _, probability in waiting])
        codes = [bins.codes(values[name].reshape(-1)) for name, bins in self._bins.items()]
        rows = (np.column_stack(codes) + self._starts[:-1])[-len(self._rows) :]
        with self._lock:
            if self._folder and not self._path:  # not before: gunicorn --preload forks after the start
                self._share(self._folder)
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


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
