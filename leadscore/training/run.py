"""A training: leads in, one verified ONNX file and all that is said of it out."""

import argparse
import io
import json
from functools import partial
from typing import Any, Final

import joblib
from sklearn.pipeline import Pipeline

from leadscore.card import MODEL
from leadscore.dictionary import Dictionary
from leadscore.files import replace_files
from leadscore.scorer import Scorer
from leadscore.training import alarms, claims, dataset, gate, models, recipe, record, report
from leadscore.training.dataset import Dataset
from leadscore.training.decision import Rule
from leadscore.training.errors import RefusedError
from leadscore.training.evaluation.folds import Fit, at_once, fit_here
from leadscore.training.onnx.model_file import export
from leadscore.training.onnx.shap_table import ShapleyError
from leadscore.training.plots import pictures
from leadscore.training.plots.evidence import Evidence
from leadscore.training.progress import Step

TOO_LARGE: Final = "too_large.joblib"


def run(
    leads: Dataset,
    options: argparse.Namespace,
    rule: Rule,
    dictionary: Dictionary,
    step: Step,
    fit: Fit = fit_here,
) -> dict[str, Any]:
    """Compare, export and publish; returns what metrics.json holds.

    `leads`: with the columns that `dictionary` excludes, too. `options`: see `options.add_options`.
    `fit`: fits the served model, if it is not to be fitted on these leads alone.

    Raises RefusedError for a model that must not be published.
    """
    seed = options.seed
    chosen = leads.narrow(dictionary.known_at(options.known))

    comparison = recipe.compare_all(chosen, seed, rule, step)

    step("fitting on all leads")
    if comparison.leads is chosen and fit is fit_here:
        served: recipe.Evaluated = comparison.served
    else:
        served = recipe.evaluate(chosen, models.SERVED, seed, rule, fit)
    published = served if options.no_refit else recipe.refit(chosen, seed, rule, fit)

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


def _dumped(pipeline: Pipeline) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer)
    return buffer.getvalue()
