"""What the threshold means for a sales team, as counts of leads."""

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from leadscore.training.evaluation.figures import Probability, Target
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence

LEADS: Final = 1000
HEIGHT: Final = 20  # dots in a column
GAP: Final = 3.0  # between the leads called and the others, in dots


def of_thousand(evidence: Evidence) -> Figure:
    """A dot for each of 1,000 leads: called or not at the threshold, converting or not."""
    target, cut = evidence.leads.newest()[1], evidence.threshold.value
    groups = counts(target, evidence.newest, cut)
    called, others = groups[:2].sum(), groups[2:].sum()
    figure = Figure(figsize=(10, 4.2))
    axes = figure.subplots()
    begin = 0.0
    for title, pair, words, colours in (
        (f"{called:,} are called", groups[:2], ("convert", "do not"), (style.GREEN, "#b9dccf")),
        (f"{others:,} are not", groups[2:], ("convert: missed", "do not"), (style.ORANGE, "#d0d0d0")),
    ):
        place = np.arange(pair.sum())
        x, y = begin + place // HEIGHT, HEIGHT - 1 - place % HEIGHT
        for rows, count, word, colour in zip(
            (place < pair[0], place >= pair[0]), pair, words, colours, strict=True
        ):
            axes.scatter(x[rows], y[rows], s=34, linewidths=0, color=colour, label=f"{count:,} {word}")
        axes.text(begin - 0.4, HEIGHT + 0.4, title, fontweight="bold")
        begin += np.ceil(pair.sum() / HEIGHT) + GAP
    axes.set(
        title=f"Of {LEADS:,} {evidence.tested} leads, called from a probability of {cut:.3f} on\n",
        aspect="equal",
    )
    axes.set_axis_off()
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def counts(target: Target, probability: Probability, cut: float) -> NDArray[np.int64]:
    """Of 1,000 leads: called and converting, called in vain, missed, rightly left; they add up."""
    called, converts = probability >= cut, target == 1
    groups = (called & converts, called & ~converts, ~called & converts, ~called & ~converts)
    shares = np.cumsum([0, *(group.mean() for group in groups)])
    return np.asarray(np.diff(np.round(LEADS * shares)), dtype=np.int64)
