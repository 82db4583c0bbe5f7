"""Disks that are full, or cannot be written to."""

from pathlib import Path

from benchmarks.faults.confined import FULL, READ_ONLY, namespace
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.service import request, started

CSV_ROW = b"5,Google," + b"x" * 1000 + b"\n"
CSV_ROWS = 20_000  # more than the service holds in memory


def full_disk() -> Outcome:
    """A lead is scored as ever; a file for which there is no room is refused, and only that."""
    name = "a full disk"
    with namespace(FULL) as service:
        if service is None:
            return Outcome(name, "not tried: nothing can be mounted here", None)
        content = b"TotalVisits,Lead Source,x\n" + CSV_ROW * CSV_ROWS
        large = service.status(request("POST /predict/csv?partial=1", content, "content-type: text/csv"))
        counted = service.statuses(1000)
        metrics = service.status(request("GET /metrics"))
    return Outcome(
        name,
        f"{counted[200]:,} of 1,000 requests answered; one with a file of {len(content) / 1e6:.0f} MB "
        f"got a {large}",
        counted == {200: 1000} and large == 507 and metrics == 200,
    )


def full_log() -> Outcome:
    """What cannot be logged is answered."""
    with started(log=Path("/dev/full")) as service:
        counted = service.statuses(1000)
    return Outcome(
        "a log whose disk is full",
        f"{counted[200]:,} of 1,000 requests answered",
        counted == {200: 1000},
    )


def read_only() -> Outcome:
    """Nothing needs to be written."""
    name = "a read-only root, with no folder that can be written"
    with namespace(READ_ONLY) as service:
        if service is None:
            return Outcome(name, "not tried: nothing can be mounted here", None)
        counted = service.statuses(1000)
        metrics = service.status(request("GET /metrics"))
    return Outcome(
        name, f"{counted[200]:,} of 1,000 requests answered", counted == {200: 1000} and metrics == 200
    )
