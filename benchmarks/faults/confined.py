"""The service where there is little: a full disk, a read-only root, a small folder, a memory limit."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks import ROOT
from benchmarks.faults.service import Service, started

# In a mount namespace of its own: every place for temporary files is full, the root is read-only.
FULL = """
for folder in /tmp /var/tmp; do
    mount -t tmpfs -o size=64k full "$folder" || exit 77
    dd if=/dev/zero of="$folder/full" bs=4k 2> /dev/null
done
mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" || exit 77
exec "$@"
"""
READ_ONLY = """
mount -o remount,bind,ro / && mount -o remount,bind,ro /dev/shm || exit 77
exec "$@"
"""
# A folder for temporary files as deploy/kubernetes gives it.
SMALL = """
mount -t tmpfs -o size=64m small /var/tmp || exit 77
TMPDIR=/var/tmp exec "$@"
"""
MEMORY = 512  # MiB, the limit in deploy/
GROUPS = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")  # of version 1, and of version 2
LIMITS = "memory.limit_in_bytes", "memory.max"


@contextlib.contextmanager
def namespace(script: str) -> Iterator[Service | None]:
    """Two workers behind a script that mounts; None where that is not possible."""
    wrapper = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    may = os.geteuid() == 0 and shutil.which("unshare")
    if not may or subprocess.run([*wrapper, "true"], cwd=ROOT, check=False).returncode:
        yield None
        return
    with started(*wrapper, LEADSCORE_WORKERS="2") as service:
        yield service


@contextlib.contextmanager
def limited() -> Iterator[tuple[str, ...] | None]:
    """A wrapper that starts a command with MEMORY MiB; None where no group can be made."""
    for parent, limit in zip(GROUPS, LIMITS, strict=True):
        group = parent / f"faults-{os.getpid()}"
        try:
            group.mkdir()
            (group / limit).write_text(str(MEMORY * 2**20))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        try:
            yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
        finally:
            group.rmdir()
        return
    yield None
