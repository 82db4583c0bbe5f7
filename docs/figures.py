"""Tables of figures in README.md and docs/model.md, from what was measured: `make figures`."""

import json
from collections.abc import Callable
from typing import Any, Final

from benchmarks import ROOT
from benchmarks.documents import fill

LABELS: Final = {
    "ROC-AUC": "roc_auc",
    "average precision": "average_precision",
    "log loss": "log_loss",
    "Brier score": "brier",
    "calibration error": "ece",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "F1": "f1",
    "lift at 10 %": "lift_at_10%",
}
FIRST: Final = ("ROC-AUC", "log loss", "calibration error", "lift at 10 %")
"""Those of the README."""


def _read(path: str) -> dict[str, Any]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # an object


TWIN: Final = _read("models/metrics.json")
ORIGINAL: Final = _read("models/metrics_original.json")


def served(labels: tuple[str, ...] = tuple(LABELS)) -> list[str]:
    """The served recipe on the newest leads, twin and original, with intervals."""
    head = ["| | shipped data | Kaggle original |", _rule(3)]
    both = {label: f"{_figure(TWIN, label)} | {_figure(ORIGINAL, label)}" for label in labels}
    return [*head, *(f"| {label} | {figures} |" for label, figures in both.items())]


def compared() -> list[str]:
    """All models on the newest leads, twin and original."""
    head = "| model | twin: ROC-AUC | log loss | F1 | original: ROC-AUC | log loss | F1 |"
    rows = [head, _rule(7)]
    for name in TWIN["models"]:
        found = [metrics["models"][name]["newest"] for metrics in (TWIN, ORIGINAL)]
        cells = [f"{part[key]:.3f}" for part in found for key in ("roc_auc", "log_loss", "f1")]
        rows.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return rows


def libraries() -> list[str]:
    """Other libraries on the original, with paired differences to ours."""
    theirs = "ROC-AUC, difference to ours | log loss, difference to ours"
    rows = [f"| newest leads | ROC-AUC | log loss | {theirs} |", _rule(5)]
    for name, found in _read("benchmarks/quality.json")["models"].items():
        cells = [f"{found[key]:.4f}" for key in ("roc_auc", "log_loss")]
        for key in ("roc_auc", "log_loss"):
            difference = "{:+.4f} ({:+.4f} to {:+.4f})".format(*found["difference"][key])
            cells.append("" if name.startswith("ours") else difference)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def later() -> list[str]:
    """The original with columns that are known later and later."""
    head = "| columns known at | columns | by time: ROC-AUC | log loss | at random: ROC-AUC | log loss |"
    rows = [head, _rule(6)]
    for name, level in ORIGINAL["ablation"].items():
        found = [level[split] for split in ("by_time", "at_random")]
        cells = [f"{part[key]:.3f}" for part in found for key in ("roc_auc", "log_loss")]
        rows.append(f"| {name} | {level['features']} | {' | '.join(cells)} |")
    return rows


def without() -> list[str]:
    """The original without its easiest leads."""
    rows = ["| newest leads | leads | ROC-AUC | log loss |", _rule(4)]
    for name, part in ORIGINAL["slices"].items():
        if name.startswith("without"):
            rows.append(
                f"| {name} | {part['leads']:,} | {part['roc_auc']:.3f} | {part['log_loss']:.3f} |"
            )
    return rows


TABLES: Final[dict[str, Callable[[], list[str]]]] = {
    "the first figures": lambda: served(FIRST),
    "the figures": served,
    "the models": compared,
    "the libraries": libraries,
    "later columns": later,
    "the easiest leads": without,
}


def mark(name: str) -> str:
    """What stands before and behind a table."""
    return f"<!-- {name}, written by docs/figures.py -->"


def _figure(metrics: dict[str, Any], label: str) -> str:
    key = LABELS[label]
    figure = f"{metrics['models'][metrics['served']]['newest'][key]:.3f}"
    interval = " to ".join(f"{bound:.3f}" for bound in metrics["intervals"].get(key, ()))
    return f"{figure} ({interval})" if interval else figure


def _rule(columns: int) -> str:
    return f"|{' --- |' * columns}"


if __name__ == "__main__":
    for table in TABLES:
        fill(f"{mark(table)}\n", TABLES[table]())
