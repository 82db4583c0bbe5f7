"""The options of a training, wherever its leads are."""

import argparse
from pathlib import Path
from typing import Any, get_args

from leadscore.dictionary import Dictionary
from leadscore.training.decision import Rule, RuleName
from leadscore.training.errors import TrainingError


def add_options(parser: argparse.ArgumentParser, folder: Path) -> None:
    """Add them to a parser; data dictionary and output are those of a folder."""
    add = parser.add_argument
    file: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    add(
        "--decimal", choices=[".", ","], metavar="MARK", help="of a CSV's numbers, . or , (as they show)"
    )
    add("--columns", **file, default=folder / "data" / "columns.toml", help="its data dictionary")
    add("--known", metavar="MOMENT", help="use the columns known by then (the dictionary's first)")
    add("--output", type=Path, metavar="FOLDER", default=folder / "models", help="what is replaced")
    add("--force", action="store_true", help="publish in spite of alarms, or over a better model")
    add("--threshold", choices=get_args(RuleName), default="f1", help="what it is chosen by (f1)")
    add("--cost-call", **number, help="with cost: what a call costs")
    add("--value-conversion", **number, help="with cost: what a conversion is worth")
    add("--calls-per-100", **number, help="with capacity: calls possible per 100 leads")
    add("--no-refit", action="store_true", help="publish the evaluated model, without the newest leads")
    add("--seed", type=int, default=0, metavar="N", help="of folds, models and resamples (0)")


def chosen(options: argparse.Namespace) -> tuple[Rule, Dictionary]:
    """The rule of the threshold and the data dictionary; `options` get the dictionary's first moment if
    they name none.

    Raises TrainingError or DictionaryError for what cannot be.
    """
    if options.seed < 0:
        raise TrainingError(f"--seed {options.seed}: expected a number of at least 0")
    rule = Rule(options.threshold, options.cost_call, options.value_conversion, options.calls_per_100)
    dictionary = Dictionary.load(options.columns)
    options.known = options.known or dictionary.moments[0]
    dictionary.known_at(options.known)
    return rule, dictionary
