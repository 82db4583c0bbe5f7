"""The model in pictures: how well it ranks, how far its probabilities hold, what moves them."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_curve, roc_curve

from leadscore.card import Threshold
from leadscore.columns import Column
from leadscore.training.dataset import Dataset
from leadscore.training.evaluation import Probability, gains, measure, reliability

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#767676"  # Okabe and Ito
STYLE: Final[Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "savefig.dpi": 110,
}
TOP_COLUMNS: Final = 4  # with a dependence plot
TOP_LEVELS: Final = 8  # of a category in one
WORTH: Final = (3, 5, 10)  # of a conversion, in calls
TENTHS: Final = 10


@dataclass(frozen=True)
class Evidence:
    """What the pictures are drawn from.

    `leads`, with the features the model reads; probabilities `out_of_fold`, shape (oldest leads,), and
    of the `newest`, shape (newest leads,), with their `contributions`, shape (newest leads, features).
    """

    leads: Dataset
    threshold: Threshold
    out_of_fold: Probability
    newest: Probability
    contributions: NDArray[np.float64]


def draw(evidence: Evidence) -> dict[str, bytes]:
    """Every picture as PNG, by file name."""
    pictures: dict[str, Callable[[Evidence], Figure]] = {
        "roc": _roc,
        "precision_recall": _precision_recall,
        "reliability": _reliability,
        "gains": _gains,
        "threshold": _threshold,
        "shap_summary": _shap_summary,
        "dependence": _dependence,
        "drift": _drift,
    }
    with rc_context(STYLE):
        return {f"figures/{name}.png": _png(picture(evidence)) for name, picture in pictures.items()}


def importance(contributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean size of each column's contribution, shape (features,), in log-odds."""
    return np.asarray(np.abs(contributions).mean(axis=0))


def _roc(evidence: Evidence) -> Figure:
    figure, axes = _one_panel()
    target = evidence.leads.newest()[1]
    reached = measure(target, evidence.newest, evidence.threshold.value)
    false_alarms, found, _ = roc_curve(target, evidence.newest)
    axes.plot(false_alarms, found, color=BLUE, linewidth=2, label=f"model, AUC {reached['roc_auc']:.3f}")
    axes.plot((0, 1), (0, 1), color=GREY, linestyle=":", label="chance, AUC 0.500")
    alarm = float((evidence.newest[target == 0] >= evidence.threshold.value).mean())
    _mark(axes, alarm, reached["recall"], f"threshold {evidence.threshold.value:.3f}")
    axes.set(title="ROC, newest leads", xlabel="called among those that do not convert")
    axes.set_ylabel("called among those that convert")
    _percent(axes)
    axes.legend(loc="lower right")
    return figure


def _precision_recall(evidence: Evidence) -> Figure:
    figure, axes = _one_panel()
    target = evidence.leads.newest()[1]
    reached = measure(target, evidence.newest, evidence.threshold.value)
    precision, recall, _ = precision_recall_curve(target, evidence.newest)
    label = f"model, average precision {reached['average_precision']:.3f}"
    axes.plot(recall, precision, color=BLUE, linewidth=2, label=label)
    rate = target.mean()
    axes.axhline(rate, color=GREY, linestyle=":", label=f"chance, {rate:.3f}")
    threshold = f"threshold {evidence.threshold.value:.3f}"
    _mark(axes, reached["recall"], reached["precision"], threshold)
    axes.set(title="Precision and recall, newest leads", ylim=(0, 1.02))
    axes.set(
        xlabel="recall: called among those that convert",
        ylabel="precision: converting among those called",
    )
    _percent(axes)
    axes.legend(loc="lower left")
    return figure


def _reliability(evidence: Evidence) -> Figure:
    figure = Figure(figsize=(6.4, 6.2))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = reliability(evidence.leads.newest()[1], evidence.newest)
    rates = [_interval(row["conversion_rate"], row["leads"]) for row in bins]
    top.plot((0, 1), (0, 1), color=GREY, linestyle=":", label="perfect")
    _with_intervals(top, [row["probability"] for row in bins], rates, "model, with 95 % interval")
    top.set(title="Reliability, newest leads", ylabel="converted", ylim=(0, 1))
    top.legend(loc="upper left")
    bottom.hist(evidence.newest, bins=np.linspace(0, 1, 41), color=BLUE)
    bottom.set(xlabel="predicted probability", ylabel="leads", xlim=(0, 1))
    for axis in (top.yaxis, bottom.xaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure


def _gains(evidence: Evidence) -> Figure:
    figure = Figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2)
    target = evidence.leads.newest()[1]
    curve = gains(target, evidence.newest)
    share = [row["leads"] for row in curve]
    reached = [row["conversions"] for row in curve]
    left.plot([0, *share], [0, *reached], color=BLUE, marker="o", markersize=4, label="best score first")
    left.plot((0, target.mean(), 1), (0, 1, 1), color=GREEN, linestyle="--", label="perfect order")
    left.plot((0, 1), (0, 1), color=GREY, linestyle=":", label="random order")
    left.set(title="Cumulative gains, newest leads", ylabel="conversions reached")
    left.legend(loc="lower right")
    right.plot(
        share, np.divide(reached, share), color=BLUE, marker="o", markersize=4, label="best score first"
    )
    right.axhline(1, color=GREY, linestyle=":", label="random order")
    right.set(
        title="Lift, newest leads", ylabel="conversion rate, times the overall one", ylim=(0, None)
    )
    right.legend(loc="lower left")
    left.yaxis.set_major_formatter(PercentFormatter(1))
    for axes in (left, right):
        axes.set(xlabel="leads called", xlim=(0, 1))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure


def _threshold(evidence: Evidence) -> Figure:
    figure = Figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2, sharex=True)
    target, scores = evidence.leads.oldest()[1], evidence.out_of_fold
    grid = np.arange(1, 200) / 200
    called = np.array([(scores >= cut).mean() for cut in grid])
    hits = np.array([target[scores >= cut].sum() for cut in grid]) / len(target)
    rate = target.mean()
    left.plot(grid, 2 * hits / (called + rate), color=BLUE, linewidth=2, label="F1")
    precision = np.divide(hits, called, out=np.full_like(grid, np.nan), where=called > 0)
    left.plot(grid, precision, color=GREEN, linestyle="--", label="precision")
    left.plot(grid, hits / rate, color=ORANGE, linestyle="-.", label="recall")
    left.plot(grid, called, color=GREY, linestyle=":", label="leads called")
    left.set(title="What a threshold leads to, out of fold", ylim=(0, 1.02))
    left.yaxis.set_major_formatter(PercentFormatter(1))
    for worth, colour, line in zip(
        _worth(evidence.threshold), (BLUE, GREEN, ORANGE), ("-", "--", "-."), strict=False
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
    right.axhline(0, color=GREY, linewidth=0.8)
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


def _shap_summary(evidence: Evidence) -> Figure:
    columns, contributions = evidence.leads.dictionary.features, evidence.contributions
    features = evidence.leads.newest()[0]
    sizes = importance(contributions)
    order = np.argsort(sizes)
    figure = Figure(figsize=(9, 0.5 * len(columns) + 1.6))
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for row, index in enumerate(order):
        shares = contributions[:, index]
        ranks = _ranks(features[columns[index].name])
        known = ~np.isnan(ranks)
        height = row + rng.uniform(-0.32, 0.32, len(shares))
        dots: dict[str, Any] = {"s": 5, "linewidths": 0, "alpha": 0.7}
        axes.scatter(shares[~known], height[~known], color="#b5b5b5", **dots)
        drawn = axes.scatter(
            shares[known], height[known], c=ranks[known], cmap="viridis", vmin=0, vmax=1, **dots
        )
    axes.set_yticks(range(len(order)), [f"{columns[i].title}  {sizes[i]:.2f}" for i in order])
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set(title="What moves the score, newest leads (number: mean size)")
    axes.set_xlabel("contribution (log-odds); each dot is a lead, grey: missing or a category")
    bar = figure.colorbar(drawn, ax=axes, ticks=(0, 1), aspect=40, pad=0.01)
    bar.ax.set_yticklabels(("low\nvalue", "high\nvalue"))
    bar.outline.set_visible(False)
    return figure


def _ranks(values: pd.Series) -> NDArray[np.float64]:
    """Where each number stands among the others, 0 to 1; NaN if missing, and for a category."""
    if values.dtype == object:
        return np.full(len(values), np.nan)
    return np.asarray(values.rank(pct=True), dtype=np.float64)


def _dependence(evidence: Evidence) -> Figure:
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
    figure.suptitle("What a value adds to the log-odds: each dot is one of the newest leads")
    return figure


def _number_panel(axes: Axes, values: pd.Series, shares: NDArray[np.float64], column: Column) -> None:
    missing = values.isna().to_numpy()
    # Square root: the long tails stay in the picture without pressing the rest to the edge.
    axes.scatter(values, shares, s=6, alpha=0.4, color=BLUE, linewidths=0)
    axes.set_xscale("function", functions=(_root, _square))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if missing.any():
        level = shares[missing].mean()
        axes.axhline(level, color=ORANGE, linestyle="--", linewidth=1, label="missing (mean)")
        axes.legend()
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlabel(f"value{column.unit and f' in {column.unit}'} (square-root scale)")
    axes.set_ylabel("contribution (log-odds)")


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sign(values) * values**2)


def _category_panel(axes: Axes, values: pd.Series, shares: NDArray[np.float64], column: Column) -> None:
    counts = values.value_counts()[:TOP_LEVELS][::-1]
    rng = np.random.default_rng(0)
    for row, level in enumerate(counts.index):
        own = shares[(values == level).to_numpy()]
        height = row + rng.uniform(-0.25, 0.25, len(own))
        axes.scatter(own, height, s=6, alpha=0.4, color=BLUE, linewidths=0)
    names = [f"{level or 'missing'} ({count:,})" for level, count in counts.items()]
    axes.set_yticks(range(len(names)), names)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_xlabel("contribution (log-odds)")


def _drift(evidence: Evidence) -> Figure:
    """Conversion and prediction along time, and the mix of the category that matters most."""
    leads = evidence.leads
    figure = Figure(figsize=(11, 4.6))
    left, right = figure.subplots(1, 2)
    tenth = np.arange(len(leads)) * TENTHS // len(leads)
    scores = np.concatenate([evidence.out_of_fold, evidence.newest])
    numbers = np.arange(1, TENTHS + 1)
    rates = [
        _interval(float(leads.target[tenth == part].mean()), int((tenth == part).sum()))
        for part in range(TENTHS)
    ]
    _with_intervals(left, numbers, rates, "converted, with 95 % interval")
    predicted = [scores[tenth == part].mean() for part in range(TENTHS)]
    left.plot(
        numbers,
        predicted,
        color=ORANGE,
        linestyle="--",
        marker="s",
        markersize=4,
        label="mean predicted probability",
    )
    left.set(title="Conversion over time", ylim=(0, min(1, 1.7 * leads.target.mean())), ylabel="leads")
    first = len(evidence.out_of_fold) / len(leads) * TENTHS + 0.5
    categories = [
        (size, column)
        for size, column in zip(
            importance(evidence.contributions), leads.dictionary.features, strict=True
        )
        if column.kind == "category"
    ]
    if categories:
        _, column = max(categories, key=lambda pair: pair[0])
        values = leads.features[column.name]
        lines = zip(
            values.value_counts().index[:5],
            ("-", "--", "-.", ":", (0, (5, 1))),
            (BLUE, ORANGE, GREEN, GREY, "black"),
            strict=False,
        )
        for level, line, colour in lines:
            share = (values == level).groupby(tenth).mean()
            right.plot(numbers, share, linestyle=line, color=colour, label=level or "missing")
        right.set(title=f"Share of leads by {column.title}", ylabel="leads")
        right.legend()
    for axes in (left, right):
        axes.axvspan(first, TENTHS + 0.5, color="#eeeeee", zorder=0, label="newest leads, held out")
        axes.set(xlabel="tenth of time (1: oldest leads)", xticks=numbers, xlim=(0.5, TENTHS + 0.5))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.legend()
    return figure


def _one_panel() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 5.2))
    return figure, figure.subplots()


def _percent(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))


def _mark(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot(x, y, "o", color=ORANGE, zorder=3)
    axes.annotate(text, (x, y), (8, -4), textcoords="offset points", va="top")


def _interval(rate: float, leads: float) -> tuple[float, float, float]:
    """A rate with its Wilson 95 % interval."""
    bounds = binomtest(round(rate * leads), int(leads)).proportion_ci(method="wilson")
    return rate, float(bounds.low), float(bounds.high)


def _with_intervals(
    axes: Axes,
    x: Sequence[float] | NDArray[Any],
    rates: Sequence[tuple[float, float, float]],
    label: str,
) -> None:
    middle, low, high = np.transpose(rates)
    distances = np.maximum([middle - low, high - middle], 0)
    axes.errorbar(x, middle, distances, color=BLUE, marker="o", markersize=4, capsize=2, label=label)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
