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
import io
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from rich.console import Console

from leadscore.card import MODEL
from leadscore.dictionary import Dictionary
from leadscore.files import replace_files
from leadscore.training import cells
from leadscore.training.decision import Rule, RuleName
from leadscore.training.draft import command as draft
from leadscore.training.errors import RefusedError
from leadscore.training.exits import exit_code
from leadscore.training.outcomes import command as evaluate
from leadscore.training.progress import Step, progress

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ROOT: Final = Path(__file__).resolve().parent
COMMANDS: Final = {"draft": draft.main, "evaluate": evaluate.main}
TOO_LARGE: Final = "too_large.joblib"
STEPS: Final = 15  # that the progress bar counts: models, ablations, and the rest of `run`


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
    rule = Rule(options.threshold, options.cost_call, options.value_conversion, options.calls_per_100)
    dictionary = Dictionary.load(options.columns)
    options.known = options.known or dictionary.moments[0]
    dictionary.known_at(options.known)
    cells.content(options.data)  # a wrong path is told before the libraries are loaded
    with progress(Console(stderr=True, highlight=False), STEPS) as step:
        metrics = run(options, rule, dictionary, step)
    from leadscore.training.summary import summarise  # noqa: PLC0415  (as in `run`)

    summarise(metrics, options.output)
    return 0


def run(options: argparse.Namespace, rule: Rule, dictionary: Dictionary, step: Step) -> dict[str, Any]:
    """Read, compare, export and publish; returns what metrics.json holds."""
    # Here and not above: they load scikit-learn and the like, and `--help` does not need seconds.
    from leadscore.scorer import Scorer  # noqa: PLC0415
    from leadscore.training import (  # noqa: PLC0415
        alarms,
        claims,
        dataset,
        gate,
        models,
        recipe,
        record,
        report,
    )
    from leadscore.training.evaluation.folds import at_once  # noqa: PLC0415
    from leadscore.training.onnx.model_file import export  # noqa: PLC0415
    from leadscore.training.onnx.shap_table import ShapleyError  # noqa: PLC0415
    from leadscore.training.plots import pictures  # noqa: PLC0415
    from leadscore.training.plots.evidence import Evidence  # noqa: PLC0415

    step(f"reading {options.data.name}")
    leads = dataset.load(options.data, dictionary, options.seed, True, options.decimal, options.sheet)
    seed = options.seed
    chosen = leads.narrow(dictionary.known_at(options.known))

    comparison = recipe.compare_all(chosen, seed, rule, step)

    step("fitting on all leads")
    whole = comparison.leads is chosen
    served = comparison.served if whole else recipe.evaluate(chosen, models.SERVED, seed, rule)
    published = served if options.no_refit else recipe.refit(chosen, seed, rule)

    step("bootstrap intervals of the final figures")
    newest = chosen.newest()[0]
    probability = models.probability(served.pipeline, newest)
    metrics: dict[str, Any] = {
        "known": options.known,
        **record.metrics(chosen, served, comparison, published, probability, seed),
    }
    found = alarms.alarms(chosen, served, comparison, metrics, seed)
    alarms.check(found, options.force)
    metrics["warnings"] = [alarm.text for alarm in found]
    every = leads.spread(recipe.MOST_COMPARED)
    metrics["ablation"] = claims.ablation(every, dictionary, comparison.served, rule, seed, step)

    step("exporting to ONNX and proving parity")
    published.pipeline.card_ = record.draft(chosen, published, probability, metrics)
    evaluated_card = record.draft(chosen, served, probability, metrics)
    try:
        (model, card), (evaluated, evaluated_card) = at_once(
            partial(export, published.pipeline, published.pipeline.card_, chosen.features),
            partial(export, served.pipeline, evaluated_card, newest),
        )
    except ShapleyError as error:
        replace_files(options.output, {TOO_LARGE: _dumped(published.pipeline)})
        saved = options.output / TOO_LARGE
        raise RefusedError(f"{error}: python export_onnx.py {saved} plain.onnx --plain") from None
    metrics |= {"parity": card.parity, "model_version": card.version, "versions": card.versions}

    step("comparing with the published model")
    best = options.force or gate.check(options.output, evaluated_card.version, leads, probability, seed)

    step("drawing and writing")
    _, contributions = Scorer(evaluated).run(dataset.inputs(newest, chosen.dictionary))
    evidence = Evidence(chosen, served.threshold, served.out_of_fold, probability, contributions)
    replace_files(
        options.output,
        {
            f"{MODEL}.onnx": model,
            **({gate.EVALUATED: evaluated} if best else {}),
            "metrics.json": (json.dumps(metrics, indent=1) + "\n").encode(),
            "pipeline.joblib": _dumped(published.pipeline),
            "CARD.md": report.text(card, metrics, contributions, model).encode(),
            **pictures.draw(evidence),
        },
    )
    return metrics


def _dumped(pipeline: "Pipeline") -> bytes:
    import joblib  # noqa: PLC0415  (as in `run`)

    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer)
    return buffer.getvalue()


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    file: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    add("--data", **file, default=ROOT / "data" / "leads.csv", help="past leads: a CSV or a workbook")
    add("--sheet", help="of a workbook (the first visible one with cells)")
    add(
        "--decimal", choices=[".", ","], metavar="MARK", help="of a CSV's numbers, . or , (as they show)"
    )
    add("--columns", **file, default=ROOT / "data" / "columns.toml", help="its data dictionary")
    add("--known", metavar="MOMENT", help="use the columns known by then (the dictionary's first)")
    add("--output", type=Path, metavar="FOLDER", default=ROOT / "models", help="what is replaced")
    add("--force", action="store_true", help="publish in spite of alarms, or over a better model")
    add("--threshold", choices=get_args(RuleName), default="f1", help="what it is chosen by (f1)")
    add("--cost-call", **number, help="with cost: what a call costs")
    add("--value-conversion", **number, help="with cost: what a conversion is worth")
    add("--calls-per-100", **number, help="with capacity: calls possible per 100 leads")
    add("--no-refit", action="store_true", help="publish the evaluated model, without the newest leads")
    add("--seed", type=int, default=0, metavar="N", help="of folds, models and resamples (0)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
