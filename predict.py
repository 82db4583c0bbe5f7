"""Serve the lead-conversion model over HTTP, score a file, or explain one lead in the terminal.

    python predict.py                          # http://127.0.0.1:8000, documentation at /docs
    python predict.py --port 9000 --workers 4 --model models/lead_conversion.onnx
    python predict.py score leads.csv -o scored.csv --sort
    cat leads.csv | python predict.py score - --top 50 --reasons 1
    python predict.py explain lead.json        # or - for standard input
    uvicorn predict:app
    gunicorn -k uvicorn_worker.UvicornWorker predict:app

Every option is also an environment variable, LEADSCORE_PORT and so on.
"""

import argparse
import json
import logging
import multiprocessing
import os
import sys
from dataclasses import fields
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from leadscore.columns import ColumnError, LeadError
from leadscore.scorer import ModelError, Scorer
from leadscore.serving import logs, workers
from leadscore.serving.answers import Answers
from leadscore.serving.app import create_service
from leadscore.serving.job import Job, command
from leadscore.serving.keys import Keys
from leadscore.serving.leads import Reader
from leadscore.serving.limits import impatient
from leadscore.serving.schema import Prediction
from leadscore.serving.settings import Settings, SettingsError, variable

# The exit code by which gunicorn knows that starting another worker will not help.
CANNOT_START = 3

BAR = 24  # characters of the longest bar of `explain`


def __getattr__(name: str) -> ASGIApp:
    """`predict:app` for uvicorn and gunicorn, made when they ask for it: --help needs no model."""
    if name == "app":
        logs.install()
        return _service(*_loaded())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Read the options, then serve or explain."""
    arguments = _arguments()
    scorer, settings = _loaded()
    if arguments.command == "explain":
        explain(scorer, settings, arguments.lead)
    elif arguments.command == "score":
        job = {entry.name: getattr(arguments, entry.name) for entry in fields(Job)}
        command(Job(**job), scorer, settings)
    else:
        serve(scorer, settings)


def serve(scorer: Scorer, settings: Settings) -> None:
    """Serve until told to stop."""
    logs.install()
    # Made here even if worker processes make their own: what is wrong is said once, before they start.
    service = _service(scorer, settings)
    config = uvicorn.Config(
        service if settings.workers == 1 else "predict:app",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=impatient(settings.timeout),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_timeout,
        timeout_worker_healthcheck=workers.START_SECONDS,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run()
    else:
        workers.run(config)


def _service(scorer: Scorer, settings: Settings) -> ASGIApp:
    keys = Keys(settings)
    if not keys and not multiprocessing.parent_process():
        logging.getLogger("leadscore").warning(
            "NO API KEYS: everyone who reaches this service may use it. Set %s or %s.",
            variable("api_keys"),
            variable("api_keys_file"),
        )
    return create_service(scorer, settings, keys)


def explain(scorer: Scorer, settings: Settings, source: str) -> None:
    """Print one lead's score and what every column adds to it."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        lead = Reader(scorer.card.dictionary, settings.max_text).one(json.loads(text))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ColumnError, LeadError) as error:
        sys.exit(f"{source}: {error}")
    columns = len(scorer.card.dictionary.features)
    (answer,) = Answers(scorer).predict(lead, reasons=columns)
    print("\n".join(chart(answer, scorer.card.threshold.value)))


def chart(answer: Prediction, threshold: float) -> list[str]:
    """The lines of a signed bar chart of a lead's reasons."""
    verdict = "converts" if answer.converts else "does not convert"
    lines = [
        f"{answer.probability:.1%}, grade {answer.grade}: {verdict} (threshold {threshold:.1%})",
        "",
        f"{'lowers':>{BAR}} │ raises   log-odds",
    ]
    largest = max((abs(reason.effect) for reason in answer.reasons), default=0) or 1
    for reason in answer.reasons:
        bar = "█" * round(BAR * abs(reason.effect) / largest)
        left, right = ("", bar) if reason.effect > 0 else (bar, "")
        lines.append(f"{left:>{BAR}} │ {right:<{BAR}} {reason.effect:+.2f}  {reason.text}")
    return [*lines, *(f"! {caution.text}" for caution in answer.warnings)]


def _loaded() -> tuple[Scorer, Settings]:
    """The model and settings the environment names; exits with the reason when they cannot be used."""
    try:
        settings = Settings.from_environment(os.environ)
        return Scorer(settings.model), settings
    except (ModelError, SettingsError) as error:
        print(f"Not started: {error}", file=sys.stderr)
        raise SystemExit(CANNOT_START) from None


def _arguments() -> argparse.Namespace:
    """Read the command line. Settings go to the environment, which is where worker processes look."""
    # Suppressed defaults: a subcommand's would overwrite what was given before it.
    settings = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for entry in fields(Settings):
        if not entry.repr:  # a secret, which everyone could read in the list of processes
            continue
        option = f"--{entry.name.replace('_', '-')}"
        settings.add_argument(option, dest=variable(entry.name), help=f"default: {entry.default}")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, parents=[settings]
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", parents=[settings], help="serve over HTTP (the default)")
    explaining = commands.add_parser("explain", parents=[settings], help="explain one lead")
    explaining.add_argument("lead", help="a JSON file with one lead, or - for standard input")
    _add_score(commands.add_parser("score", parents=[settings], help="score a CSV or Parquet file"))
    arguments = parser.parse_args()
    for name, value in vars(arguments).items():
        if name.isupper():
            os.environ[name] = value
    return arguments


def _add_score(parser: argparse.ArgumentParser) -> None:
    """The options of `score`: one for each field of a Job."""
    parser.add_argument("source", metavar="leads", help="a CSV or Parquet file, or - for standard input")
    parser.add_argument(
        "-o", "--output", dest="target", default="-", help="default: - for standard output"
    )
    parser.add_argument("--reasons", type=_count, default=3, help="columns of reasons (%(default)s)")
    parser.add_argument("--top", type=_count, help="only the best so many leads, ranked")
    parser.add_argument("--sort", dest="ranked", action="store_true", help="all leads, the best first")


def _count(text: str) -> int:
    """A whole number from 0 on, as argparse reads an option."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 0 on")
    return int(text)


if __name__ == "__main__":
    main()
