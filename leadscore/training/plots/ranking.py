"""How well the model ranks: gains and lift."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from leadscore.training.evaluation import figures
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence


def gains(evidence: Evidence) -> Figure:
    """Conversions reached by calling the best-scored leads first, and the lift."""
    figure = Figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2)
    target = evidence.leads.newest()[1]
    curve = figures.gains(target, evidence.newest)
    share = [row["leads"] for row in curve]
    reached = [row["conversions"] for row in curve]
    left.plot(
        [0, *share], [0, *reached], color=style.BLUE, marker="o", markersize=4, label="best score first"
    )
    left.plot((0, target.mean(), 1), (0, 1, 1), color=style.GREEN, linestyle="--", label="perfect order")
    left.plot((0, 1), (0, 1), color=style.GREY, linestyle=":", label="random order")
    left.set(title=f"Cumulative gains, {evidence.tested} leads", ylabel="conversions reached")
    left.legend(loc="lower right")
    right.plot(
        share,
        np.divide(reached, share),
        color=style.BLUE,
        marker="o",
        markersize=4,
        label="best score first",
    )
    right.axhline(1, color=style.GREY, linestyle=":", label="random order")
    right.set(
        title=f"Lift, {evidence.tested} leads",
        ylabel="conversion rate, times the overall one",
        ylim=(0, None),
    )
    right.legend(loc="lower left")
    left.yaxis.set_major_formatter(PercentFormatter(1))
    for axes in (left, right):
        axes.set(xlabel="leads called", xlim=(0, 1))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure
