"""Draft a data dictionary from a file of past leads.

    python train.py draft leads.csv --target Status --positive Won -o leads.toml

It gives a reason and figures for every column. Columns that were filled in after the first contact are
found by their figures: how well each tells the outcome alone, whether being blank tells it, how they
change with time. A name alone excludes nothing. Read the blocks marked CHECK, then train.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.markup import escape

from leadscore.files import replace_file
from leadscore.training.errors import TrainingError
from leadscore.training.exits import exit_code


def main(argv: Sequence[str]) -> int:
    """Draft a dictionary; returns the exit code: 0, or 1 after an error."""
    options = _options(argv)
    return exit_code(lambda: _run(options, Console(highlight=False)), "Not drafted.")


def _run(options: argparse.Namespace, console: Console) -> int:
    output: Path = options.output or Path(options.data.name).with_suffix(".toml")
    if output.exists() and not options.force:
        raise TrainingError(f"{output} is there already; -o another file, or --force to replace it")
    # Here and not above: pandas takes a second, and `--help` does not need it.
    from leadscore.training.draft import report  # noqa: PLC0415
    from leadscore.training.draft.audit import draft  # noqa: PLC0415
    from leadscore.training.draft.document import document  # noqa: PLC0415

    found = draft(
        options.data, options.target, options.positive, options.open, options.clock, options.sheet
    )
    leads = f"{found.leads:,} leads, {found.rate:.1%} converted"
    title = f"{options.data.name}: {leads}"
    text = document(found.proposals, found.missing, options.data.name, leads)
    replace_file(output, text.encode())
    report.printed(console, found.proposals, title)
    if options.html:
        replace_file(options.html, report.page(found.proposals, title, found.remarks).encode())
    for remark in found.remarks:
        console.print(escape(remark), soft_wrap=True)
    checks = sum(bool(column.check) for column in found.proposals)
    console.print(
        f"\nWritten to {escape(str(output))}: {len(found.proposals)} columns, {checks} to check. Next: "
        f"[bold]python train.py --data {quote(str(options.data))} --columns {quote(str(output))} "
        f"--output models/{quote(output.stem)}[/]",
        soft_wrap=True,
    )
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"{Path(sys.argv[0]).name} draft",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", type=Path, help="past leads with their outcome: a CSV or a workbook")
    add("--sheet", help="of a workbook (the first visible one with cells)")
    add("--target", required=True, metavar="COLUMN", help="the column that has the outcome")
    add(
        "--positive",
        action="append",
        default=[],
        metavar="LABEL",
        help="a label that is a conversion; again for more",
    )
    add(
        "--open",
        action="append",
        default=[],
        metavar="LABEL",
        help="a label of leads that are not decided yet",
    )
    add("--clock", metavar="COLUMN", help="the column that tells when a lead came in (default: found)")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="TOML",
        help="the dictionary to write (the data's name, .toml)",
    )
    add("--html", type=Path, metavar="FILE", help="also write the figures as one page")
    add("--force", action="store_true", help="replace a dictionary that is there")
    return parser.parse_args(argv)
