"""Train the lead-conversion model: historical leads in, one verified ONNX file out.

    python train.py                                   # on data/leads.csv, the twin that is shipped
    python train.py --data "Lead Scoring.csv"         # on the Kaggle original
    python train.py --data crm.csv --columns crm.toml --output models/crm
    python train.py --threshold cost --cost-call 5 --value-conversion 100
    python train.py --threshold capacity --calls-per-100 20

Leads are ordered by their clock. Everything is chosen on the oldest 80 %, by cross-validation that keeps
identical leads together; the newest 20 % are scored once, at the end. The output folder gets new files
only after the ONNX graph has been proved equal to the pipeline, and only if the new model is not worse
than the one that is there, on the same newest leads.

Exit code 0: trained. 1: an error. 3: refused, with the reasons. 130: interrupted. After anything but 0
the output folder is as it was.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Final, get_args

import joblib
import numpy as np
import xgboost
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sklearn.pipeline import Pipeline

import export_onnx
from leadscore.card import MODEL, Card, Threshold
from leadscore.columns import Dictionary, DictionaryError, Known
from leadscore.scorer import ModelError, Scorer
from leadscore.training import decision, evaluation, figures, gate, reference, report
from leadscore.training.dataset import DataError, Dataset, inputs, load, row_groups
from leadscore.training.decision import Rule, RuleError, RuleName
from leadscore.training.evaluation import Calibration, Figures, Probability
from leadscore.training.files import replace_files
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.parity import ParityError
from leadscore.training.shapley import ShapleyError

ROOT: Final = Path(__file__).resolve().parent
MOMENTS: Final = get_args(Known)
DEFAULT_RULE: Final = Rule()
REFUSED: Final = 3  # exit code

Step = Callable[[str], None]
"""Shows what is being done now."""


class RefusedError(RuntimeError):
    """The new model must not replace the published one; the message says why, a reason to a line."""


@dataclass(frozen=True)
class Fitted:
    """A model fitted on the oldest leads, and its figures on leads it was not fitted to.

    `out_of_fold`, shape (oldest leads,): the probabilities its threshold was chosen on.
    """

    pipeline: Pipeline
    calibration: Calibration | None
    threshold: Threshold
    out_of_fold: Probability
    cross_validated: Figures
    newest: Figures
    at_random: Figures

    def to_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "threshold": self.threshold.value,
            "cross_validated": self.cross_validated,
            "newest": self.newest,
            "at_random": self.at_random,
        }


def main() -> int:
    """Train, publish and report; returns the exit code."""
    arguments = _arguments()
    console = Console(stderr=True, highlight=False)
    try:
        with _progress(console) as step:
            metrics = run(arguments, step)
    except (ParityError, RefusedError) as error:
        console.print(f"[bold red]Not published:[/] {escape(str(error))}", soft_wrap=True)
        return REFUSED
    except (DataError, DictionaryError, RuleError, ShapleyError, OSError) as error:
        console.print(f"[bold red]Not trained.[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print(f"Interrupted: {arguments.output} is as it was.")
        return 130
    summarise(metrics, arguments.output)
    return 0


def run(arguments: argparse.Namespace, step: Step) -> dict[str, Any]:
    """Read, train, export and publish; returns what metrics.json holds."""
    rule = _rule(arguments)
    step(f"reading {arguments.data.name}")
    dictionary = Dictionary.load(arguments.columns)
    leads = load(arguments.data, dictionary.everything())
    used = dictionary.known_at(arguments.known)
    chosen, seed = leads.narrow(used), arguments.seed

    models = {}
    for name in CANDIDATES:
        step(f"comparing models: {name}")
        models[name] = fit(chosen, name, seed, rule)
    served = models[SERVED]

    step("bootstrap intervals of the final figures")
    features, target = chosen.newest()
    probability = evaluation.probability(served.pipeline, features)
    intervals = evaluation.intervals(target, probability, served.threshold.value, seed)
    grades = decision.grades(target, probability)

    metrics: dict[str, Any] = {
        "data": _described(leads),
        "known": arguments.known,
        "seed": seed,
        "features": [column.name for column in used.features],
        "served": SERVED,
        "models": {name: model.to_dict() for name, model in models.items()},
        "intervals": intervals,
        "threshold": vars(served.threshold),
        "grades": [vars(grade) for grade in grades],
        "calibration": vars(served.calibration),
        "reliability": evaluation.reliability(target, probability),
        "gains": evaluation.gains(target, probability),
        "slices": slices(chosen, probability, served.threshold.value),
        "seen_before": {"by_time": _seen(chosen), "at_random": _seen(chosen.shuffled(seed))},
        "ablation": ablation(leads, dictionary, rule, seed, step),
    }

    step("exporting to ONNX and proving parity")
    draft = Card(
        name=MODEL,
        version="",
        known=arguments.known,
        dictionary=used,
        reference=reference.distributions(chosen.oldest()[0], used),
        base=0.0,
        calibration={key: metrics["calibration"][key] for key in ("method", "slope", "intercept")},
        threshold=served.threshold,
        grades=grades,
        metrics={
            "newest": served.newest,
            **{key: metrics[key] for key in ("intervals", "reliability", "gains")},
        },
        data=metrics["data"],
        parity={},
        versions=_versions(),
        golden=(),
    )
    served.pipeline.card_ = draft
    model, card = export_onnx.export(served.pipeline, draft, chosen.features)
    metrics |= {"parity": card.parity, "model_version": card.version, "versions": card.versions}

    step("comparing with the published model")
    if not arguments.force:
        compare(arguments.output / f"{MODEL}.onnx", card.version, leads, probability, seed)

    step("drawing and writing")
    _, contributions = Scorer(model).run(inputs(features, used))
    evidence = figures.Evidence(chosen, served.threshold, served.out_of_fold, probability, contributions)
    replace_files(
        arguments.output,
        {
            f"{MODEL}.onnx": model,
            "metrics.json": (json.dumps(metrics, indent=1) + "\n").encode(),
            "pipeline.joblib": _dumped(served.pipeline),
            "CARD.md": report.card_text(card, metrics, contributions, model).encode(),
            **figures.draw(evidence),
        },
    )
    return metrics


def compare(
    published: Path, model_version: str, leads: Dataset, probability: Probability, seed: int
) -> None:
    """Raise RefusedError if the published model is better than the new one, which has this version and
    gives the newest leads these probabilities. The same model is not; a file that is not there or that
    no service could load is no competitor.
    """
    try:
        scorer = Scorer(published)
    except ModelError:
        return
    if scorer.card.version == model_version:
        return
    if found := gate.objections(scorer, leads, probability, seed):
        lines = "".join(f"\n- {text}" for text in found)
        raise RefusedError(
            f"the new model is worse than {published}, version {scorer.card.version}:{lines}\n"
            "Both scored the same newest leads. Use --force to replace it all the same, or --output for "
            "another folder."
        )


def fit(leads: Dataset, name: str, seed: int, rule: Rule = DEFAULT_RULE) -> Fitted:
    """Fit one model on the oldest leads, and score the newest once.

    Its threshold, and the served model's calibration, are chosen on probabilities out of fold.
    """
    model = CANDIDATES[name](leads.dictionary.features, seed)
    features, target = leads.oldest()
    scores = evaluation.out_of_fold(model, features, target, seed)
    model.fit(features, target)
    calibration = None
    if name == SERVED:
        calibration, scores = evaluation.calibrate(target, scores)
        model["model"].slope, model["model"].intercept = calibration.slope, calibration.intercept
    threshold = decision.choose(rule, target, scores)
    cross_validated = evaluation.measure(target, scores, threshold.value)
    features, target = leads.newest()
    newest = evaluation.measure(target, evaluation.probability(model, features), threshold.value)
    at_random = _at_random(leads.shuffled(seed), name, seed, threshold.value)
    return Fitted(model, calibration, threshold, scores, cross_validated, newest, at_random)


def _at_random(shuffled: Dataset, name: str, seed: int, threshold: float) -> Figures:
    """What the same model would claim if leads were split without regard to time."""
    model = CANDIDATES[name](shuffled.dictionary.features, seed).fit(*shuffled.oldest())
    features, target = shuffled.newest()
    return evaluation.measure(target, evaluation.probability(model, features), threshold)


def slices(leads: Dataset, probability: Probability, threshold: float) -> dict[str, Any]:
    """Figures on parts of the newest leads: without the levels that the dictionary sets apart, without
    leads that equal one the model was fitted to, and with each common level it slices by.
    """
    features, target = leads.newest()
    parts = {
        f"without {column.source} = {level}": (features[column.name] != level).to_numpy()
        for column in leads.dictionary.features
        for level in column.set_apart
    }
    parts["without leads seen in training"] = ~np.isin(
        row_groups(features), row_groups(leads.oldest()[0])
    )
    parts |= gate.slices(leads)
    return {
        name: {
            "leads": int(rows.sum()),
            **evaluation.measure(target[rows], probability[rows], threshold),
        }
        for name, rows in parts.items()
        if 0 < target[rows].sum() < rows.sum()
    }


def ablation(
    leads: Dataset, dictionary: Dictionary, rule: Rule, seed: int, step: Step
) -> dict[str, Any]:
    """What the served model would claim with ever later columns, split by time and at random."""
    found = {}
    levels = {moment: dictionary.known_at(moment) for moment in MOMENTS}
    for name, used in {**levels, "everything": dictionary.everything()}.items():
        step(f"ablation: columns known when {name}" if name in MOMENTS else "ablation: all columns")
        fitted = fit(leads.narrow(used), SERVED, seed, rule)
        found[name] = {
            "features": len(used.features),
            "by_time": fitted.newest,
            "at_random": fitted.at_random,
        }
    return found


def _seen(leads: Dataset) -> float:
    """The share of test leads that equal a training lead in every feature."""
    (oldest, _), (newest, _) = leads.oldest(), leads.newest()
    return round(float(np.isin(row_groups(newest), row_groups(oldest)).mean()), 4)


def summarise(metrics: Mapping[str, Any], output: Path) -> None:
    """Print what a reader wants to know first, and what to run next."""
    console = Console(highlight=False)
    columns = ("roc_auc", "log_loss", "precision", "recall", "f1", "lift_at_10%")
    data = metrics["data"]
    rows = {name: model["newest"] for name, model in metrics["models"].items()}
    console.print(_table(f"The newest {data['tested_on']:,} leads", "model", columns, rows))
    rows = {name: model["at_random"] for name, model in metrics["models"].items()}
    title = f"{data['tested_on']:,} leads drawn at random instead"
    console.print(_table(title, "model", columns, rows))
    console.print(report.splits_explained(metrics), soft_wrap=True, end="\n\n")
    rows = {
        f"{name}, {split.replace('_', ' ')}": level[split]
        for name, level in metrics["ablation"].items()
        for split in ("by_time", "at_random")
    }
    title = f"{metrics['served']} with the columns known when ..., split ..."
    console.print(_table(title, "columns, split", columns, rows))
    low, high = metrics["intervals"]["roc_auc"]
    served = metrics["models"][metrics["served"]]
    console.print(
        f"Served: {metrics['served']}, version {metrics['model_version']}. "
        f"ROC-AUC {served['newest']['roc_auc']:.3f} (95 %: {low:.3f} to {high:.3f}), "
        f"threshold {served['threshold']:.3f} ({metrics['threshold']['rule']}).\n"
        f"ONNX differs by at most {metrics['parity']['largest_difference']:.0e}.\n"
        f"Written to {escape(str(output))}/. "
        f"Next: [bold]python predict.py --model {escape(str(output / MODEL))}.onnx[/]",
        soft_wrap=True,
    )


def _table(
    title: str, first: str, columns: tuple[str, ...], rows: Mapping[str, Mapping[str, float]]
) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column.replace("_at_", " ").replace("_", " "), justify="right", no_wrap=True)
    for name, row in rows.items():
        table.add_row(name.replace("_", " "), *(f"{row[column]:.3f}" for column in columns))
    return table


def _described(leads: Dataset) -> dict[str, Any]:
    return {
        "file": leads.file,
        "sha256": leads.sha256,
        "leads": len(leads),
        "conversion_rate": round(float(leads.target.mean()), 4),
        "trained_on": len(leads.oldest()[1]),
        "tested_on": len(leads.newest()[1]),
    }


def _versions() -> dict[str, str]:
    """What decides the model's bytes beside data and seed."""
    names = ("numpy", "onnx", "onnxruntime", "scikit-learn")
    installed = {name: version(name) for name in names}
    return {"python": python_version(), "xgboost": xgboost.__version__, **installed}


def _dumped(pipeline: Pipeline) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer)
    return buffer.getvalue()


def _rule(arguments: argparse.Namespace) -> Rule:
    return Rule(
        arguments.threshold,
        arguments.cost_call,
        arguments.value_conversion,
        arguments.calls_per_100,
    )


@contextmanager
def _progress(console: Console) -> Iterator[Step]:
    """A progress bar, as the function that advances it."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=len(CANDIDATES) + len(MOMENTS) + 6)
        yield lambda text: bar.update(task, description=text, advance=1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default=ROOT / "data" / "leads.csv", help="historical leads, a CSV")
    add("--columns", type=Path, default=ROOT / "data" / "columns.toml", help="its data dictionary")
    add("--known", choices=MOMENTS, default=MOMENTS[0], help="use columns known by then (capture)")
    add("--output", type=Path, default=ROOT / "models", help="folder of the files to replace")
    add("--force", action="store_true", help="replace the model there even if it is better")
    add("--threshold", choices=get_args(RuleName), default="f1", help="rule for the threshold (f1)")
    add("--cost-call", type=float, help="with cost: what a call costs")
    add("--value-conversion", type=float, help="with cost: what a conversion is worth")
    add("--calls-per-100", type=float, help="with capacity: calls possible per 100 leads")
    add("--seed", type=int, default=0, help="of folds, models and resamples (0)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
