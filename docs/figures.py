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

BOOSTERS: Final = ("LightGBM", "CatBoost", "HistGradientBoosting")
OTHERS: Final = {
    "leads.csv": "the shipped twin",
    "telco.csv": "churn of a telephone company",
    "extraalearn.csv": "ExtraaLearn, a seller of courses",
    "olist.csv": "Olist, a market place",
}


def _read(path: str) -> dict[str, Any]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # an object


TWIN: Final = _read("models/metrics.json")
ORIGINAL: Final = _read("models/metrics_original.json")
QUALITY: Final = _read("benchmarks/quality.json")["sets"]


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
    for name, found in QUALITY[ORIGINAL["data"]["file"]]["models"].items():
        figures = ("roc_auc", "log_loss")
        cells = [f"{found[key]:.4f}" for key in figures]
        cells += ["" if name.startswith("ours") else _difference(found, key) for key in figures]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def other_leads() -> list[str]:
    """Other libraries on other public leads: differences in log loss to ours."""
    rows = [f"| test leads | ours: ROC-AUC | log loss | {' | '.join(BOOSTERS)} |", _rule(6)]
    for file, label in OTHERS.items():
        models, tested = QUALITY[file]["models"], QUALITY[file]["tested_on"]
        ours = next(found for name, found in models.items() if name.startswith("ours"))
        cells = [f"{ours[key]:.4f}" for key in ("roc_auc", "log_loss")]
        cells += [_difference(models[name], "log_loss") for name in BOOSTERS]
        rows.append(f"| {label}, {tested:,} leads | {' | '.join(cells)} |")
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
    "other leads": other_leads,
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


def _difference(found: dict[str, Any], figure: str) -> str:
    return "{:+.4f} ({:+.4f} to {:+.4f})".format(*found["difference"][figure])


def _rule(columns: int) -> str:
    return f"|{' --- |' * columns}"


if __name__ == "__main__":
    for table in TABLES:
        fill(f"{mark(table)}\n", TABLES[table]())
