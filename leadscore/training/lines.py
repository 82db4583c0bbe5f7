"""Where in the data dictionary something stands: a refusal says which line to change."""

import ast
import re
from pathlib import Path
from typing import Final

_COLUMN: Final = re.compile(r"""column ('[^']*'|"[^"]*")""")
_TABLE: Final = re.compile(r"\s*(\[\[column\]\]|\{)")
_KEY: Final = re.compile(r"(\w+)\s*=")


def hint(dictionary: Path, error: Exception) -> str:
    """The line of a dictionary to change, for a refusal that names a column: of the first key that the
    refusal speaks of, else of the column's labels or its kind. Empty if it names no column of it.
    """
    said = str(error)
    try:
        lines = dictionary.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    found = _COLUMN.search(said)
    if not found or not (block := _block(lines, ast.literal_eval(found[1]))):
        return ""
    keys = {key: number for number in reversed(block) for key in _KEY.findall(lines[number])}
    about = said[found.end() :]
    wanted = [key for key in keys if re.search(rf"\b{key}\b", about)] + ["positive", "kind", "source"]
    number = next((keys[key] for key in wanted if key in keys), block.start)
    return f"\nChange {dictionary}, line {number + 1}: {lines[number].strip()}"


def _block(lines: list[str], column: str) -> range | None:
    """The lines of a column's table, by its name or source; from 0 on."""
    starts = [number for number, line in enumerate(lines) if _TABLE.match(line)]
    naming = re.compile(rf"\b(name|source)\s*=\s*[\"']{re.escape(column)}[\"']")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if naming.search("\n".join(lines[start:end])):
            return range(start, end)
    return None
