"""models/CARD.md: the model card for people, after Mitchell et al. 2019 (doi:10.1145/3287560.3287596)."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leadscore.card import MODEL, Card
from leadscore.training import claims
from leadscore.training import report_tables as tables

ROLLING: Final = ("ROC-AUC, cross-validation", "rolling", "log loss, cross-validation", "rolling")

_WHEN: Final = {"capture": "captured", "engaged": "engaged", "contacted": "contacted"}


def text(
    card: Card, metrics: Mapping[str, Any], contributions: NDArray[np.float64], model: bytes
) -> str:
    """The text of CARD.md, with Hugging Face front matter; `model` is the ONNX file's content and
    `contributions`, shape (newest leads, features), are those of the leads it was tested on.
    """
    data, newest = metrics["data"], metrics["models"][metrics["served"]]["newest"]
    target, tested = card.dictionary.target.source, claims.tested(metrics)
    timed = data["split"] == "by time"
    hashes = [
        (f"`{MODEL}.onnx`", f"{len(model):,} bytes", hashlib.sha256(model).hexdigest()),
        (data["file"], f"{data['leads']:,} leads", data["sha256"]),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return f"""{_front_matter(card, newest)}
# {MODEL}, version {card.version}

{_opening(card, metrics, newest)}

## How to use it

![Of 1,000 leads](figures/thousand.png)

The picture is of the {tested} leads, at the threshold that the recipe chose without them.

Rank a file, or serve the model to the CRM (`python predict.py --help`):

```bash
python predict.py score leads.csv --model {MODEL}.onnx -o scored.csv --sort
python predict.py --model {MODEL}.onnx
```

{tables.threshold(card)}

![What a threshold leads to](figures/threshold.png)

Grades are cut {card.grade_rule}.

{tables.table(("grade", "from", f"share of the {tested} leads", "converted"), tables.grades(card))}

Not for: deciding about a person's price, credit, access or rights; judging the work of a salesperson; leads of
another business, on which it has to be trained anew. A low score is no reason never to call: it says how leads like
this one fared, with the calls that were made, and not whom a call would win over.

## Warnings

{_warnings(metrics)}

## Metrics

ROC-AUC and average precision: how well leads are ranked. Log loss, Brier score and ECE (calibration error): how far
a probability can be taken at its word; beside ECE stands what chance alone makes of it. Precision, recall and F1 at
the threshold. Lift: conversion among the best-scored leads over that of all. Intervals: 95 %, by bootstrap over
{"blocks in time of " if timed else ""}the {tested} leads; they cover chance, not a change of the business.

{tables.table(("figure", f"{tested} leads", "95 % interval"), tables.measured(metrics, newest))}

![Cumulative gains and lift](figures/gains.png)

### By channel

{_factors(card)}

{tables.table((f"{tested} leads", "leads", *map(tables.title, tables.SLICED)), tables.slices(metrics))}

{_channels(card)}### Calibration

{tables.calibration(metrics)}

![Reliability](figures/reliability.png)

### Reasons

Every score is the sum of its columns' exact SHAP values and a base of {card.base:.3f} log-odds.

![What moves the score](figures/shap_summary.png)

![What a value adds to the log-odds](figures/dependence.png)

### Against other models

{_sampled(metrics)}{tables.table((f"model, {tested} leads", *map(tables.title, tables.COMPARED)), tables.models(metrics, "newest"))}

{_over_time(metrics) if timed else _at_random(metrics)}

## Ethical considerations

Who gets a low score gets fewer calls, and so fewer chances to convert: trained on its own effects, a model confirms
itself. Call a random share of low-scored leads to keep the data honest. Lead data are personal data: the service
keeps none of them, and this file holds distributions, not leads.

## Caveats and recommendations

Watch the drift figures of the service and train anew when the mix of leads changes; the gate in train.py refuses a
model that is worse than the published one. A level the training leads did not have counts as the commonest one, with
a warning in the answer.

## Model details

Boosted trees (XGBoost) on raw columns, with exact SHAP values of every score, compiled into one ONNX file that
carries this card as JSON. Input: {len(card.dictionary.features)} columns, each optional. Output: the probability of
“{target}” and each column's contribution in log-odds.
MIT licence. Made with {versions}. Written by train.py; do not edit.

{tables.table(("file", "size", "sha256"), hashes)}

{tables.parity(card)}

## Training and evaluation data

{data["leads"]:,} leads of {data["file"]}, {data["conversion_rate"]:.1%} converted{_open(data)}. \
{_split(metrics)},
of which {metrics["seen_before"]["by_time"]:.1%} equal one of the former in every column used.
Limits: who was called, and when, is not recorded, so a score mirrors past work as well as past interest.

## Columns used

Why a column is used or refused is quoted from the data dictionary; figures in it are those of the leads it was
written for.

{tables.table(("used", "mean size (log-odds)", "why"), tables.used(card, contributions))}

## Columns refused

{tables.table(("refused", "why"), [(c.source, c.reason) for c in card.dictionary.excluded])}
"""


def _opening(card: Card, metrics: Mapping[str, Any], newest: Mapping[str, float]) -> str:
    """What the model is, for whom, and how good in one figure."""
    low, high = metrics["intervals"]["lift_at_10%"]
    known = _WHEN.get(card.known, f"at the moment “{card.known}”")
    return f"""A model that ranks new leads by their probability of “{card.dictionary.target.source}”, from what is known when they
are {known}. It is for a sales team that has to decide whom to call first, and how many calls are worth it. The
best-scored tenth of the {claims.tested(metrics)} leads, on which it was tested, converts **{newest["lift_at_10%"]:.1f} times** as often as all of them
(95 % interval {low:.1f} to {high:.1f})."""


def _channels(card: Card) -> str:
    if not card.metrics["channels"]:
        return ""
    return "![Calibration and conversion by channel](figures/channels.png)\n\n"


def _open(data: Mapping[str, Any]) -> str:
    return f"; {data['open']:,} more were still open and left out" if data.get("open") else ""


def _split(metrics: Mapping[str, Any]) -> str:
    data = metrics["data"]
    fitted, tested = f"{data['trained_on']:,}", f"{data['tested_on']:,}"
    if data["split"] == "by time":
        return f"{_learned(metrics)}Fitted on the oldest {fitted}; tested on the newest {tested}"
    return f"{claims.UNTIMED}\n{_learned(metrics)}Fitted on {fitted}; tested on the other {tested}"


def _learned(metrics: Mapping[str, Any]) -> str:
    if said := claims.on_cluster(metrics):
        return f"{said}\n"
    data = metrics["data"]
    if data["fitted_on"] == data["trained_on"]:
        return ""
    return (
        f"This model is fitted on all {data['fitted_on']:,}; its\nthreshold and grades are of them, too. The "
        "figures are those of the recipe, the same steps on fewer leads.\n"
    )


def _sampled(metrics: Mapping[str, Any]) -> str:
    return f"{said}\n\n" if (said := claims.sampled(metrics)) else ""


def _over_time(metrics: Mapping[str, Any]) -> str:
    titles = ("ROC-AUC by time", "at random", "log loss by time", "at random")
    random = tables.models(metrics, "at_random")
    return f"""{tables.table(("model, leads at random", *map(tables.title, tables.COMPARED)), random)}

The newer half of the oldest leads by cross-validation, which mixes the times, and by a rolling origin: in five
periods, each predicted from all leads before it.

{tables.table(("model, newer half of the oldest", *ROLLING), tables.rolling(metrics))}

### Columns and time

{tables.table(("columns known when", *titles), tables.ablation(metrics, tables.SPLITS))}

{claims.explained(metrics)}

![Conversion over time](figures/drift.png)"""


def _at_random(metrics: Mapping[str, Any]) -> str:
    return f"""### Columns

{tables.table(("columns known when", "ROC-AUC", "log loss"), tables.ablation(metrics, tables.SPLITS[:1]))}"""


def _warnings(metrics: Mapping[str, Any]) -> str:
    if not metrics["warnings"]:
        return "Training found nothing to warn of."
    return "\n".join(f"- {text}" for text in metrics["warnings"])


def _factors(card: Card) -> str:
    sliced = [column.source for column in card.dictionary.features if column.slices]
    broken_down = f"Figures are broken down by {', '.join(sliced)}.\n" if sliced else ""
    return (
        f"{broken_down}Whether a column tells of a person's age, sex or origin is for those to judge who "
        "know the data;\nthe columns used are listed at the end."
    )


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
      name: {card.data["file"]}, {card.data["tested_on"]} leads, split {card.data["split"]}
      type: tabular
    metrics:{metrics}
---
"""
