"""Proof: what ranking would have brought on leads whose outcome is known, beside the card's promise."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leadscore.card import Card

SHARES: Final = (0.1, 0.2, 0.3)  # of the leads, the best first
STEPS: Final = 20  # of the gains
BINS: Final = 10  # of the calibration, with equally many leads
FEWEST: Final = 30  # leads of a channel that is shown
NORMAL: Final = 1.959964  # standard deviations on each side of a 95 % interval


class Proof:
    """Collects leads with a known outcome, in blocks. All intervals are at 95 %."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._channels = [column.name for column in card.dictionary.features if column.slices]
        self._probability: list[float] = []
        self._converted: list[bool] = []
        self._levels: dict[str, list[str]] = {name: [] for name in self._channels}

    @property
    def channels(self) -> Sequence[str]:
        """The features by whose levels the leads are told apart."""
        return self._channels

    def add(
        self,
        probability: Sequence[float],
        converted: Sequence[bool],
        levels: Mapping[str, Sequence[str]],
    ) -> None:
        """Take n leads: their probabilities, outcomes, and their level of each of the channels."""
        self._probability.extend(probability)
        self._converted.extend(converted)
        for name, values in self._levels.items():
            values.extend(levels[name])

    def to_dict(self) -> dict[str, Any] | None:
        """The figures, as JSON holds them; None without leads."""
        if not self._converted:
            return None
        probability = np.array(self._probability)
        converted = np.array(self._converted, np.int64)
        order = np.argsort(-probability, kind="stable")
        return {
            **_figures(probability, converted),
            "grades": self._grades(probability, converted),
            "lift": [_lift(share, converted[order]) for share in SHARES],
            "gains": _gains(converted[order]),
            "calibration": _calibration(probability[order[::-1]], converted[order[::-1]]),
            "channels": self._by_channel(probability, converted),
        }

    def _grades(
        self, probability: NDArray[np.float64], converted: NDArray[np.int64]
    ) -> list[dict[str, Any]]:
        bounds = [entry.at_least for entry in self._card.grades]
        upper = [math.inf, *bounds]
        found = []
        for entry, low, high in zip(self._card.grades, bounds, upper, strict=False):
            rows = (probability >= low) & (probability < high)
            found.append(
                {"grade": entry.grade, **_rate(probability[rows], converted[rows])}
                | {"promised": entry.conversion_rate}
            )
        return found

    def _by_channel(
        self, probability: NDArray[np.float64], converted: NDArray[np.int64]
    ) -> list[dict[str, Any]]:
        found = []
        for name, values in self._levels.items():
            places: dict[str, list[int]] = defaultdict(list)
            for place, level in enumerate(values):
                places[level].append(place)
            for level, rows in sorted(places.items(), key=lambda item: -len(item[1])):
                if len(rows) >= FEWEST:
                    figures = _figures(probability[rows], converted[rows])
                    found.append({"column": name, "level": level, **figures})
        return found


def wilson(found: int, leads: int) -> tuple[float, float] | None:
    """The interval of a rate. Source: Wilson, Probable Inference, 1927."""
    if not leads:
        return None
    rate, z = found / leads, NORMAL**2 / leads
    middle = (rate + z / 2) / (1 + z)
    width = NORMAL * math.sqrt(rate * (1 - rate) / leads + z / (4 * leads)) / (1 + z)
    return max(0.0, middle - width), min(1.0, middle + width)


def roc_auc(
    probability: NDArray[np.float64], converted: NDArray[np.int64]
) -> tuple[float, tuple[float, float]] | None:
    """How often a lead that converted scores above one that did not, and its interval; None without one
    of each. Source: Hanley and McNeil, The Meaning and Use of the Area under an ROC Curve, 1982.
    """
    positive = int(converted.sum())
    negative = len(converted) - positive
    if not positive or not negative:
        return None
    _, place, sizes = np.unique(probability, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[place]
    area = float((ranks[converted == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))
    square = area * area
    variance = area * (1 - area)
    variance += (positive - 1) * (area / (2 - area) - square)
    variance += (negative - 1) * (2 * square / (1 + area) - square)
    width = NORMAL * math.sqrt(max(variance, 0.0) / (positive * negative))
    return area, (max(0.0, area - width), min(1.0, area + width))


def _rate(probability: NDArray[np.float64], converted: NDArray[np.int64]) -> dict[str, Any]:
    leads, found = len(converted), int(converted.sum())
    return {
        "leads": leads,
        "conversions": found,
        "expected": float(probability.sum()),
        "conversion_rate": found / leads if leads else None,
        "interval": wilson(found, leads),
    }


def _figures(probability: NDArray[np.float64], converted: NDArray[np.int64]) -> dict[str, Any]:
    area, interval = roc_auc(probability, converted) or (None, None)
    return _rate(probability, converted) | {"roc_auc": area, "roc_auc_interval": interval}


def _lift(share: float, converted: NDArray[np.int64]) -> dict[str, Any]:
    """How many times as often the best leads convert as all, whose rate the interval takes as known."""
    best = converted[: max(1, round(share * len(converted)))]
    found, rate = int(best.sum()), float(converted.mean())
    bounds = wilson(found, len(best))
    return {
        "share": share,
        "leads": len(best),
        "conversions": found,
        "lift": found / len(best) / rate if rate else None,
        "interval": [bound / rate for bound in bounds] if rate and bounds else None,
    }


def _gains(converted: NDArray[np.int64]) -> list[dict[str, float]]:
    """The share of all conversions among the best leads."""
    total, leads = int(converted.sum()), len(converted)
    if not total:
        return []
    reached = np.concatenate([[0], np.cumsum(converted)])
    places = [round(step * leads / STEPS) for step in range(1, STEPS + 1)]
    return [{"leads": at / leads, "conversions": float(reached[at] / total)} for at in places]


def _calibration(probability: NDArray[np.float64], converted: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Foretold and observed, from the lowest to the highest probability."""
    bins = min(BINS, len(converted))
    parts = zip(np.array_split(probability, bins), np.array_split(converted, bins), strict=True)
    return [{"probability": float(part.mean()), **_rate(part, found)} for part, found in parts]
