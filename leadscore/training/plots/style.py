"""How every picture looks: colours, axes, intervals."""

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy.stats import binomtest

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


def one_panel() -> tuple[Figure, Axes]:
    """A small figure and its axes."""
    figure = Figure(figsize=(6.4, 5.2))
    return figure, figure.subplots()


def png(figure: Figure) -> bytes:
    """A figure as a file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def percent(axes: Axes) -> None:
    """Label both axes in percent."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))


def interval(rate: float, leads: float) -> tuple[float, float, float]:
    """A rate with its Wilson 95 % interval."""
    bounds = binomtest(round(rate * leads), int(leads)).proportion_ci(method="wilson")
    return rate, float(bounds.low), float(bounds.high)


def with_intervals(
    axes: Axes,
    x: Sequence[float] | NDArray[Any],
    rates: Sequence[tuple[float, float, float]],
    label: str,
) -> None:
    """A line through rates, with the interval of each."""
    middle, low, high = np.transpose(rates)
    distances = np.maximum([middle - low, high - middle], 0)
    axes.errorbar(x, middle, distances, color=BLUE, marker="o", markersize=4, capsize=2, label=label)
