"""How far a probability can be taken at its word, and what a threshold on it leads to."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from leadscore.card import Threshold
from leadscore.training.evaluation import figures
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence

WORTH: Final = (3, 5, 10)  # of a conversion, in calls


def reliability(evidence: Evidence) -> Figure:
    """Predicted probability against conversion, and how often each is predicted."""
    figure = Figure(figsize=(6.4, 6.2))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = figures.reliability(evidence.leads.newest()[1], evidence.newest)
    rates = [style.interval(row["conversion_rate"], row["leads"]) for row in bins]
    top.plot((0, 1), (0, 1), color=style.GREY, linestyle=":", label="perfect")
    style.with_intervals(top, [row["probability"] for row in bins], rates, "model, with 95 % interval")
    top.set(title=f"Reliability, {evidence.tested} leads", ylabel="converted", ylim=(0, 1))
    top.legend(loc="upper left")
    bottom.hist(evidence.newest, bins=np.linspace(0, 1, 41), color=style.BLUE)
    bottom.set(xlabel="predicted probability", ylabel="leads", xlim=(0, 1))
    for axis in (top.yaxis, bottom.xaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure


def threshold(evidence: Evidence) -> Figure:
    """F1, precision, recall and calls at every threshold, and the profit."""
    figure = Figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2, sharex=True)
    rows, scores = evidence.out_of_fold
    target = evidence.leads.oldest()[1][rows]
    grid = np.arange(1, 200) / 200
    called = np.array([(scores >= cut).mean() for cut in grid])
    hits = np.array([target[scores >= cut].sum() for cut in grid]) / len(target)
    rate = target.mean()
    left.plot(grid, 2 * hits / (called + rate), color=style.BLUE, linewidth=2, label="F1")
    precision = np.divide(hits, called, out=np.full_like(grid, np.nan), where=called > 0)
    left.plot(grid, precision, color=style.GREEN, linestyle="--", label="precision")
    left.plot(grid, hits / rate, color=style.ORANGE, linestyle="-.", label="recall")
    left.plot(grid, called, color=style.GREY, linestyle=":", label="leads called")
    left.set(title="What a threshold leads to, out of fold", ylim=(0, 1.02))
    left.yaxis.set_major_formatter(PercentFormatter(1))
    for worth, colour, line in zip(
        _worth(evidence.threshold),
        (style.BLUE, style.GREEN, style.ORANGE),
        ("-", "--", "-."),
        strict=False,
    ):
        profit = 100 * (worth * hits - called)
        best = int(profit.argmax())
        right.plot(
            grid,
            profit,
            color=colour,
            linestyle=line,
            label=f"{worth:g} calls, best at {grid[best]:.2f}",
        )
        right.plot(grid[best], profit[best], "o", color=colour)
    right.axhline(0, color=style.GREY, linewidth=0.8)
    right.set(title="Profit, out of fold", ylabel="profit per 100 leads, in calls")
    right.legend(title="a conversion is worth", loc="upper right")
    for axes in (left, right):
        axes.axvline(evidence.threshold.value, color="black", linewidth=0.8)
        axes.set(xlabel="threshold (line: chosen)", xlim=(0, 1))
    left.legend(loc="lower left")
    return figure


def _worth(threshold: Threshold) -> Sequence[float]:
    """Of a conversion, in calls: as given to the rule, else a few to compare."""
    costs = threshold.parameters
    if "cost_call" in costs:
        return (costs["value_conversion"] / costs["cost_call"],)
    return WORTH
