"""What the service does when something goes wrong: each fault is caused, and its outcome counted.

    python -m benchmarks.faults                                   # five to ten minutes; prints the table
    python -m benchmarks.faults --output benchmarks/faults.json   # and writes it, also into its page

Exit code 1 if any fault did not hold. Full disks and limits of memory are tried only by root on Linux,
in mount namespaces and a control group of their own, so nothing else sees them.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.documents import fill
from benchmarks.faults import attacks, disks, models, processes, requests
from benchmarks.faults.outcome import MARK, Outcome, table
from leadscore.files import replace_file

FAULTS: tuple[Callable[[], Outcome], ...] = (
    requests.malformed,
    processes.killed_worker,
    processes.reload_under_load,
    requests.slow_clients,
    processes.memory,
    disks.full_disk,
    disks.full_log,
    disks.read_only,
    models.deleted_model,
    models.truncated_model,
    models.swapped_model,
    models.tampered_model,
    attacks.smuggling,
    attacks.silent_connections,
    attacks.slow_uploads,
    attacks.endless_head,
    attacks.tiny_values,
    attacks.large_batches,
    attacks.file_without_room,
    attacks.overload,
)


def main() -> None:
    """Cause every fault, print the table, write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the results there, and the table into its page",
    )
    output = parser.parse_args().output
    outcomes = []
    for fault in FAULTS:
        begun = time.monotonic()
        outcomes.append(fault())
        print(f"{time.monotonic() - begun:6.1f} s  {table(outcomes)[-1]}", flush=True)
    if output:
        document = [asdict(outcome) for outcome in outcomes]
        replace_file(output, (json.dumps(document, indent=1) + "\n").encode())
        fill(MARK, table(outcomes))
    sys.exit(any(outcome.held is False for outcome in outcomes))


if __name__ == "__main__":
    main()
