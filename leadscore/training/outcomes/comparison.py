"""What a model does on leads whose outcome is known by now, beside what its card promised."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from leadscore.bins import Bins, score_name
from leadscore.card import Card
from leadscore.proof import Proof
from leadscore.training.evaluation.figures import calibration_error_by_chance, measure
from leadscore.training.outcomes.leads import Outcomes

FEWEST_OF_EACH: Final = 30  # leads of one outcome, for a verdict
FIGURES: Final = ("roc_auc", "average_precision", "log_loss", "brier", "ece")

Document = dict[str, Any]
"""What `evaluate --json` writes; `compared` tells its keys."""


@dataclass(frozen=True)
class Limits:
    """From when on a model no longer holds.

    `auc_drop`: ROC-AUC lower than promised, at the upper end of its 95 % interval. `calibration`:
    calibration error above that of chance. `drift`: index of a column or the score, which only warns.
    `least`: leads for a verdict.
    """

    auc_drop: float = 0.03
    calibration: float = 0.05
    drift: float = 0.25
    least: int = 200


def compared(card: Card, leads: Outcomes, limits: Limits) -> Document:
    """The figures of closed leads beside the card's.

    `figures`: of each, `now` and `promised` on the leads the card was tested on. `ece_by_chance`: the
    calibration error to expect of right probabilities. `proof`: as `POST /predict/csv` gives it: grades,
    lift, gains, calibration and channels with intervals. `drift`: the index of each column and the
    score. `objections`: why the model no longer holds. `holds`: whether it does; null if there are too
    few leads to say (`too_few`), or the model was trained on them (`training_data`).
    """
    probability, converted = leads.probability, leads.converted
    both = 0 < converted.sum() < len(converted)
    now = measure(converted, probability, card.threshold.value) if both else {}
    promised = card.metrics.get("newest", {})
    chance = round(calibration_error_by_chance(probability), 4)
    proof = _proof(card, leads)
    drift = _drift(card, leads)
    trained = leads.sha256 == card.data.get("sha256")
    rarest = int(np.bincount(converted, minlength=2).min())
    few = len(converted) < limits.least or rarest < FEWEST_OF_EACH
    found = [] if few or trained else _objections(proof, promised, now["ece"], chance, limits)
    return {
        "model_version": card.version,
        "file": leads.file,
        "leads": len(converted),
        "still_open": leads.still_open,
        "refused": leads.refused,
        "absent": list(leads.absent),
        "training_data": trained,
        "too_few": few,
        "holds": None if few or trained else not found,
        "objections": found,
        "limits": asdict(limits),
        "figures": {
            name: {"now": now.get(name), "promised": promised.get(name)}
            for name in (*FIGURES, *(key for key in now if key not in FIGURES))
        },
        "promised_intervals": card.metrics.get("intervals", {}),
        "promised_channels": card.metrics.get("channels", []),
        "ece_by_chance": chance,
        "proof": proof,
        "drift": drift,
    }


def warnings(found: Document) -> list[str]:
    """What a reader of the figures has to know, a sentence each."""
    said = []
    if found["training_data"]:
        said.append(
            "The model was trained on these leads: the figures flatter it, and say nothing of use."
        )
    if found["too_few"]:
        said.append(
            f"Too few leads to say whether the model holds: expected {found['limits']['least']:,}, "
            f"and {FEWEST_OF_EACH} of each outcome."
        )
    if found["absent"]:
        said.append(f"Columns that the file lacks: {', '.join(found['absent'])}.")
    if found["refused"]:
        said.append(f"Left out: {found['refused']:,} leads with a wrong value or an unknown outcome.")
    if found["still_open"]:
        said.append(f"Left out: {found['still_open']:,} leads that are still open.")
    moved = [name for name, value in found["drift"].items() if value >= found["limits"]["drift"]]
    if moved:
        said.append(f"Other leads than in training, by {', '.join(moved)}: see drift.")
    return said


def _objections(
    proof: Mapping[str, Any],
    promised: Mapping[str, float],
    ece: float,
    chance: float,
    limits: Limits,
) -> list[str]:
    found = []
    low, high = proof["roc_auc_interval"]
    if promised and high < promised["roc_auc"] - limits.auc_drop:
        found.append(
            f"ROC-AUC {proof['roc_auc']:.3f} ({low:.3f} to {high:.3f}) is lower than the promised "
            f"{promised['roc_auc']:.3f} by more than {limits.auc_drop:g}."
        )
    if ece > chance + limits.calibration:
        found.append(
            f"Calibration error {ece:.3f} is higher than that of chance, {chance:.3f}, by more "
            f"than {limits.calibration:g}: {proof['expected']:,.0f} conversions were foretold, "
            f"{proof['conversions']:,} came."
        )
    return found


def _proof(card: Card, leads: Outcomes) -> dict[str, Any]:
    proof = Proof(card)
    levels = {name: [str(level) for level in leads.inputs[name][:, 0]] for name in proof.channels}
    proof.add(leads.probability.tolist(), leads.converted.astype(bool).tolist(), levels)
    return proof.to_dict() or {}


def _drift(card: Card, leads: Outcomes) -> dict[str, float]:
    """The index of each column and the score, the largest first."""
    values = {name: leads.inputs[name][:, 0] for name in card.drift["features"]}
    score = score_name(values)
    described = {**card.drift["features"], score: card.drift["score"]}
    values[score] = leads.probability
    found = {}
    for name, entry in described.items():
        if entry:
            bins = Bins(entry)
            counts = np.bincount(bins.codes(values[name]), minlength=len(bins.shares))
            found[name] = round(bins.psi(counts), 4)
    return dict(sorted(found.items(), key=lambda item: -item[1]))
