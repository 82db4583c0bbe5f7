"""Workbooks of Excel (.xlsx), read as CSV and written from it.

Reading needs python-calamine, writing xlsxwriter: the extra `excel`, which serving does without.
"""

import contextlib
import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from leadscore.tables.mapping import TableError

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEMORY: Final = 2**30  # bytes that reading a workbook may take: some 200,000 rows of 40 columns
SECONDS: Final = 60  # and how long
MOST_ROWS: Final = 2**20  # of a sheet, says Excel
LONGEST_CELL: Final = 32_767  # characters, says Excel

NEEDED: Final = "Excel files need two libraries (pip install python-calamine xlsxwriter), or save as CSV"

# What Excel shows as it is written here: no leading zeros, and no more digits than it keeps.
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,10})?", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?", re.ASCII)
_DAY: Final = "yyyy-mm-dd"
_MOMENT: Final = "yyyy-mm-dd hh:mm:ss"
_SWITCH: Final = {"true": True, "false": False}


class Sheets(NamedTuple):
    """The sheets of a workbook: the one that was `read`, and the names of all."""

    read: str
    names: list[str]

    @property
    def told(self) -> str:
        """Which one of several was read; empty if there is but one."""
        others = ", ".join(name for name in self.names if name != self.read)
        return f"Sheet {self.read!r} was read; the others are {others}." if others else ""


def read(workbook: BinaryIO, sheet: str | None, answer: BinaryIO, memory: int) -> Sheets:
    """Write a sheet as CSV in UTF-8 to `answer`, a file; the first visible one that has cells if none is
    named.

    TableError if there is no such sheet, or the workbook cannot be read within `memory` bytes and
    SECONDS.
    """
    if find_spec("python_calamine") is None:
        raise TableError(NEEDED)
    if sheet and "\0" in sheet:  # which no process takes as an argument
        raise TableError(f"there is no sheet {sheet!r}")
    with tempfile.TemporaryFile() as copy:  # a process takes no other kind of stream
        workbook.seek(0)
        shutil.copyfileobj(workbook, copy)
        copy.seek(0)
        said = _said([str(memory), str(SECONDS), sheet or ""], copy, answer)
    if not said:
        raise TableError(
            f"the workbook takes more than {memory // 2**20:,} MB of memory or {SECONDS} s to read: "
            "save the sheet as CSV, or delete what is far from the leads"
        )
    if "error" in said:
        raise TableError(said["error"])
    answer.seek(0)
    return Sheets(said["sheet"], said["sheets"])


def _said(arguments: list[str], workbook: BinaryIO, answer: BinaryIO) -> dict[str, Any]:
    """What the process that reads a workbook says of it; nothing if it did not come to its end."""
    script = Path(__file__).with_name("worksheet.py")
    # -P: the script's folder is no place to import from.
    command = [sys.executable, "-P", str(script), *arguments]
    try:
        done = subprocess.run(  # noqa: S603  (our own script)
            command,
            stdin=workbook,
            stdout=answer,
            stderr=subprocess.PIPE,
            timeout=2 * SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}
    found: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        found = json.loads(done.stderr)
    return found


def write(answers: BinaryIO, delimiter: str, target: BinaryIO) -> None:
    """Write a CSV as a workbook of one sheet, in constant memory: numbers, dates and true or false as
    what they are, all else as text, which no spreadsheet runs as a formula.

    TableError for more rows or longer cells than a sheet holds, OSError for what cannot be written.
    """
    text = io.TextIOWrapper(answers, "utf-8-sig", newline="")
    xlsxwriter = library()
    try:
        with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
            _fill(book, csv.reader(text, delimiter=delimiter))
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(*error.args[0].args) from None
    text.detach()


def _fill(book: Any, rows: Iterable[list[str]]) -> None:
    sheet = book.add_worksheet("Leads")
    sheet.freeze_panes(1, 0)
    formats = {name: book.add_format({"num_format": name}) for name in (_DAY, _MOMENT)}
    bold = book.add_format({"bold": True})
    number, width = -1, 0
    for number, cells in enumerate(rows):
        if number == MOST_ROWS:
            raise TableError(f"a sheet holds {MOST_ROWS:,} rows: write CSV instead")
        width = max(width, len(cells))
        for place, cell in enumerate(cells):
            if len(cell) > LONGEST_CELL:
                raise TableError(
                    f"row {number + 1}: a cell of Excel holds {LONGEST_CELL:,} characters, this one "
                    f"has {len(cell):,}: write CSV instead"
                )
            if number:
                _write_cell(sheet, number, place, cell, formats)
            else:
                sheet.write_string(number, place, cell, bold)
    if number > 0:
        sheet.autofilter(0, 0, number, width - 1)


def _write_cell(sheet: Any, row: int, place: int, cell: str, formats: dict[str, Any]) -> None:
    if _NUMBER.fullmatch(cell):
        sheet.write_number(row, place, float(cell))
    elif (switch := _SWITCH.get(cell)) is not None:
        sheet.write_boolean(row, place, switch)
    elif _DATE.fullmatch(cell) and (when := _moment(cell)):
        sheet.write_datetime(row, place, when, formats[_MOMENT if "T" in cell else _DAY])
    elif cell:
        sheet.write_string(row, place, cell)


def library() -> Any:
    """The library that writes workbooks; TableError if it is not installed."""
    try:
        import xlsxwriter  # noqa: PLC0415  (optional)
    except ModuleNotFoundError:
        raise TableError(NEEDED) from None
    return xlsxwriter


def _moment(text: str) -> datetime | None:
    """A date or a moment that Excel knows, which begins with 1900; None for another."""
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.year >= 1900 else None  # noqa: PLR2004
    return None
