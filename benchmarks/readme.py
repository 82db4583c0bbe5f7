"""README's tables of what was measured."""

from pathlib import Path

from leadscore.training.files import replace_file

README = Path(__file__).resolve().parent.parent / "README.md"


def fill(mark: str, rows: list[str]) -> None:
    """Write what stands in README between two marks."""
    before, _, after = README.read_text(encoding="utf-8").split(mark)
    replace_file(README, "\n".join([before + mark, *rows, mark + after]).encode())
