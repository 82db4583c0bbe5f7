"""The tables of CARD.md, as rows of text, and the sentences that hold figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leadscore.card import Card
from leadscore.training.evaluation.calibration import SIGMOID_GAIN
from leadscore.training.evaluation.figures import importance

COMPARED: Final = ("roc_auc", "average_precision", "log_loss", "brier", "f1", "lift_at_10%")
SLICED: Final = ("roc_auc", "log_loss", "ece", "precision", "recall")
OLDER: Final = ("mixed", "rolling")
SPLITS: Final = ("by_time", "at_random")


def measured(metrics: Mapping[str, Any], newest: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Each figure with its interval."""
    shown = {name: f"{low:.3f} to {high:.3f}" for name, (low, high) in metrics["intervals"].items()}
    shown["ece"] = f"{metrics['ece_by_chance']:.3f} by chance alone"
    return [(title(name), f"{value:.3f}", shown[name]) for name, value in newest.items()]


def rolling(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Figures of models on the newer half of the oldest leads, out of fold and in time."""
    return [
        (
            name.replace("_", " "),
            *(f"{model[how][key]:.3f}" for key in ("roc_auc", "log_loss") for how in OLDER),
        )
        for name, model in metrics["models"].items()
        if "rolling" in model
    ]


def used(card: Card, contributions: NDArray[np.float64]) -> list[tuple[str, ...]]:
    """The columns used, the largest first, and why."""
    columns, sizes = card.dictionary.features, importance(contributions)
    return [(columns[i].source, f"{sizes[i]:.3f}", columns[i].reason) for i in np.argsort(-sizes)]


def slices(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Figures of all newest leads, and of parts of them."""
    everyone = metrics["models"][metrics["served"]]["newest"]
    rows = {"all": {"leads": metrics["data"]["tested_on"], **everyone}, **metrics["slices"]}
    return [(name, f"{row['leads']:,}", *_three_digits(row, SLICED)) for name, row in rows.items()]


def models(metrics: Mapping[str, Any], split: str) -> list[tuple[str, ...]]:
    """Figures on one split, of every model that has them."""
    return [
        (name.replace("_", " "), *_three_digits(model[split], COMPARED))
        for name, model in metrics["models"].items()
        if split in model
    ]


def ablation(metrics: Mapping[str, Any], splits: Sequence[str]) -> list[tuple[str, ...]]:
    """Figures with ever later columns, on some splits."""
    return [
        (name, *(f"{level[split][key]:.3f}" for key in ("roc_auc", "log_loss") for split in splits))
        for name, level in metrics["ablation"].items()
    ]


def calibration(metrics: Mapping[str, Any]) -> str:
    """The rule, and what either choice leads to."""
    calibration = metrics["calibration"]
    before, after = calibration["before"], calibration["after"]
    return (
        f"{calibration['method'].capitalize()}: a sigmoid is taken if it lowers out-of-fold log loss by "
        f"{SIGMOID_GAIN:g}.\n"
        f"Without it: log loss {before['log_loss']:.4f}, calibration error {before['ece']:.4f}. "
        f"With it: {after['log_loss']:.4f} and {after['ece']:.4f}."
    )


def threshold(card: Card) -> str:
    """The rule, and what it leads to expect."""
    threshold, expected = card.threshold, card.threshold.expected
    return (
        f"Rule: {threshold.rule}. A lead counts as converting from {threshold.value:.3f} on. "
        f"Out of fold, per 100 leads:\n"
        f"{expected['calls']:.1f} calls, {expected['conversions']:.1f} conversions "
        f"among them, precision {expected['precision']:.3f}, recall {expected['recall']:.3f}."
    )


def grades(card: Card) -> list[tuple[str, ...]]:
    """Each grade, its share and its conversion rate."""
    return [
        (
            *(g.grade, f"{g.at_least:.3g}", f"{g.share:.1%}"),
            "none got it" if g.conversion_rate is None else f"{g.conversion_rate:.1%}",
        )
        for g in card.grades
    ]


def parity(card: Card) -> str:
    """How far the graph was proved to be the model."""
    found = card.parity
    gap = {name: f"{size:.1e}" for name, size in found.items() if name.startswith("largest_")}
    return (
        "The graph was compared with the fitted pipeline and with the plain graph, whose trees "
        f"onnxmltools converts,\non {found['leads']:,} leads and on {found['adversarial_leads']:,} made "
        f"to break it. Its probabilities differ by at most {gap['largest_difference']} from\n"
        f"the pipeline's and {gap['largest_plain_served_difference']} from the plain graph's, which "
        f"differ by at most {gap['largest_plain_difference']} from the pipeline's;\ncontributions by at "
        f"most {gap['largest_contribution_difference']} from XGBoost's. "
        f"{found['flipped_decisions']} decisions flip."
    )


def _three_digits(figures: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [f"{figures[name]:.3f}" for name in names]


def title(figure: str) -> str:
    """A figure as a person reads it."""
    words = figure.replace("_at_", " ").replace("_", " ")
    return {"roc auc": "ROC-AUC", "ece": "ECE", "brier": "Brier"}.get(words, words)


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """A text that neither ends its cell nor its row."""
    return " ".join(text.split()).replace("|", "\\|")
