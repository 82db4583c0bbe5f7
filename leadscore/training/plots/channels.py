"""How far the score holds in each channel."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from leadscore.training import slices
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence


def by_channel(evidence: Evidence) -> Figure | None:
    """Mean prediction beside conversion in each common channel; None if the dictionary names none."""
    rows = slices.channels(evidence.leads, evidence.newest)[::-1]  # the first on top
    if not rows:
        return None
    figure = Figure(figsize=(9, 0.45 * len(rows) + 1.8))
    axes = figure.subplots()
    places = range(len(rows))
    rate, low, high = np.transpose(
        [style.interval(row["conversion_rate"], row["leads"]) for row in rows]
    )
    foretold = [row["probability"] for row in rows]
    axes.hlines(places, low, high, color=style.BLUE, linewidth=2)
    axes.plot(rate, places, "o", color=style.BLUE, label="converted, with 95 % interval")
    axes.plot(foretold, places, "D", color=style.ORANGE, label="mean predicted probability")
    beside = axes.get_yaxis_transform()
    for place, row in zip(places, rows, strict=True):
        axes.text(1.02, place, f"{row['roc_auc']:.2f}", transform=beside, va="center")
    axes.text(1.02, len(rows) - 0.4, "ROC-AUC\nwithin", transform=beside)
    names = {column.name: column.title for column in evidence.leads.dictionary.features}
    axes.set_yticks(places, [_label(row, names[row["column"]]) for row in rows])
    axes.set(title=f"Calibration and conversion by channel, {evidence.tested} leads")
    axes.set(xlim=(0, min(1, 1.1 * max(*high, *foretold))), ylim=(-0.6, len(rows) - 0.4))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _label(row: dict[str, Any], title: str) -> str:
    return f"{title}: {row['level'] or 'missing'} ({row['leads']:,})"
