"""How good the served model is beside other libraries' models: same leads, same columns, same split.

Into the environment that `make` sets up, then run (its pinned versions stay as they are):

    .venv/bin/uv pip install --python .venv/bin/python -c requirements.txt --group quality
    .venv/bin/python -m benchmarks.quality
    .venv/bin/python -m benchmarks.quality --data telco.csv --columns telco.toml --output quality.json

Every model is fitted on the oldest 80 % of leads with the columns known at the dictionary's first
moment, and scores the newest 20 % once. It gets categories and missing values as its library takes them.
Ours is evaluated as train.py does it. What was measured takes its place among the sets of leads in the
output file; `make figures` writes the tables of docs/model.md from benchmarks/quality.json.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Final

import xgboost
from rich.console import Console

from benchmarks import COLUMNS, LEADS
from benchmarks.learners import MODELS, OURS, SEED
from leadscore.dictionary import Dictionary, DictionaryError
from leadscore.files import replace_file
from leadscore.training.cells import DataError
from leadscore.training.dataset import Dataset, inputs, load
from leadscore.training.evaluation.figures import measure
from leadscore.training.evaluation.resampling import differences
from leadscore.training.progress import Step, progress

FIGURES: Final = ("roc_auc", "log_loss")
LIBRARIES: Final = ("catboost", "interpret-core", "lightgbm", "onnxruntime", "pandas", "scikit-learn")


def main() -> int:
    """Fit, measure, print; returns the exit code."""
    options = _options()
    try:
        dictionary = Dictionary.load(options.columns)
        leads = load(options.data, dictionary.known_at(dictionary.moments[0]))
    except (DataError, DictionaryError) as error:
        print(error, file=sys.stderr)
        return 1
    with progress(Console(stderr=True), 2 * len(MODELS)) as step:
        models = compare(leads, step)
    for name, found in models.items():
        print(
            f"{name:22}", *(f"{figure} {found[figure]:.4f}" for figure in FIGURES), found["difference"]
        )
    if options.output:
        _write(options.output, leads, models)
    return 0


def _write(output: Path, leads: Dataset, models: Mapping[str, Any]) -> None:
    """Put the results beside those of other leads."""
    known = json.loads(output.read_text())["sets"] if output.exists() else {}
    libraries = {name: version(name) for name in LIBRARIES}
    found = {
        "sha256": leads.sha256,
        "fitted_on": len(leads.oldest()[1]),
        "tested_on": len(leads.newest()[1]),
        "versions": {"python": python_version(), "xgboost": xgboost.__version__, **libraries},
        "models": models,
    }
    document = {"sets": {**known, leads.file: found}}
    replace_file(output, (json.dumps(document, indent=1) + "\n").encode())


def compare(leads: Dataset, step: Step) -> dict[str, dict[str, Any]]:
    """Model -> its figures, and their differences to ours with a 95 % interval."""
    features, target = leads.newest()
    newest = inputs(features, leads.dictionary)
    probability = {}
    for name, fit in MODELS.items():
        step(f"fitting {name}")
        probability[name] = fit(leads)(newest)
    results = {}
    for name, found in probability.items():
        step(f"bootstrap: {name}")
        figures = measure(target, found, threshold=0.5)
        exceeds = differences(target, found, probability[OURS], SEED)
        results[name] = {
            **{figure: figures[figure] for figure in FIGURES},
            "difference": {
                figure: [round(v, 4) + 0.0 for v in astuple(exceeds[figure])]  # no minus zero
                for figure in FIGURES
            },
        }
    return results


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=LEADS, help="a CSV of leads (%(default)s)")
    parser.add_argument("--columns", type=Path, default=COLUMNS, help="its dictionary (%(default)s)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="add the results to this JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
