"""Writing files so that an interruption never leaves half of one."""

import contextlib
import os
import signal
import stat
import tempfile
from collections.abc import Iterator, Mapping
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


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside a path, which replaces it if all goes well and vanishes if not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
