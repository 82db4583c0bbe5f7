"""One sheet of a workbook as CSV, read by a process of its own: `python worksheet.py MEMORY CPU SHEET`.

A small workbook can name a cell so far out that whoever reads it is out of memory, and the library that
does ends the process then. So it is this one, which the service starts with limits and can do without.

The workbook comes on standard input, the CSV goes to standard output, and what was read, or why not, to
standard error as JSON: `{"sheet": ..., "sheets": [...]}` or `{"error": ...}`.
"""

import csv
import json
import sys
from datetime import date, datetime, time, timedelta
from typing import Final

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

EXACT: Final = 1e15  # a number's digits; more of them are not the workbook's


def main(memory: int, cpu: int, wanted: str) -> str:
    """Write a sheet, the first visible one that has cells if none is `wanted`; what to say of it.

    `memory` in bytes, `cpu` in seconds: how much of them this process may take.
    """
    try:
        import resource  # noqa: PLC0415  (Unix only)
    except ModuleNotFoundError:
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    workbook = CalamineWorkbook.from_filelike(sys.stdin.buffer)
    sheets = [s for s in workbook.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in sheets]
    shown = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    if wanted and wanted not in names:
        return json.dumps({"error": f"there is no sheet {wanted!r}, but {', '.join(map(repr, names))}"})
    filled = (name for name in shown or names if workbook.get_sheet_by_name(name).height)
    if not (name := wanted or next(filled, "")):
        return json.dumps({"error": "the workbook has no visible sheet with cells"})
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    sys.stdout.write("\ufeff")  # the answer is for Excel, too
    write = csv.writer(sys.stdout).writerow
    for row in workbook.get_sheet_by_name(name).iter_rows():
        write(map(text, row))
    sys.stdout.flush()
    return json.dumps({"sheet": name, "sheets": names})


def text(value: float | str | bool | time | date | datetime | timedelta) -> str:
    """A cell as CSV has it: numbers in full, dates and times in ISO 8601, durations as h:mm:ss."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return value.isoformat() if isinstance(value, date | time) else str(value)


if __name__ == "__main__":
    try:
        said = main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    except PasswordError:
        said = json.dumps({"error": "the workbook has a password: save it without"})
    except (CalamineError, OSError, ValueError) as error:
        said = json.dumps({"error": f"not a workbook that can be read ({error})"})
    sys.stderr.write(said)
