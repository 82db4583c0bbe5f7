"""Processes as Linux tells of them: what they started, the memory they occupy, where they may listen."""

import re
import socket
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


def resident(pid: int) -> int:
    """Bytes of memory a process occupies, with all it shares."""
    return 1024 * int(re.findall(r"VmRSS:\s+(\d+) kB", said(pid, "status"))[0])


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def said(pid: int, file: str) -> str:
    """What a file below /proc says of a process; nothing if it, or the thread asked about, has ended."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text()
    except OSError:
        return ""
