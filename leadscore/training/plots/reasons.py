"""What moves the score: the contributions of every column, and of the values of the largest."""

from textwrap import shorten
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from leadscore.columns import Column
from leadscore.training.evaluation.figures import importance
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence

TOP_COLUMNS: Final = 4  # with a dependence plot
TOP_LEVELS: Final = 8  # of a category in one
COMMON: Final = 0.01  # of the leads, at least, have a level that is named
NUMBERS: Final = "viridis"
PALE: Final = "#b5b5b5"
DOTS: Final[Any] = {"s": 5, "linewidths": 0, "alpha": 0.7}

Numbers: TypeAlias = NDArray[np.float64]


def shap_summary(evidence: Evidence) -> Figure:
    """The contributions of every column, the largest on top."""
    columns, contributions = evidence.leads.dictionary.features, evidence.contributions
    features = evidence.leads.newest()[0]
    sizes = importance(contributions)
    order = np.argsort(sizes)
    figure = Figure(figsize=(11, 0.5 * len(columns) + 1.6))
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for row, index in enumerate(order):
        height = row + rng.uniform(-0.32, 0.32, len(features))
        draw = _number_row if columns[index].kind == "number" else _category_row
        draw(axes, features[columns[index].name], contributions[:, index], height)
    axes.set_yticks(range(len(order)), [f"{columns[i].title}  {sizes[i]:.2f}" for i in order])
    axes.axvline(0, color=style.GREY, linewidth=0.8)
    axes.margins(x=0.2)  # for the names of levels
    axes.set(title=f"What moves the score, {evidence.tested} leads (number: mean size)")
    axes.set_xlabel(
        "contribution (log-odds); each dot is a lead, grey: a missing number or another level;\n"
        "named: the common levels that speak most against and most for a lead"
    )
    bar = figure.colorbar(ScalarMappable(cmap=NUMBERS), ax=axes, ticks=(0, 1), aspect=40, pad=0.01)
    bar.ax.set_yticklabels(("low\nnumber", "high\nnumber"))
    bar.outline.set_visible(False)
    return figure


def _number_row(axes: Axes, values: pd.Series, shares: Numbers, height: Numbers) -> None:
    known = values.notna().to_numpy()
    ranks = values.rank(pct=True)[known]
    axes.scatter(shares[~known], height[~known], color=PALE, **DOTS)
    axes.scatter(shares[known], height[known], c=ranks, cmap=NUMBERS, vmin=0, vmax=1, **DOTS)


def _category_row(axes: Axes, values: pd.Series, shares: Numbers, height: Numbers) -> None:
    axes.scatter(shares, height, color=PALE, **DOTS)
    common = values.value_counts(normalize=True)
    means = pd.Series(shares, values.index).groupby(values).mean()[common.index[common >= COMMON]]
    if len(means) <= 1:
        return
    for level, colour, end, side in (
        (means.idxmin(), style.ORANGE, shares.min(), "right"),
        (means.idxmax(), style.BLUE, shares.max(), "left"),
    ):
        own = (values == level).to_numpy()
        axes.scatter(shares[own], height[own], color=colour, **DOTS)
        place, gap = (end, height.mean().round()), -6 if side == "right" else 6
        text = shorten(str(level) or "missing", 26, placeholder="…")
        axes.annotate(
            text, place, (gap, 0), textcoords="offset points", color=colour, ha=side, va="center", size=9
        )


def dependence(evidence: Evidence) -> Figure:
    """What the values of the largest columns add."""
    columns, contributions = evidence.leads.dictionary.features, evidence.contributions
    features = evidence.leads.newest()[0]
    first = np.argsort(-importance(contributions))[:TOP_COLUMNS]
    height = (len(first) + 1) // 2
    figure = Figure(figsize=(11, 3.6 * height))
    for index, part in zip(first, figure.subfigures(height, 2, squeeze=False).flat, strict=False):
        axes = part.subplots()
        panel = _number_panel if columns[index].kind == "number" else _category_panel
        panel(axes, features[columns[index].name], contributions[:, index], columns[index])
        axes.set_title(columns[index].title)
    figure.suptitle(f"What a value adds to the log-odds: each dot is one of the {evidence.tested} leads")
    return figure


def _number_panel(axes: Axes, values: pd.Series, shares: Numbers, column: Column) -> None:
    missing = values.isna().to_numpy()
    # Square root: the long tails stay in the picture without pressing the rest to the edge.
    axes.scatter(values, shares, s=6, alpha=0.4, color=style.BLUE, linewidths=0)
    axes.set_xscale("function", functions=(_root, _square))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if missing.any():
        level = shares[missing].mean()
        axes.axhline(level, color=style.ORANGE, linestyle="--", linewidth=1, label="missing (mean)")
        axes.legend()
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_xlabel(f"value{column.unit and f' in {column.unit}'} (square-root scale)")
    axes.set_ylabel("contribution (log-odds)")


def _root(values: Numbers) -> Numbers:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _square(values: Numbers) -> Numbers:
    return np.asarray(np.sign(values) * values**2)


def _category_panel(axes: Axes, values: pd.Series, shares: Numbers, column: Column) -> None:
    counts = values.value_counts()[:TOP_LEVELS][::-1]
    rng = np.random.default_rng(0)
    for row, level in enumerate(counts.index):
        own = shares[(values == level).to_numpy()]
        height = row + rng.uniform(-0.25, 0.25, len(own))
        axes.scatter(own, height, s=6, alpha=0.4, color=style.BLUE, linewidths=0)
    names = [f"{level or 'missing'} ({count:,})" for level, count in counts.items()]
    axes.set_yticks(range(len(names)), names)
    axes.axvline(0, color=style.GREY, linewidth=0.8)
    axes.set_xlabel("contribution (log-odds)")
