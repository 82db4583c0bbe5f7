"""Writing files so that an interruption never leaves half of one."""

import os
import tempfile
from pathlib import Path


def replace_with(path: Path, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename it: all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)  # mkstemp makes files only their owner can read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
