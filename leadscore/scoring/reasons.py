"""Reasons: what each column adds to a lead's log-odds, and to its score."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leadscore.scoring.meaning import Meaning
from leadscore.scoring.phrases import points

FEW: Final = 20  # leads; of more the reasons are ranked by numpy, in a third of the time
A_POINT: Final = 0.5  # of the score, which is what is rounded to one
NEAR: Final = 1e-3  # log-odds: over a shorter way, rounding would spoil the mean slope


class Reason(NamedTuple):
    """What one column adds to a lead: its place among the features, log-odds, points, a sentence."""

    feature: int
    effect: float
    points: float
    text: str


def ranked(
    leads: Sequence[Sequence[Meaning]],
    probability: NDArray[np.float64],
    contributions: NDArray[np.float64],
    base: float,
    count: int,
    both_sides: bool,
) -> list[list[Reason]]:
    """The `count` strongest reasons of n leads, the strongest first.

    `probability`, shape (n,); `contributions`, shape (n, features), which with `base` make its log-odds.
    `both_sides`: where all of these point one way, the last gives its place to the strongest of those
    that point the other way, if that is worth a point.

    Effects become points by the mean slope of the score over the straight way from the base to the lead:
    so the points of all columns add up to the lead's score less that of the base, and are in proportion
    to the effects. Source: Aumann and Shapley, Values of Non-Atomic Games, 1974; the mean of integrated
    gradients (Sundararajan et al., 2017).
    """
    if len(contributions) > FEW:
        orders = np.argsort(-np.abs(contributions), axis=1, kind="stable").tolist()
    else:  # numpy's calls would cost a single lead a twentieth of its time
        sizes = np.abs(contributions).tolist()
        orders = [sorted(range(len(s)), key=s.__getitem__, reverse=True) for s in sizes]
    start, found = _sigmoid(base), []
    every = zip(probability.tolist(), contributions.tolist(), orders, strict=True)
    for lead, (reached, effects, order) in enumerate(every):
        way = sum(effects)
        slope = 100 * (reached - start) / way if abs(way) > NEAR else _short(way, base)
        chosen = order[:count]
        if both_sides and count > 1:
            _show_the_other_side(chosen, order, effects, slope)
        found.append(
            [
                Reason(
                    place,
                    effects[place],
                    worth := slope * effects[place],
                    f"{leads[place][lead].subject}: {points(round(worth))}",
                )
                for place in chosen
            ]
        )
    return found


def _short(way: float, base: float) -> float:
    """The slope of the score over a way so short that it is the one in its middle."""
    middle = _sigmoid(base + way / 2)
    return 100 * middle * (1 - middle)


def _sigmoid(log_odds: float) -> float:
    return (1 + math.tanh(log_odds / 2)) / 2


def _show_the_other_side(
    chosen: list[int], order: Sequence[int], effects: Sequence[float], slope: float
) -> None:
    """Let the last of the chosen columns give way, if all of them point one way."""
    up = effects[chosen[0]] > 0
    for place in chosen:
        if (effects[place] > 0) != up:
            return
    for place in order[len(chosen) :]:
        if abs(effects[place]) * slope < A_POINT:
            return
        if (effects[place] > 0) != up:
            chosen[-1] = place
            return
