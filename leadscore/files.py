"""Writing files so that an interruption never leaves half of one."""

import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write one file: all of it or nothing."""
    replace_files(path.parent, {path.name: content})


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that belong together: all are on disk before the first one replaces its predecessor.

    Names are relative to `folder` and may hold subfolders. Ctrl-C is ignored during the renames. Call
    it from the main thread.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as staging:
        for name, content in files.items():
            for place in (Path(staging), folder):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(staging) / name).write_bytes(content)
        held = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for name in files:
                (Path(staging) / name).replace(folder / name)
        finally:
            signal.signal(signal.SIGINT, held)
