"""models/CARD.md: the model card for people, after Mitchell et al. 2019 (doi:10.1145/3287560.3287596)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leadscore.card import MODEL, Card
from leadscore.columns import Known
from leadscore.training.evaluation import SIGMOID_GAIN
from leadscore.training.figures import importance

_WHEN: Final[dict[Known, str]] = {
    "capture": "captured",
    "engaged": "engaged",
    "contacted": "contacted",
}
_COMPARED: Final = ("roc_auc", "average_precision", "log_loss", "brier", "f1", "lift_at_10%")
_SLICED: Final = ("roc_auc", "log_loss", "ece", "precision", "recall")


def splits_explained(metrics: Mapping[str, Any]) -> str:
    """Why a model's figures differ between the split by time and one at random, in a few sentences."""
    served = metrics["models"][metrics["served"]]
    by_time, at_random = served["newest"]["roc_auc"], served["at_random"]["roc_auc"]
    seen = {split: f"{share:.0%}" for split, share in metrics["seen_before"].items()}
    harder = "easier" if by_time > at_random else "harder"
    text = (
        f"By time the model reaches ROC-AUC {by_time:.3f}, at random {at_random:.3f}: the newest leads are "
        f"{harder} to tell apart than leads of all times. Only the split by time asks what a user asks, "
        "how the leads of tomorrow are ranked; a random one also lets the model learn from leads newer "
        f"than those it is tested on ({seen['at_random']} of its test leads equal a training lead, "
        f"{seen['by_time']} by time)."
    )
    flattered = [
        f"“{name}” {level['at_random']['roc_auc']:.3f} instead of {level['by_time']['roc_auc']:.3f}"
        for name, level in metrics["ablation"].items()
        if round(level["at_random"]["roc_auc"] - level["by_time"]["roc_auc"], 3)
        > max(0.0, round(at_random - by_time, 3))
    ]
    if flattered:
        text += f" It flatters columns whose values change with time: {', '.join(flattered)}."
    return text


def card_text(
    card: Card, metrics: Mapping[str, Any], contributions: NDArray[np.float64], model: bytes
) -> str:
    """The text of CARD.md, with Hugging Face front matter; `model` is the ONNX file's content and
    `contributions`, shape (newest leads, features), are those of the leads it was tested on.
    """
    data, newest = metrics["data"], metrics["models"][metrics["served"]]["newest"]
    target = card.dictionary.target.source
    hashes = [
        (f"`{MODEL}.onnx`", f"{len(model):,} bytes", hashlib.sha256(model).hexdigest()),
        (data["file"], f"{data['leads']:,} leads", data["sha256"]),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return f"""{_front_matter(card, newest)}
# {MODEL}, version {card.version}

Written by train.py; do not edit.

## Model details

Boosted trees (XGBoost) on raw columns, with exact SHAP values of every score, compiled into one ONNX file that
carries this card as JSON. Input: {len(card.dictionary.features)} columns, each optional. Output: the probability of
“{target}” and each column's contribution in log-odds.
MIT licence. Made with {versions}.

{_table(("file", "size", "sha256"), hashes)}

## Intended use

Ranks new leads by their probability of “{target}”, from what is known when they are {_WHEN[card.known]}: for deciding
whom to call first, and for planning how many calls are worth it.

Not for: deciding about a person's price, credit, access or rights; judging the work of a salesperson; leads of
another business, on which it has to be trained anew. A low score is no reason never to call: it says how leads like
this one fared, with the calls that were made, and not whom a call would win over.

## Factors

Figures are broken down by where a lead comes from, since channels convert differently and change their share; the
data hold no age, sex or origin of a person. Country and city are in the data and may stand in for such traits.

{_table(("newest leads", "leads", *map(_title, _SLICED)), _slices(metrics))}

## Metrics

ROC-AUC and average precision: how well leads are ranked. Log loss, Brier score and ECE (calibration error): how far
a probability can be taken at its word. Precision, recall and F1 at the threshold. Lift: conversion among the
best-scored leads over that of all. Intervals: 95 %, by bootstrap over the newest leads; they cover chance, not a
change of the business.

## Training and evaluation data

{data["leads"]:,} leads of {data["file"]}, {data["conversion_rate"]:.1%} converted. Fitted on the oldest \
{data["trained_on"]:,}; tested on the newest {data["tested_on"]:,},
of which {metrics["seen_before"]["by_time"]:.1%} equal a training lead in every column used.
Limits: one company, one export without dates (time is only the order of leads); who was called, and when, is not
recorded, so a score mirrors past work as well as past interest.

Why a column is used or refused is quoted from the data dictionary; figures in it are those of the leads it was
written for.

{_table(("used", "mean size (log-odds)", "why"), _used(card, contributions))}

{_table(("refused", "why"), [(c.source, c.why) for c in card.dictionary.excluded])}

## Quantitative analyses

{_table(("figure", "newest leads", "95 % interval"), _measured(metrics, newest))}

![ROC](figures/roc.png) ![Precision and recall](figures/precision_recall.png)

![Cumulative gains and lift](figures/gains.png)

### Against other models

{_table(("model, newest leads", *map(_title, _COMPARED)), _models(metrics, "newest"))}

{_table(("model, leads at random", *map(_title, _COMPARED)), _models(metrics, "at_random"))}

### Columns and time

{_table(("columns known when", "ROC-AUC by time", "at random", "log loss by time", "at random "), _ablation(metrics))}

{splits_explained(metrics)}

![Conversion over time](figures/drift.png)

### Calibration

{_calibration(metrics)}

![Reliability](figures/reliability.png)

### Threshold and grades

{_threshold(card)}

![What a threshold leads to](figures/threshold.png)

{_table(("grade", "from", "share of the newest leads", "converted"), _grades(card))}

### Reasons

Every score is the sum of its columns' exact SHAP values and a base of {card.base:.3f} log-odds.

![What moves the score](figures/shap_summary.png)

![What a value adds to the log-odds](figures/dependence.png)

### Parity

The graph was compared with the fitted pipeline on {card.parity["leads"]:,} leads and on \
{card.parity["adversarial_leads"]:,} made to break it.
Probabilities differ by at most {card.parity["largest_difference"]:.1e}, contributions by at most \
{card.parity["largest_contribution_difference"]:.1e}; {card.parity["flipped_decisions"]} decisions flip.

## Ethical considerations

Who gets a low score gets fewer calls, and so fewer chances to convert: trained on its own effects, a model confirms
itself. Call a random share of low-scored leads to keep the data honest. Lead data are personal data: the service
keeps none of them, and this file holds distributions, not leads.

## Caveats and recommendations

Watch the drift figures of the service and train anew when the mix of leads changes; the gate in train.py refuses a
model that is worse than the published one. A level the training leads did not have counts as the commonest one, with
a warning in the answer.
"""


def _front_matter(card: Card, newest: Mapping[str, float]) -> str:
    """YAML for Hugging Face: https://huggingface.co/docs/hub/model-cards#model-card-metadata."""
    metrics = "".join(
        f"\n    - type: {name}\n      value: {newest[name]}"
        for name in ("roc_auc", "average_precision", "log_loss", "f1")
    )
    return f"""---
license: mit
library_name: onnx
pipeline_tag: tabular-classification
tags: [lead-scoring, onnx, xgboost, shap, tabular]
model-index:
- name: {MODEL}
  results:
  - task:
      type: tabular-classification
    dataset:
      name: {card.data["file"]}, newest {card.data["tested_on"]} leads
      type: tabular
    metrics:{metrics}
---
"""


def _measured(metrics: Mapping[str, Any], newest: Mapping[str, float]) -> list[tuple[str, ...]]:
    intervals = metrics["intervals"]
    return [
        (_title(name), f"{value:.3f}", " to ".join(f"{x:.3f}" for x in intervals.get(name, ())))
        for name, value in newest.items()
    ]


def _used(card: Card, contributions: NDArray[np.float64]) -> list[tuple[str, ...]]:
    columns, sizes = card.dictionary.features, importance(contributions)
    return [(columns[i].source, f"{sizes[i]:.3f}", columns[i].why) for i in np.argsort(-sizes)]


def _slices(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    everyone = metrics["models"][metrics["served"]]["newest"]
    rows = {"all": {"leads": metrics["data"]["tested_on"], **everyone}, **metrics["slices"]}
    return [(name, f"{row['leads']:,}", *_three_digits(row, _SLICED)) for name, row in rows.items()]


def _models(metrics: Mapping[str, Any], split: str) -> list[tuple[str, ...]]:
    return [
        (name.replace("_", " "), *_three_digits(model[split], _COMPARED))
        for name, model in metrics["models"].items()
    ]


def _ablation(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, *(f"{level[split][key]:.3f}" for key in ("roc_auc", "log_loss") for split in _SPLITS))
        for name, level in metrics["ablation"].items()
    ]


_SPLITS: Final = ("by_time", "at_random")


def _calibration(metrics: Mapping[str, Any]) -> str:
    calibration = metrics["calibration"]
    before, after = calibration["before"], calibration["after"]
    return (
        f"{calibration['method'].capitalize()}: a sigmoid is taken if it lowers out-of-fold log loss by "
        f"{SIGMOID_GAIN:g}.\n"
        f"Without it: log loss {before['log_loss']:.4f}, calibration error {before['ece']:.4f}. "
        f"With it: {after['log_loss']:.4f} and {after['ece']:.4f}."
    )


def _threshold(card: Card) -> str:
    threshold, expected = card.threshold, card.threshold.expected
    return (
        f"Rule: {threshold.rule}. A lead counts as converting from {threshold.value:.3f} on. Out of fold, "
        f"per 100 leads:\n{expected['calls']:.1f} calls, {expected['conversions']:.1f} conversions among "
        f"them, precision {expected['precision']:.3f}, recall {expected['recall']:.3f}."
    )


def _grades(card: Card) -> list[tuple[str, ...]]:
    return [
        (
            *(g.grade, f"{g.at_least:.2f}", f"{g.share:.1%}"),
            "none got it" if g.conversion_rate is None else f"{g.conversion_rate:.1%}",
        )
        for g in card.grades
    ]


def _three_digits(figures: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [f"{figures[name]:.3f}" for name in names]


def _title(figure: str) -> str:
    words = figure.replace("_at_", " ").replace("_", " ")
    return {"roc auc": "ROC-AUC", "ece": "ECE", "brier": "Brier"}.get(words, words)


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
