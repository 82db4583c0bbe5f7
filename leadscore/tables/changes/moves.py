"""What moved a lead from one list to the next: its columns that changed, or another model."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadscore.scoring.engine import Engine
from leadscore.scoring.meaning import Meaning
from leadscore.scoring.phrases import points
from leadscore.scoring.reasons import A_POINT, ranked
from leadscore.tables.changes.earlier import Block, Earlier

REASONS: Final = 2  # of a move, at most


class Moves:
    """The reasons of moves since an earlier list."""

    def __init__(self, engine: Engine, earlier: Earlier) -> None:
        self._engine, self._earlier = engine, earlier

    def reasons(
        self, then: int, place: int, block: Block, contributions: NDArray[np.float64]
    ) -> Iterator[str]:
        """What moved a lead, the most first: columns with another value, and another model."""
        earlier = self._earlier
        given, same_cells = float(earlier.given[then]), float(earlier.probability[then])
        now = float(block.answered.probability[place])
        if math.isnan(same_cells):
            return
        meanings = [column[place] for column in block.leads]
        found = self._moved(then, meanings, now, contributions)
        found.append((100 * (same_cells - given), self._other_scores()))
        along = [(worth, text) for worth, text in found if worth * (now - given) > 0]
        for worth, text in sorted(along, key=lambda reason: -abs(reason[0]))[:REASONS]:
            if abs(worth) >= A_POINT:
                yield f"{text}: {points(round(worth))}"

    def _moved(
        self, then: int, meanings: Sequence[Meaning], now: float, contributions: NDArray[np.float64]
    ) -> list[tuple[float, str]]:
        """Columns with another value: the points each is worth, and what it was before.

        Points come by the straight way from the cells of then to those of now, as those of a lead come
        from the base to it. What columns that have not changed are worth beside the others goes to those
        that have, in proportion: without them nothing had moved.
        """
        earlier = self._earlier
        way = contributions - earlier.contributions[then]
        start = self._engine.card.base + float(earlier.contributions[then].sum())
        (every,) = ranked([[m] for m in meanings], np.array([now]), way[None], start, len(way), False)
        was = [earlier.subject(then, feature) for feature in range(len(way))]
        changed = [one for one in every if was[one.feature] != meanings[one.feature].subject]
        total, size = sum(one.points for one in every), sum(abs(one.points) for one in changed)
        rest = (total - sum(one.points for one in changed)) / size if size else 0.0
        found = []
        for feature, _, worth, _ in changed:
            before = was[feature].removeprefix(self._engine.features[feature].title).strip()
            text = f"{meanings[feature].subject}, before {before.removeprefix('is ')}"
            found.append((worth + rest * abs(worth), text))
        return found

    def _other_scores(self) -> str:
        """What it is called that the same cells have another score today."""
        if self._earlier.versions == {self._engine.card.version}:
            return "The earlier file has another score for these values"
        return "Another model"
