"""How well the model ranks: ROC, precision and recall, gains and lift."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from leadscore.training.evaluation import figures
from leadscore.training.plots import style
from leadscore.training.plots.evidence import Evidence


def roc(evidence: Evidence) -> Figure:
    """The ROC curve, with the threshold on it."""
    figure, axes = style.one_panel()
    target = evidence.leads.newest()[1]
    reached = figures.measure(target, evidence.newest, evidence.threshold.value)
    false_alarms, found, _ = roc_curve(target, evidence.newest)
    axes.plot(
        false_alarms, found, color=style.BLUE, linewidth=2, label=f"model, AUC {reached['roc_auc']:.3f}"
    )
    axes.plot((0, 1), (0, 1), color=style.GREY, linestyle=":", label="chance, AUC 0.500")
    alarm = float((evidence.newest[target == 0] >= evidence.threshold.value).mean())
    style.mark(axes, alarm, reached["recall"], f"threshold {evidence.threshold.value:.3f}")
    axes.set(title=f"ROC, {evidence.tested} leads", xlabel="called among those that do not convert")
    axes.set_ylabel("called among those that convert")
    style.percent(axes)
    axes.legend(loc="lower right")
    return figure


def precision_recall(evidence: Evidence) -> Figure:
    """Precision against recall, with the threshold on it."""
    figure, axes = style.one_panel()
    target = evidence.leads.newest()[1]
    reached = figures.measure(target, evidence.newest, evidence.threshold.value)
    precision, recall, _ = precision_recall_curve(target, evidence.newest)
    label = f"model, average precision {reached['average_precision']:.3f}"
    axes.plot(recall, precision, color=style.BLUE, linewidth=2, label=label)
    rate = target.mean()
    axes.axhline(rate, color=style.GREY, linestyle=":", label=f"chance, {rate:.3f}")
    threshold = f"threshold {evidence.threshold.value:.3f}"
    style.mark(axes, reached["recall"], reached["precision"], threshold)
    axes.set(title=f"Precision and recall, {evidence.tested} leads", ylim=(0, 1.02))
    axes.set(
        xlabel="recall: called among those that convert",
        ylabel="precision: converting among those called",
    )
    style.percent(axes)
    axes.legend(loc="lower left")
    return figure


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
