"""Train the lead-conversion model: historical leads in, one verified ONNX file out.

    python train.py                                   # on data/leads.csv, which is shipped
    python train.py --data "Lead Scoring.csv"         # on the Kaggle original
    python train.py draft crm.csv --target Status --positive Won -o crm.toml
    python train.py --data crm.csv --columns crm.toml --output models/crm
    python train.py evaluate --model models/crm/lead_conversion.onnx --data outcomes.csv
    python train.py --threshold cost --cost-call 5 --value-conversion 100
    python train.py --threshold capacity --calls-per-100 20

Leads are ordered by their clock: the column that tells when they came in. Everything is chosen on the
oldest 80 %, by cross-validation that keeps identical leads together; the newest 20 % are scored once, at
the end. What is published is then fitted on all leads by the same recipe. The output folder gets new
files only after the ONNX graph has been proved equal to the pipeline, and only if the new model is not
worse than the best one published there, on the same newest leads.

Exit code 0: trained. 1: an error. 3: refused, with the reasons. 130: interrupted. After anything but 0
the model in the output folder is as it was. Trees too large to be compiled into exact reasons are
refused; their pipeline is kept there as too_large.joblib, for export_onnx.py --plain.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from leadscore.training import cells
from leadscore.training.draft import command as draft
from leadscore.training.exits import exit_code
from leadscore.training.options import add_options, chosen
from leadscore.training.outcomes import command as evaluate
from leadscore.training.progress import STEPS, progress

ROOT: Final = Path(__file__).resolve().parent
COMMANDS: Final = {"draft": draft.main, "evaluate": evaluate.main}


def main(argv: Sequence[str] | None = None) -> int:
    """Train, publish and report, or run a sub-command; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:])
    options = _options(arguments)
    interrupted = f"Interrupted: {options.output} is as it was."
    return exit_code(lambda: train(options), "Not trained.", interrupted, options.columns)


def train(options: argparse.Namespace) -> int:
    """Check the options, train and report; returns 0."""
    rule, dictionary = chosen(options)
    cells.content(options.data)  # a wrong path is told before the libraries are loaded
    with progress(Console(stderr=True, highlight=False), STEPS) as step:
        # Here and not above: they load scikit-learn and the like, and `--help` does not need seconds.
        from leadscore.training import dataset, run, summary  # noqa: PLC0415

        step(f"reading {options.data.name}")
        leads = dataset.load(options.data, dictionary, True, options.decimal, options.sheet)
        metrics = run.run(leads, options, rule, dictionary, step)
    summary.summarise(metrics, options.output)
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        default=ROOT / "data" / "leads.csv",
        help="past leads: a CSV or a workbook",
    )
    parser.add_argument("--sheet", help="of a workbook (the first visible one with cells)")
    add_options(parser, ROOT)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
