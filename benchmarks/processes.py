"""Processes as Linux tells of them: what they started, and the memory they occupy."""

from collections.abc import Iterator
from pathlib import Path


def descendants(pid: int) -> Iterator[int]:
    """All that a process started, as far as it still runs."""
    try:
        threads = [*Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it has ended
        return
    for thread in threads:
        for child in map(int, said(pid, f"task/{thread.name}/children").split()):
            yield child
            yield from descendants(child)


def occupied(pid: int) -> int:
    """Bytes a process occupies; a page it shares counts in part, so that a sum has it once (PSS)."""
    lines = said(pid, "smaps_rollup").splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def said(pid: int, file: str) -> str:
    """What a file below /proc says of a process; nothing if it, or the thread asked about, has ended."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text()
    except OSError:
        return ""
