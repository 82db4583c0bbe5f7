"""Say whether a model in use still does what its card promised.

    python train.py evaluate --model models/lead_conversion.onnx --data outcomes.csv

The file has the columns the model reads, and the outcome of leads that are closed by now; open ones are
left out.

Exit code 0: the model holds, or there are too few leads to say. 1: an error. 4: it no longer holds, as a
figure is beyond its limit. So a nightly job may run it.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from leadscore.files import replace_file
from leadscore.scorer import Scorer
from leadscore.training.exits import exit_code

NO_LONGER_HOLDS: Final = 4  # exit code


def main(argv: Sequence[str]) -> int:
    """Evaluate a model; returns the exit code."""
    options = _options(argv)
    return exit_code(lambda: _run(options), "Not evaluated.")


def _run(options: argparse.Namespace) -> int:
    scorer = Scorer(options.model)
    # Here and not above: pandas and the like take a second, and `--help` does not need them.
    from leadscore.training.outcomes import report  # noqa: PLC0415
    from leadscore.training.outcomes.comparison import Limits, compared  # noqa: PLC0415
    from leadscore.training.outcomes.leads import read  # noqa: PLC0415

    limits = Limits(
        options.max_auc_drop, options.max_calibration_error, options.max_drift, options.min_leads
    )
    found = compared(scorer.card, read(options.data, scorer, options.decimal, options.sheet), limits)
    if options.json:
        replace_file(options.json, f"{json.dumps(found, indent=1)}\n".encode())
    if options.html:
        from leadscore.training.outcomes.pictures import draw  # noqa: PLC0415

        replace_file(options.html, report.page(found, draw(found)).encode())
    report.printed(Console(highlight=False), found)
    return NO_LONGER_HOLDS if found["holds"] is False else 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"{Path(sys.argv[0]).name} evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    file: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    add("--model", **file, required=True, help="the ONNX file")
    add("--data", **file, required=True, help="leads with their outcome: a CSV or a workbook")
    add("--decimal", choices=(".", ","), metavar="MARK", help="the decimal mark of its numbers, . or ,")
    add("--sheet", help="of a workbook (default: the first visible one)")
    add("--json", **file, help="also write all figures as JSON")
    add("--html", **file, help="also write them as one page with pictures")
    limit = parser.add_argument_group("limits").add_argument
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    limit("--max-auc-drop", **number, default=0.03, help="of ROC-AUC below the promised one (0.03)")
    limit("--max-calibration-error", **number, default=0.05, help="beyond that of chance (0.05)")
    limit("--max-drift", **number, default=0.25, help="stability index of a column; only warns (0.25)")
    limit("--min-leads", type=int, metavar="N", default=200, help="closed leads for a verdict (200)")
    return parser.parse_args(argv)
