"""The model's card for people: models/CARD.md and its pictures, drawn from the ONNX outputs."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from leadscore.card import MODEL, Card
from leadscore.columns import Column, Known
from leadscore.training.evaluation import SIGMOID_GAIN

RAISES, LOWERS, NEUTRAL = "#0072b2", "#d55e00", "#666666"  # colour-blind safe (Okabe and Ito)
TOP_COLUMNS: Final = 4  # with a dependence plot
TOP_LEVELS: Final = 8  # of a category in one


def importance(contributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean size of each column's contribution, shape (features,), in log-odds."""
    return np.asarray(np.abs(contributions).mean(axis=0))


def figures(
    features: pd.DataFrame, contributions: NDArray[np.float64], columns: Sequence[Column]
) -> dict[str, bytes]:
    """The pictures by file name: which columns matter, and how the score depends on the first ones."""
    return {
        "figures/importance.png": _png(_importance_figure(contributions, columns)),
        "figures/dependence.png": _png(_dependence_figure(features, contributions, columns)),
    }


def _importance_figure(contributions: NDArray[np.float64], columns: Sequence[Column]) -> Figure:
    figure = Figure(figsize=(8, 0.4 * len(columns) + 1.2), layout="constrained")
    axes = figure.subplots()
    sizes = importance(contributions)
    order = np.argsort(sizes)
    bars = axes.barh([columns[index].title for index in order], sizes[order], color=RAISES)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(title="How much each column moves the score", xlabel="mean |contribution| (log-odds)")
    axes.margins(x=0.1)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _dependence_figure(
    features: pd.DataFrame, contributions: NDArray[np.float64], columns: Sequence[Column]
) -> Figure:
    first = np.argsort(-importance(contributions))[:TOP_COLUMNS]
    height = (len(first) + 1) // 2
    figure = Figure(figsize=(11, 3.6 * height), layout="constrained")
    for index, part in zip(first, figure.subfigures(height, 2, squeeze=False).flat, strict=False):
        axes = part.subplots()
        draw = _number_panel if columns[index].kind == "number" else _category_panel
        draw(axes, features[columns[index].name], contributions[:, index])
        axes.set_title(columns[index].title)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("What a value adds to the log-odds: each dot is one of the newest leads")
    return figure


def _number_panel(axes: Axes, values: pd.Series, shares: NDArray[np.float64]) -> None:
    missing = values.isna().to_numpy()
    # Square root: the long tails stay in the picture without pressing the rest to the edge.
    axes.scatter(values, shares, s=6, alpha=0.4, color=RAISES, linewidths=0)
    axes.set_xscale("function", functions=(_root, _square))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if missing.any():
        level = shares[missing].mean()
        axes.axhline(level, color=LOWERS, linestyle="--", linewidth=1, label="missing (mean)")
        axes.legend(frameon=False)
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    axes.set(xlabel="value (square-root scale)", ylabel="contribution (log-odds)")


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sign(values) * values**2)


def _category_panel(axes: Axes, values: pd.Series, shares: NDArray[np.float64]) -> None:
    counts = values.value_counts()[:TOP_LEVELS][::-1]
    rng = np.random.default_rng(0)
    for row, level in enumerate(counts.index):
        own = shares[(values == level).to_numpy()]
        axes.scatter(
            own, row + rng.uniform(-0.25, 0.25, len(own)), s=6, alpha=0.4, color=RAISES, linewidths=0
        )
    names = [f"{level or 'missing'} ({count:,})" for level, count in counts.items()]
    axes.set_yticks(range(len(names)), names)
    axes.axvline(0, color=NEUTRAL, linewidth=0.8)
    axes.set_xlabel("contribution (log-odds)")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def card_text(card: Card, metrics: Mapping[str, Any], contributions: NDArray[np.float64]) -> str:
    """models/CARD.md: what the model is for, rests on and is worth."""
    data, newest = metrics["data"], metrics["models"][metrics["served"]]["newest"]
    threshold, calibration = card.threshold, metrics["calibration"]
    before, after = calibration["before"], calibration["after"]
    columns, sizes = card.dictionary.features, importance(contributions)
    intervals = {name: "{:.3f} to {:.3f}".format(*ends) for name, ends in metrics["intervals"].items()}
    measured = [(name, f"{value:.3f}", intervals[name]) for name, value in newest.items()]
    grades = [
        (
            *(g.grade, f"{g.at_least:.2f}", f"{g.share:.1%}"),
            "none got it" if g.conversion_rate is None else f"{g.conversion_rate:.1%}",
        )
        for g in card.grades
    ]
    used = [(columns[i].source, f"{sizes[i]:.3f}", columns[i].why) for i in np.argsort(-sizes)]
    refused = [(column.source, column.why) for column in card.dictionary.excluded]
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return f"""# {MODEL}, version {card.version}

Written by train.py; do not edit.

## Use

Ranks new leads by their probability of “{card.dictionary.target.source}”,
from what is known when they are {_WHEN[card.known]}. It is for deciding whom to call first. It is not for
deciding about a person's price, access or rights, and a low score is no reason never to call: it says how
leads like this one fared, not what this one will do.

## Data

{data["leads"]:,} leads of {data["file"]} (sha256 {data["sha256"][:12]}...), {data["conversion_rate"]:.1%} converted.
Fitted on the oldest {data["trained_on"]:,}, tested once on the newest {data["tested_on"]:,}.

## Figures

{_rows(("figure", "newest leads", "95 % interval"), measured)}

## Threshold and grades

Rule: {threshold.rule}. A lead counts as converting from {threshold.value:.3f} on. Out of fold, per 100 leads:
{threshold.expected["calls"]:.1f} calls, {threshold.expected["conversions"]:.1f} conversions among them, \
precision {threshold.expected["precision"]:.3f}, recall {threshold.expected["recall"]:.3f}.

{_rows(("grade", "from", "share of the newest leads", "converted"), grades)}

## Calibration

{calibration["method"].capitalize()}: a sigmoid is taken if it lowers out-of-fold log loss by {SIGMOID_GAIN:g}.
Without it: log loss {before["log_loss"]:.4f}, calibration error {before["ece"]:.4f}.
With it: {after["log_loss"]:.4f} and {after["ece"]:.4f}.

## Reasons

Every score is the sum of its columns' exact SHAP values and a base of {card.base:.3f} log-odds.

![How much each column moves the score](figures/importance.png)

![What a value adds to the log-odds](figures/dependence.png)

## Columns

{_rows(("used", "mean size (log-odds)", "why"), used)}

{_rows(("refused", "why"), refused)}

## Parity

The graph was compared with the fitted pipeline on {card.parity["leads"]:,} leads and on \
{card.parity["adversarial_leads"]:,} made to break it.
Probabilities differ by at most {card.parity["largest_difference"]:.1e}, contributions by at most \
{card.parity["largest_contribution_difference"]:.1e}; {card.parity["flipped_decisions"]} decisions flip.
Made with {versions}.
"""


_WHEN: Final[dict[Known, str]] = {
    "capture": "captured",
    "engaged": "engaged",
    "contacted": "contacted",
}


def _rows(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
