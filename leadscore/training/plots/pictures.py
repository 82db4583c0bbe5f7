"""Every picture of the model card, as PNG."""

from collections.abc import Callable, Mapping
from typing import Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from leadscore.training.plots import chances, channels, drift, ranking, reasons, thousand
from leadscore.training.plots.evidence import Evidence
from leadscore.training.plots.style import STYLE, png

PICTURES: Final[Mapping[str, Callable[[Evidence], Figure | None]]] = {
    "thousand": thousand.of_thousand,
    "gains": ranking.gains,
    "channels": channels.by_channel,
    "reliability": chances.reliability,
    "threshold": chances.threshold,
    "shap_summary": reasons.shap_summary,
    "dependence": reasons.dependence,
    "drift": drift.over_time,
}


def draw(evidence: Evidence) -> dict[str, bytes]:
    """Every picture, by file name, but for those the leads have nothing to show in."""
    with rc_context(STYLE):
        drawn = {name: picture(evidence) for name, picture in PICTURES.items()}
        return {f"figures/{name}.png": png(figure) for name, figure in drawn.items() if figure}
