"""`changes`: two lists compared in the terminal, what changed as a table."""

import csv
import io
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings
from leadscore.tables import contents, coverage, outputs
from leadscore.tables.block import guarded
from leadscore.tables.changes.comparison import Change, Comparison, compare
from leadscore.tables.changes.earlier import EARLIER, TODAY, naming, one_sheet, opened
from leadscore.tables.changes.moves import REASONS
from leadscore.tables.job import ending, say, say_sheet
from leadscore.tables.streams import source, target

RANKS: Final = [f"reason_{rank}" for rank in range(1, REASONS + 1)]


@dataclass(frozen=True)
class Lists:
    """What to compare, and where to write it: paths or "-". `sheet`: of today's file, if it is a
    workbook. `mapping` and `partial`: as in `Job`.
    """

    earlier: str
    today: str
    target: str
    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False


def command(lists: Lists, scorer: Scorer, settings: Settings) -> None:
    """Write a line for each lead that changed, and say on standard error what to know of it."""
    with ending(f"{lists.earlier}, {lists.today}", lists.target):
        found = _compared(lists, Engine(scorer, settings.max_text))
        with target(lists.target) as place, outputs.packed(place, lists.target, ",") as answers:
            answers.write(_table(found).encode())
    for note in found.notes:
        say(note)
    say(f"{', '.join(f'{number:,} {kind}' for kind, number in found.counts.items())}.")


def _compared(lists: Lists, engine: Engine) -> Comparison:
    files = []
    with ExitStack() as streams:
        for path, name in ((lists.earlier, EARLIER), (lists.today, TODAY)):
            outputs.check(path, lists.target, outputs.OF_CSV)
            stream = streams.enter_context(source(path))
            with naming(name):
                sheet, note = (None, one_sheet) if name == EARLIER else (lists.sheet, say_sheet)
                text = streams.enter_context(contents.text(stream, sheet, note=note))
            files.append(opened(text, engine, lists.mapping, name))
        before, after = files
        if not lists.partial:
            coverage.check(after.columns, engine.card)
        return compare(engine, before, after)


def _table(found: Comparison) -> str:
    """The changes as CSV."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow([found.id, *Change._fields[1:-1], *RANKS])
    for change in found.changes:
        texts = map(guarded, change.reasons)
        blank = [""] * (REASONS - len(change.reasons))
        cells = ["" if cell is None else cell for cell in change[:-1]]
        writer.writerow([guarded(change.id), *cells[1:], *texts, *blank])
    return output.getvalue()
