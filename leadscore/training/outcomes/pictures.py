"""The pictures of an evaluation, as PNG."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from leadscore.training.outcomes.comparison import Document
from leadscore.training.plots import style

MOST_COLUMNS: Final = 15  # of which drift is drawn


def draw(found: Document) -> dict[str, bytes]:
    """Every picture, by what it shows."""
    pictures: Mapping[str, Callable[[Document], Figure]] = {
        "Foretold probability against conversion": _reliability,
        "Conversions reached by calling the best leads first": _gains,
        "Conversion by grade, now and promised": _grades,
        "Drift of columns and score": _drift,
    }
    with rc_context(style.STYLE):
        return {text: style.png(picture(found)) for text, picture in pictures.items()}


def _bounds(rows: list[dict[str, Any]]) -> list[tuple[float, float, float]]:
    return [(row["conversion_rate"], *row["interval"]) for row in rows]


def _reliability(found: Document) -> Figure:
    figure, axes = style.one_panel()
    bins = found["proof"]["calibration"]
    axes.plot((0, 1), (0, 1), color=style.GREY, linestyle=":", label="perfect")
    foretold = [row["probability"] for row in bins]
    style.with_intervals(axes, foretold, _bounds(bins), "now, with 95 % interval")
    axes.set(title="Calibration", xlabel="foretold probability", ylabel="converted")
    style.percent(axes)
    axes.legend(loc="upper left")
    return figure


def _gains(found: Document) -> Figure:
    figure, axes = style.one_panel()
    curve = found["proof"]["gains"]
    axes.plot(
        [0, *(row["leads"] for row in curve)],
        [0, *(row["conversions"] for row in curve)],
        color=style.BLUE,
        marker="o",
        markersize=4,
        label="best score first",
    )
    axes.plot((0, 1), (0, 1), color=style.GREY, linestyle=":", label="random order")
    axes.set(title="Gains", xlabel="leads called", ylabel="conversions reached")
    style.percent(axes)
    axes.legend(loc="lower right")
    return figure


def _grades(found: Document) -> Figure:
    figure, axes = style.one_panel()
    rows = [row for row in found["proof"]["grades"] if row["leads"]]
    places = np.arange(len(rows))
    rate, low, high = np.transpose(_bounds(rows))
    axes.bar(places - 0.2, rate, 0.4, color=style.BLUE, label="now, with 95 % interval")
    errors = np.maximum([rate - low, high - rate], 0)
    axes.errorbar(places - 0.2, rate, errors, color="black", linestyle="", capsize=3)
    promised = [np.nan if row["promised"] is None else row["promised"] for row in rows]
    axes.bar(places + 0.2, promised, 0.4, color=style.ORANGE, hatch="//", label="promised")
    axes.set(title="Grades", ylabel="converted", ylim=(0, 1))
    axes.set_xticks(places, [row["grade"] for row in rows])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend()
    return figure


def _drift(found: Document) -> Figure:
    figure, axes = style.one_panel()
    rows = list(found["drift"].items())[:MOST_COLUMNS][::-1]
    axes.barh([name for name, _ in rows], [value for _, value in rows], color=style.BLUE)
    limit = found["limits"]["drift"]
    axes.axvline(limit, color=style.ORANGE, linestyle="--", label=f"limit {limit:g}")
    axes.set(title="Drift since training", xlabel="population stability index")
    axes.legend(loc="lower right")
    return figure
