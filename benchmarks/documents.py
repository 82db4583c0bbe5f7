"""Tables of what was measured: each stands between two marks, in README.md or a page of docs/."""

from pathlib import Path

from benchmarks import ROOT
from leadscore.files import replace_file


def fill(mark: str, rows: list[str]) -> None:
    """Write what stands between two marks."""
    page, before, _, after = _parts(mark)
    replace_file(page, "\n".join([before + mark, *rows, mark + after]).encode())


def shown(mark: str) -> list[str]:
    """The lines between two marks."""
    _, _, table, _ = _parts(mark)
    return table.strip().splitlines()


def _parts(mark: str) -> tuple[Path, str, str, str]:
    """The page, and its text before, between and after the marks."""
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        if mark in (text := page.read_text(encoding="utf-8")):
            before, table, after = text.split(mark)
            return page, before, table, after
    raise LookupError(f"neither README.md nor a page of docs/ has a place for {mark}")
