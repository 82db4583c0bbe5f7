"""Serve the lead-conversion model over HTTP, score a file, or explain one lead in the terminal.

    python predict.py                          # http://127.0.0.1:8000, documentation at /docs
    python predict.py --port 9000 --workers 4 --model models/lead_conversion.onnx
    python predict.py score leads.csv -o scored.csv --sort
    cat leads.csv | python predict.py score - --top 50 --reasons 1
    python predict.py changes scored-yesterday.csv leads.csv -o changes.csv
    python predict.py explain lead.json        # or - for standard input
    uvicorn predict:app
    gunicorn -k uvicorn_worker.UvicornWorker predict:app

Where the package is installed, `python -m leadscore` and `leadscore` are the same commands.

Every option of the service is also an environment variable, LEADSCORE_PORT and so on.
"""

import argparse
import os
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from leadscore import __version__
from leadscore.scorer import VERIFYING, ModelError, Scorer
from leadscore.settings import Settings, SettingsError, variable
from leadscore.tables.block import REASONS
from leadscore.tables.changes import command as changes
from leadscore.tables.choice import chosen
from leadscore.tables.coverage import MOST_ABSENT
from leadscore.tables.job import Job, command
from leadscore.tables.outputs import FORMATS, OF_CSV

GROUPS = {
    "model": "the model",
    "address": "where to listen",
    "limits": "limits, of each worker",
    "access": "who may ask",
    "watching": "logs and drift",
}
"""The settings' groups, by the names that `Settings` gives them."""

CANNOT_START = 3
"""The exit code by which gunicorn knows that starting another worker will not help."""


def run(argv: Sequence[str] | None = None) -> None:
    """Read the options, then do what they ask for."""
    # The service's libraries are imported only to serve: `score`, each of its workers too, starts in a
    # third of the time without.
    arguments = _arguments(argv)
    scorer, settings = loaded()
    if arguments.command == "explain":
        from leadscore.tables.explain import explain  # noqa: PLC0415

        explain(scorer, settings, arguments.lead)
    elif arguments.command == "score":
        job = {entry.name: getattr(arguments, entry.name) for entry in fields(Job)}
        job["mapping"] = dict(arguments.mapping or ())
        command(Job(**job), scorer, settings)
    elif arguments.command == "changes":
        lists = {entry.name: getattr(arguments, entry.name) for entry in fields(changes.Lists)}
        lists["mapping"] = dict(arguments.mapping or ())
        changes.command(changes.Lists(**lists), scorer, settings)
    else:
        from leadscore.service.server import serve  # noqa: PLC0415

        try:
            serve(scorer, settings)
        except SettingsError as error:  # of the keys, which only the service has
            _not_started(error)


def loaded() -> tuple[Scorer, Settings]:
    """The model and settings the environment names; exits with the reason when they cannot be used."""
    try:
        settings = Settings.from_environment(os.environ)
        return Scorer(settings.model), settings
    except (ModelError, SettingsError) as error:
        _not_started(error)


def _not_started(error: Exception) -> NoReturn:
    print(f"Not started: {error}", file=sys.stderr, flush=True)
    if any(thread.name == VERIFYING for thread in threading.enumerate()):
        os._exit(CANNOT_START)  # a thread that is still in onnxruntime would make it an abort
    raise SystemExit(CANNOT_START) from None


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line. Settings go to the environment, which is where worker processes look."""
    as_module = Path(sys.argv[0]).name == "__main__.py"
    parser = argparse.ArgumentParser(
        prog="python -m leadscore" if as_module else None,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --api-keys would be one of --api-keys-file
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_settings(parser, *GROUPS)
    commands = parser.add_subparsers(dest="command", metavar="command")
    add = partial(commands.add_parser, allow_abbrev=False)
    _add_settings(add("serve", help="serve over HTTP (the default)"), *GROUPS)
    explaining = add("explain", help="explain one lead")
    explaining.add_argument(
        "lead", type=_path, help="a JSON file with one lead, or - for standard input"
    )
    _add_settings(explaining, "model")
    scoring = add("score", help="score a file of leads")
    _add_score(scoring)
    _add_settings(scoring, "model")
    comparing = add("changes", help="what changed since an earlier list that was scored here")
    comparing.add_argument("earlier", type=_path, help="what `score` wrote, or the page's download")
    comparing.add_argument("today", type=_path, help="today's leads, CSV or .xlsx")
    _add_output(comparing, OF_CSV)
    _add_sheet(comparing, "of today's workbook")
    add_mapping(comparing)
    _add_settings(comparing, "model")
    arguments = parser.parse_args(argv)
    for name, value in vars(arguments).items():
        if name.isupper():
            os.environ[name] = value
    return arguments


def _add_settings(parser: argparse.ArgumentParser, *groups: str) -> None:
    """The settings of some groups, each an environment variable, too."""
    for group in groups:
        place = parser.add_argument_group(GROUPS[group])
        for entry in fields(Settings):
            # A secret could be read by everyone in the list of processes.
            if entry.repr and entry.metadata["group"] == group:
                place.add_argument(
                    f"--{entry.name.replace('_', '-')}",
                    dest=variable(entry.name),
                    # A subcommand's default would overwrite what was given before it.
                    default=argparse.SUPPRESS,
                    metavar=_metavar(entry),
                    help=f"{entry.metadata['about']} ({_shown(entry.default)})".replace("%", "%%"),
                )


def _metavar(entry: Field[Any]) -> str:
    if entry.type is bool:
        return "{0,1}"
    return "N" if entry.type in (int, float) else entry.name.rpartition("_")[2].upper()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Path):
        return f"{value.parent.name}/{value.name}"
    if isinstance(value, tuple):
        value = ", ".join(value)
    return "none" if value in (None, "") else str(value)


def _path(text: str) -> str:
    """A file, as argparse reads an argument; what is somewhere else is refused by name."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text):
        raise argparse.ArgumentTypeError(f"{text} is an address: download it first, and name the file")
    return text


def _add_score(parser: argparse.ArgumentParser) -> None:
    """The options of `score`: one for each field of a Job."""
    parser.add_argument(
        "source",
        metavar="leads",
        type=_path,
        help="CSV (plain, .gz or .zip), .xlsx or .parquet, or - for standard input",
    )
    _add_output(parser, FORMATS)
    _add_sheet(parser, "of a workbook")
    parser.add_argument(
        "--reasons", type=_count, default=REASONS, metavar="N", help="columns of reasons (%(default)s)"
    )
    parser.add_argument(
        "--decimal",
        choices=[".", ","],
        metavar="MARK",
        help="the decimal mark of a CSV, . or , (default: the one it shows)",
    )
    add_mapping(parser)
    parser.add_argument(
        "--columns", type=chosen, default=(), help="columns to hand back, as in score,grade,Phone (all)"
    )
    parser.add_argument("--top", type=_count, metavar="N", help="only the best N leads, ranked")
    parser.add_argument("--sort", dest="ranked", action="store_true", help="all leads, the best first")


def _add_output(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    parser.add_argument(
        "-o",
        "--output",
        dest="target",
        type=_path,
        default="-",
        help=f"a name that ends in {', '.join(formats)} (default: - for standard output, as CSV)",
    )


def _add_sheet(parser: argparse.ArgumentParser, whose: str) -> None:
    parser.add_argument("--sheet", help=f"{whose} (default: the first visible one with cells)")


def add_mapping(parser: argparse.ArgumentParser) -> None:
    """What the columns of a file are, and whether they are enough."""
    parser.add_argument(
        "--map",
        dest="mapping",
        type=_pair,
        action="append",
        metavar="HEADER=COLUMN",
        help="the file's HEADER is the model's COLUMN; may be given again",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help=f"score the file even if it lacks columns worth over {MOST_ABSENT:.0%}% of the model",
    )


def _pair(text: str) -> tuple[str, str]:
    """A header and a column, as argparse reads an option."""
    header, is_pair, column = text.rpartition("=")
    if not is_pair:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected HEADER=COLUMN")
    return header, column


def _count(text: str) -> int:
    """A whole number from 0 on, as argparse reads an option."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 0 on")
    return int(text)
