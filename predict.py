"""Serve the lead-conversion model over HTTP.

    python predict.py                          # http://127.0.0.1:8000, documentation at /docs
    python predict.py --port 9000 --workers 4 --model models/lead_conversion.onnx
    uvicorn predict:app
    gunicorn -k uvicorn_worker.UvicornWorker predict:app

Every option is also an environment variable, LEADSCORE_PORT and so on.
"""

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from leadscore.scorer import ModelError, Scorer
from leadscore.serving.app import create_app
from leadscore.serving.settings import Settings, SettingsError, variable

# The exit code by which gunicorn knows that starting another worker will not help.
CANNOT_START = 3


def __getattr__(name: str) -> FastAPI:
    """`predict:app` for uvicorn and gunicorn, made when they ask for it: --help needs no model."""
    if name == "app":
        return application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def application() -> FastAPI:
    """The service for the model and settings the environment names; exits when they cannot be used."""
    try:
        settings = Settings.from_environment(os.environ)
        return create_app(Scorer(settings.model), settings)
    except (ModelError, SettingsError) as error:
        print(f"Not started: {error}", file=sys.stderr)
        raise SystemExit(CANNOT_START) from None


def main() -> None:
    """Read the options, then serve."""
    _options_to_environment()
    app = application()
    settings = Settings.from_environment(os.environ)
    uvicorn.run(
        app if settings.workers == 1 else "predict:app",
        app_dir=str(Path(__file__).parent),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
    )


def _options_to_environment() -> None:
    """Worker processes read the environment, so that is where options go."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve")
    for entry in fields(Settings):
        option = f"--{entry.name.replace('_', '-')}"
        parser.add_argument(option, dest=entry.name, help=f"default: {entry.default}")
    options = vars(parser.parse_args())
    for entry in fields(Settings):
        if (value := options[entry.name]) is not None:
            os.environ[variable(entry.name)] = value


if __name__ == "__main__":
    main()
