"""Every picture of the model card, as PNG."""

import io
from collections.abc import Callable, Mapping
from typing import Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from leadscore.training.plots import chances, drift, ranking, reasons
from leadscore.training.plots.evidence import Evidence
from leadscore.training.plots.style import STYLE

PICTURES: Final[Mapping[str, Callable[[Evidence], Figure]]] = {
    "roc": ranking.roc,
    "precision_recall": ranking.precision_recall,
    "reliability": chances.reliability,
    "gains": ranking.gains,
    "threshold": chances.threshold,
    "shap_summary": reasons.shap_summary,
    "dependence": reasons.dependence,
    "drift": drift.over_time,
}


def draw(evidence: Evidence) -> dict[str, bytes]:
    """Every picture, by file name; none of time where the leads' order is not known."""
    with rc_context(STYLE):
        return {
            f"figures/{name}.png": _png(picture(evidence))
            for name, picture in PICTURES.items()
            if evidence.leads.timed or picture is not drift.over_time
        }


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
