"""An evaluation in words and tables: for the terminal, and as a page."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from leadscore.training import html
from leadscore.training.outcomes.comparison import Document, warnings


class Part(NamedTuple):
    """A table: its title, its head and its rows. All columns but the first hold numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


TITLES: Final = {"roc_auc": "ROC-AUC", "ece": "calibration error", "brier": "Brier score", "f1": "F1"}


def verdict(found: Document) -> str:
    """Whether the model holds, in a word or two."""
    said = {True: "The model holds.", False: "The model no longer holds.", None: "No verdict."}
    return said[found["holds"]]


def printed(console: Console, found: Document) -> None:
    """Print the tables, then the verdict."""
    for part in _parts(found):
        table = Table(title=part.title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for place, name in enumerate(part.head):
            table.add_column(name, justify="right" if place else "left")
        for row in part.rows:
            table.add_row(*map(escape, row))
        console.print(table)
    for text in warnings(found):
        console.print(f"[bold yellow]Note:[/] {escape(text)}", soft_wrap=True)
    for text in found["objections"]:
        console.print(f"[bold red]Objection:[/] {escape(text)}", soft_wrap=True)
    console.print(f"[bold]{verdict(found)}[/]")


def page(found: Document, pictures: dict[str, bytes]) -> str:
    """The evaluation as a self-contained HTML page."""
    title = f"Model {found['model_version']} on {found['leads']:,} closed leads of {found['file']}"
    parts = [html.paragraph(verdict(found)), html.items([*found["objections"], *warnings(found)])]
    parts.append(html.pictures(pictures))
    for part in _parts(found):
        numbers = range(1, len(part.head))
        parts += [html.heading(part.title), html.table(part.head, part.rows, numbers)]
    return html.page(title, parts)


def _parts(found: Document) -> Iterator[Part]:
    proof = found["proof"]
    yield Part(
        f"{found['leads']:,} closed leads of {found['file']}, {proof['conversion_rate']:.1%} converted",
        ("figure", "now", "promised", "95 % interval then"),
        list(_figures(found)),
    )
    yield Part(
        "Lift: conversion of the best leads over that of all",
        ("best", "leads", "converted", "lift", "95 % interval"),
        [_lift(row) for row in proof["lift"]],
    )
    yield Part(
        "Grades",
        ("grade", "leads", "converted", "95 % interval", "promised"),
        [(row["grade"], *_rate(row), _share(row["promised"])) for row in proof["grades"]],
    )
    promised = {(c["column"], c["level"]): c for c in found["promised_channels"]}
    if proof["channels"]:
        yield Part(
            "Channels",
            ("channel", "leads", "converted", "95 % interval", "promised", "ROC-AUC", "promised "),
            [
                _channel(row, promised.get((row["column"], row["level"]), {}))
                for row in proof["channels"]
            ],
        )
    yield Part(
        "Calibration, from the lowest to the highest tenth",
        ("foretold", "leads", "converted", "95 % interval"),
        [(_share(row["probability"]), *_rate(row)) for row in proof["calibration"]],
    )
    yield Part(
        "Drift since training (population stability index)",
        ("column", "index"),
        [(name, f"{value:.3f}") for name, value in found["drift"].items()],
    )


def _figures(found: Document) -> Iterable[Sequence[str]]:
    for name, row in found["figures"].items():
        title = TITLES.get(name, name.replace("_at_", " ").replace("_", " "))
        interval = found["promised_intervals"].get(name)
        yield title, _number(row["now"]), _number(row["promised"]), _interval(interval)
        if name == "ece":
            yield "  by chance", _number(found["ece_by_chance"]), "", ""
        if name == "roc_auc":
            yield "  95 % interval now", _interval(found["proof"]["roc_auc_interval"]), "", ""


def _lift(row: dict[str, Any]) -> Sequence[str]:
    share, leads, conversions = f"{row['share']:.0%}", f"{row['leads']:,}", f"{row['conversions']:,}"
    return share, leads, conversions, _number(row["lift"]), _interval(row["interval"])


def _channel(row: dict[str, Any], promised: dict[str, Any]) -> Sequence[str]:
    return (
        f"{row['column']} = {row['level'] or 'missing'}",
        *_rate(row),
        _share(promised.get("conversion_rate")),
        _number(row["roc_auc"]),
        _number(promised.get("roc_auc")),
    )


def _rate(row: dict[str, Any]) -> tuple[str, str, str]:
    low, high = row["interval"] or (None, None)
    bounds = f"{_share(low)} to {_share(high)}" if low is not None else ""
    return f"{row['leads']:,}", _share(row["conversion_rate"]), bounds


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(bounds: Sequence[float] | None) -> str:
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
