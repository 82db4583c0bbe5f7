"""What train.py prints at its end: the figures a reader wants to know first, and what to run next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from leadscore.card import MODEL
from leadscore.training import claims
from leadscore.training import report_tables as tables

CLAIMS: Final = (claims.on_cluster, claims.sampled, claims.explained)
FIGURES: Final = ("roc_auc", "log_loss", "precision", "recall", "f1", "lift_at_10%")


def summarise(metrics: Mapping[str, Any], output: Path) -> None:
    """Print tables of all models and of ever later columns, and the served model in three lines."""
    console = Console(highlight=False)
    tested_on = f"{metrics['data']['tested_on']:,}"
    splits = {"newest": f"The {claims.tested(metrics)} {tested_on} leads"}
    if metrics["data"]["split"] == "by time":
        splits["at_random"] = f"{tested_on} leads drawn at random instead"
    for split, title in splits.items():
        rows = {name: model[split] for name, model in metrics["models"].items() if split in model}
        console.print(_table(title, "model", rows))
    if len(splits) > 1:
        console.print(_rolling(metrics))
    for said in filter(None, (claim(metrics) for claim in CLAIMS)):
        console.print(said, soft_wrap=True, end="\n\n")
    rows = {
        f"{name}, {split.replace('_', ' ')}" if len(splits) > 1 else name: level[split]
        for name, level in metrics["ablation"].items()
        for split in ("by_time", "at_random")[: len(splits)]
    }
    title = f"{metrics['served']} with the columns known when ..."
    console.print(_table(title, "columns, split" if len(splits) > 1 else "columns", rows))
    data = metrics["data"]
    if "left_out" in data:
        console.print(f"Left out, for they are no leads: {data['left_out']}.")
    if "open" in data:
        console.print(f"Left out: {data['open']:,} leads that are still open.")
    if "unlisted" in data:
        names = escape(", ".join(data["unlisted"]))
        console.print(f"Ignored, for the data dictionary does not list them: {names}.", soft_wrap=True)
    for warning in metrics["warnings"]:
        console.print(f"[bold yellow]Warning:[/] {escape(warning)}", soft_wrap=True)
    console.print(_served(metrics, output), soft_wrap=True)


def _served(metrics: Mapping[str, Any], output: Path) -> str:
    served = metrics["models"][metrics["served"]]
    low, high = metrics["intervals"]["roc_auc"]
    data = metrics["data"]
    refitted = data["fitted_on"] > data["trained_on"]
    every = data.get("sample_of", data["fitted_on"])
    whose = f", fitted on all {every:,} leads. Its recipe has" if refitted else "."
    return (
        f"Served: {metrics['served']}, version {metrics['model_version']}{whose} "
        f"ROC-AUC {served['newest']['roc_auc']:.3f} (95 %: {low:.3f} to {high:.3f}), "
        f"threshold {metrics['threshold']['value']:.3f} ({metrics['threshold']['rule']}).\n"
        f"ONNX differs by at most {metrics['parity']['largest_difference']:.0e}.\n"
        f"Written to {escape(str(output))}/. "
        f"Next: [bold]python predict.py --model {escape(str(output / MODEL))}.onnx[/]"
    )


def _rolling(metrics: Mapping[str, Any]) -> Table:
    title = (
        "The newer half of the oldest leads: by cross-validation, and each period from those before it"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("model", "roc auc, mixed", "by time", "log loss, mixed", "by time"):
        table.add_column(column, justify="left" if column == "model" else "right", no_wrap=True)
    for row in tables.rolling(metrics):
        table.add_row(*row)
    return table


def _table(title: str, first: str, rows: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for figure in FIGURES:
        table.add_column(figure.replace("_at_", " ").replace("_", " "), justify="right", no_wrap=True)
    for name, row in rows.items():
        table.add_row(name.replace("_", " "), *(f"{row[figure]:.3f}" for figure in FIGURES))
    return table
