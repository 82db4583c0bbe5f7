"""A file of leads -> a proposal for each of its columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Final

from leadscore.columns import Kind
from leadscore.training.audit.evidence import blanks, evidence, together
from leadscore.training.cells import DataError
from leadscore.training.draft import export
from leadscore.training.draft.clock import clock, order
from leadscore.training.draft.labels import Labels, labels
from leadscore.training.draft.profile import Profile, profile
from leadscore.training.draft.proposal import Proposal, notation, propose
from leadscore.training.validation import FEWEST_OF_EACH_OUTCOME

OLDEST: Final = 0.8  # of the leads, whose outcomes are looked at


@dataclass(frozen=True)
class Draft:
    """What was found in a file. `remarks`: what a person should know of the whole."""

    proposals: list[Proposal]
    missing: list[str]
    remarks: list[str]
    leads: int
    rate: float


def draft(
    path: Path,
    target: str,
    positive: Sequence[str],
    still: Sequence[str],
    asked: str | None,
    sheet: str | None = None,
) -> Draft:
    """Read a file and propose what to do with each column.

    `target`, `asked`: the headers of the target and the clock, the latter if it is named. `positive`,
    `still`: labels of a conversion, and of leads that are not decided. `sheet`: see `export.read`.

    Raises DataError for what cannot be read, a name that is no column, labels that cannot be sorted.
    """
    found = export.read(path, target, sheet)
    target = found.find(target, "--target")
    asked = found.find(asked, "--clock") if asked else None
    sorted_labels = labels(target, found.columns[target], positive, still)
    outcomes = sorted_labels.outcomes(found.columns[target])
    for label, value in ((sorted_labels.positive, 1), (sorted_labels.negative, 0)):
        if (count := int((outcomes == value).sum())) < FEWEST_OF_EACH_OUTCOME:
            raise DataError(
                f"{path}: {count} leads are {' or '.join(label)}, expected at least "
                f"{FEWEST_OF_EACH_OUTCOME} to train on"
            )
    decided = outcomes >= 0
    profiles = {
        name: profile(name, list(compress(cells, decided)), found.decimal)
        for name, cells in found.columns.items()
        if name != target
    }
    ticks, doubt = clock(profiles, asked)
    rows = order(ticks, int(decided.sum()))
    target_by_time = outcomes[decided][rows]
    known = int(len(rows) * OLDEST)
    if not 0 < target_by_time[:known].sum() < known:
        raise DataError(
            f"{path}: the oldest 80 % of leads all have one outcome; is {ticks and ticks.source!r} when "
            "they came in? Name another column by --clock"
        )
    proposals = _proposals(profiles, ticks, target_by_time[:known], rows)
    if ticks:
        proposals[ticks.source] = _clock(ticks, doubt)
    proposals[target] = _target(target, sorted_labels)
    markers = Counter(marker for column in profiles.values() for marker in column.markers)
    remarks = [found.left_out and f"Left out: {found.left_out}.", "" if ticks else doubt]
    if open_leads := int((~decided).sum()):
        remarks.append(
            f"{open_leads:,} leads are still open or have no outcome: nothing is learned from them."
        )
    if not any(column.use == "feature" for column in proposals.values()):
        remarks.append(
            "No column is left that is known when a lead comes in: there is nothing to train on."
        )
    return Draft(
        [proposals[name] for name in found.columns],
        sorted(markers),
        [text for text in remarks if text],
        len(outcomes),
        float(outcomes[decided].mean()),
    )


def _proposals(
    profiles: Mapping[str, Profile], ticks: Profile | None, target: Any, rows: Any
) -> dict[str, Proposal]:
    """Proposals for all columns but target and clock. `rows`: oldest first; `target`: of the oldest."""
    known = len(target)
    columns = {
        name: column.values.iloc[rows] for name, column in profiles.items() if column is not ticks
    }
    beside = together({name: blanks(values)[:known] for name, values in columns.items()})
    return {
        name: propose(
            profiles[name],
            evidence(values, target, known),
            beside.get(name, []),
            timed=ticks is not None,
        )
        for name, values in columns.items()
    }


def _clock(column: Profile, doubt: str) -> Proposal:
    extra = {"clock": True, **notation(column)}
    kind: Kind = "number" if column.content == "number" else "date"
    why = "Grows with time: the clock that splits old leads from new ones."
    return Proposal(column.source, "id", kind, "capture", why, doubt, extra, column)


def _target(source: str, found: Labels) -> Proposal:
    def alone(names: tuple[str, ...]) -> Any:
        return names[0] if len(names) == 1 else list(names)

    extra = {"positive": alone(found.positive), "negative": alone(found.negative)}
    if found.open:
        extra["open"] = list(found.open)
    return Proposal(
        source, "target", "category", "contacted", "What is predicted.", found.guessed, extra
    )
