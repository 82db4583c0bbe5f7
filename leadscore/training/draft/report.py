"""The audit of a draft: a table for the terminal, and the same as a page."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from leadscore.training import html
from leadscore.training.draft.proposal import Proposal

HEAD: Final = ("column", "use", "holds", "alone", "blank", "blank alone", "certain")
NUMBERS: Final = (3, 4, 5, 6)

LEGEND: Final = (
    "alone: ROC-AUC of the column by itself. blank: share of leads without it. blank alone: ROC-AUC of "
    "whether it is blank. certain: share of leads with a level that converts at least 95 %. "
    "On the oldest 80 % of the leads."
)


def printed(console: Console, proposals: Sequence[Proposal], title: str) -> None:
    """Print the audit as a table, and below it what a person must look at."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(HEAD):
        table.add_column(name, justify="right" if place in NUMBERS else "left", overflow="fold")
    for column in proposals:
        style = "bold" if column.check else ""
        table.add_row(*map(escape, _cells(column)), style=style)
    console.print(table)
    console.print(LEGEND, style="dim", end="\n\n")
    for column in proposals:
        if column.check:
            console.print(f"[bold]{escape(column.source)}[/]: {escape(column.why)}")
            console.print(f"  [bold]Check:[/] {escape(column.check)}")


def page(proposals: Sequence[Proposal], title: str, remarks: Iterable[str]) -> str:
    """The audit as a self-contained HTML page."""
    checks = [(c.source, c.use, c.check, c.why) for c in proposals if c.check]
    rows = [(*_cells(column), column.why) for column in proposals]
    return html.page(
        title,
        [
            html.items(remarks),
            html.heading("What somebody who knows the data must check"),
            html.table(("column", "use", "check", "why"), checks)
            if checks
            else html.paragraph("Nothing."),
            html.heading("All columns"),
            html.paragraph(LEGEND),
            html.table((*HEAD, "why"), rows, NUMBERS),
        ],
    )


def _cells(column: Proposal) -> tuple[str, ...]:
    holds = column.profile.content if column.profile else column.kind
    if (found := column.evidence) is None:
        return (column.source, column.use, holds, "", "", "", "")
    return (
        column.source,
        column.use,
        holds,
        f"{found.alone:.3f}",
        f"{found.blank:.1%}",
        f"{found.blank_alone:.3f}" if found.blank else "",
        f"{found.certain_share:.1%}" if found.certain else "",
    )
