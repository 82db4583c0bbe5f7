"""What changes along time."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from leadscore.columns import Column
from leadscore.training.evaluation.figures import importance
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence

TENTHS: Final = 10
NUMBERS: Final = np.arange(1, TENTHS + 1)


def over_time(evidence: Evidence) -> Figure | None:
    """Conversion and prediction along time, and the mix of the category that matters most; None where
    the leads' order is not known.
    """
    leads = evidence.leads
    if not leads.timed:
        return None
    figure = Figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2)
    tenth = np.arange(len(leads)) * TENTHS // len(leads)
    _conversion(left, evidence, tenth)
    sizes = zip(importance(evidence.contributions), leads.dictionary.features, strict=True)
    categories = [(size, column) for size, column in sizes if column.kind == "category"]
    if categories:
        _, column = max(categories, key=lambda pair: pair[0])
        _mix(right, leads.features[column.name], column, tenth)
    first = len(leads.oldest()[1]) / len(leads) * TENTHS + 0.5
    for axes in (left, right):
        axes.axvspan(first, TENTHS + 0.5, color="#eeeeee", zorder=0, label="newest leads, held out")
        axes.set(xlabel="tenth of time (1: oldest leads)", xticks=NUMBERS, xlim=(0.5, TENTHS + 0.5))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.legend()
    return figure


def _conversion(axes: Axes, evidence: Evidence, tenth: NDArray[np.int64]) -> None:
    target = evidence.leads.target
    parts = [target[tenth == part] for part in range(TENTHS)]
    rates = [style.interval(float(part.mean()), len(part)) for part in parts]
    style.with_intervals(axes, NUMBERS, rates, "converted, with 95 % interval")
    rows, older = evidence.out_of_fold
    when = np.concatenate([tenth[rows], tenth[-len(evidence.newest) :]])
    scores = np.concatenate([older, evidence.newest])
    axes.plot(
        NUMBERS,
        [scores[when == part].mean() for part in range(TENTHS)],
        color=style.ORANGE,
        linestyle="--",
        marker="s",
        markersize=4,
        label="mean predicted probability",
    )
    axes.set(title="Conversion over time", ylim=(0, min(1, 1.7 * target.mean())), ylabel="leads")


def _mix(axes: Axes, values: pd.Series, column: Column, tenth: NDArray[np.int64]) -> None:
    lines = zip(
        values.value_counts().index[:5],
        ("-", "--", "-.", ":", (0, (5, 1))),
        (style.BLUE, style.ORANGE, style.GREEN, style.GREY, "black"),
        strict=False,
    )
    most = 0.0
    for level, line, colour in lines:
        share = (values == level).groupby(tenth).mean()
        most = max(most, share.max())
        axes.plot(NUMBERS, share, linestyle=line, color=colour, label=level or "missing")
    axes.set(title=f"Share of leads by {column.title}", ylabel="leads", ylim=(-0.02, 1.5 * most))
    axes.legend(loc="upper left", ncols=2)
