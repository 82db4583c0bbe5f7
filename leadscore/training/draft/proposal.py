"""What to do with a column, and why: the dictionary's role, kind and moment, proposed from evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from leadscore.columns import MOMENTS, Kind, Role
from leadscore.training.audit.evidence import Evidence
from leadscore.training.audit.warnings import SURE, blank_tells, gives_away
from leadscore.training.draft import wording
from leadscore.training.draft.notations import ISO
from leadscore.training.draft.profile import Profile

NAMED: Final = 0.10  # of the leads whose level names the outcome
STRONG: Final = 0.70  # ROC-AUC of a column that is strong enough to agree with its name
STRIKING: Final = 0.80  # ROC-AUC at which a person should look
CHANGES: Final = 0.50  # by which the share of blank leads may change between tenths of time
FEW: Final = 0.01  # of the leads
SAYS_NOTHING: Final = 20  # leads that differ from all others, or a 500th of them
EARLY: Final = 'Is it filled in when the lead comes in, and never changed after? Then known = "capture".'
MOST_CHANNELS: Final = 30  # levels of a column that figures are reported by


@dataclass(frozen=True)
class Proposal:
    """A block of the dictionary. `check`: what a person must look at; empty if nothing. `extra`: further
    keys of the block. `evidence`: None for a column that is not compared with the outcome.
    """

    source: str
    role: Role
    kind: Kind
    known: str
    why: str
    check: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    profile: Profile | None = None
    evidence: Evidence | None = None

    @property
    def use(self) -> str:
        """What becomes of the column, in a word."""
        if self.role != "feature":
            return self.role
        return "feature" if self.known == MOMENTS[0] else self.known


def propose(column: Profile, found: Evidence, beside: Sequence[str], timed: bool) -> Proposal:
    """The proposal for a column that is neither target nor clock.

    `beside`: columns that are blank in the same rows. `timed`: whether the leads stand in the order of
    time.
    """
    late = _late(column, found, beside)
    kind, sound = _kind(column), wording.moment(column.source)
    low, high = found.blank_by_time
    if nothing := _nothing(column):
        return Proposal(column.source, "excluded", kind, "capture", nothing, "", {}, column, found)
    if _names_something(column):
        return _unrepeated(column, found, late)
    if late:
        extra = notation(column)
        return Proposal(column.source, "feature", kind, "contacted", late, EARLY, extra, column, found)
    if timed and high - low >= CHANGES:
        why = f"Not stable over time: {low:.0%} of a tenth of the leads lack it, {high:.0%} of another."
        check = "Will new leads have it as the newest of these do? Then it may be a feature."
        return Proposal(column.source, "excluded", kind, "engaged", why, check, {}, column, found)
    if sound and found.alone >= max(STRONG, 0.5 + SURE * found.chance):
        why = (
            f"Alone it reaches ROC-AUC {found.alone:.3f}, and its name sounds as if it were written "
            f"later{_moved(found, timed)}."
        )
        extra = notation(column)
        return Proposal(column.source, "feature", kind, sound, why, EARLY, extra, column, found)
    return _feature(column, found, timed)


def _nothing(column: Profile) -> str:
    """Why a column carries no information; empty if it may."""
    leads = len(column.values)
    rest = leads - int(column.values.value_counts(dropna=False).iloc[0])
    if rest >= max(SAYS_NOTHING, leads // 500):
        return ""
    same = "blank" if column.content == "empty" else "the same"
    but = f"all but {rest:,} of" if rest else "all"
    return f"Carries no information: {same} for {but} {leads:,} leads."


def _names_something(column: Profile) -> bool:
    """Whether a column names a lead, a person or a moment, and is no feature as it is."""
    if column.content == "number":
        return column.unique and (column.counter or wording.identity(column.source))
    if column.content == "email":
        return False
    return column.unique or column.content in ("date", "text")


def _feature(column: Profile, found: Evidence, timed: bool) -> Proposal:
    kind = _kind(column)
    extra: dict[str, Any] = notation(column)
    if wording.channel(column.source) and kind == "category" and column.distinct <= MOST_CHANNELS:
        extra["slices"] = True
    blank = f"; blank for {found.blank:.1%} of the leads" if found.blank else ""
    why = (
        f"{_holds(column)}, alone ROC-AUC {found.alone:.3f}{blank}{_moved(found, timed)}: nothing says "
        "that it was written after the lead came in."
    )
    check = _doubt(column, found)
    return Proposal(column.source, "feature", kind, "capture", why, check, extra, column, found)


def _doubt(column: Profile, found: Evidence) -> str:
    """Why a feature may have been written later all the same; empty if nothing speaks for it."""
    sound, doubts = wording.moment(column.source), []
    if sound:
        doubts.append("Its name sounds")
    if found.alone >= STRIKING:
        doubts.append(f"ROC-AUC {found.alone:.3f} alone looks")
    if found.certain:
        level = found.certain[0]
        doubts.append(f"{level.text!r} with {level.rate:.0%} of {level.leads:,} leads converted looks")
    if found.never:
        level = found.never[0]
        doubts.append(f"{level.text!r} with none of {level.leads:,} leads converted looks")
    if not doubts:
        return ""
    return (
        f'{", ".join(doubts)} as if it were written later. Is it? Then known = "{sound or "contacted"}".'
    )


def _late(column: Profile, found: Evidence, beside: Sequence[str]) -> str:
    """Why a column must have been written after the contact; empty if nothing says so."""
    if said := blank_tells(found):
        return f"{said}, together with {', '.join(beside)}." if beside else f"{said}."
    if said := gives_away(found):
        return f"{said}."
    if found.certain_share >= NAMED:
        level = found.certain[0]
        return (
            f"Alone it reaches ROC-AUC {found.alone:.3f}, and {found.certain_share:.0%} of the leads "
            f"have a level that names the outcome ({level.text!r} converts {level.rate:.1%})."
        )
    return ""


def _unrepeated(column: Profile, found: Evidence, late: str) -> Proposal:
    """A column that names a lead, a person or a moment, and is no feature as it is."""
    kind = _kind(column)
    known = "contacted" if late else "capture"
    differs = f"{column.distinct:,} different values in {column.present:,} leads"
    complete = column.unique and column.present == len(column.values)
    if column.content == "date":
        why = late or "A date: what it says of past leads says little of those to come."
    elif complete and not late and (column.counter or not _sentences(column)):
        why = f"Names the lead: {differs}."
        return Proposal(column.source, "id", kind, "capture", why, "", {}, column, found)
    else:
        why = late or f"Hardly repeats: {differs}."
    return Proposal(column.source, "excluded", kind, known, why, "", notation(column), column, found)


def notation(column: Profile) -> dict[str, Any]:
    """How a column is written, as keys of its block: lists and dates that are not in ISO 8601."""
    if column.content == "list":
        return {"separator": column.separator}
    return {"format": column.formats[0]} if column.formats and column.formats[0] != ISO else {}


def _sentences(column: Profile) -> bool:
    """Whether texts have several words."""
    return column.content != "number" and bool(column.values.str.contains(" ").mean() > FEW)


def _kind(column: Profile) -> Kind:
    """The dictionary's kind of what a column holds."""
    kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    return kinds.get(column.content, "category")


def _holds(column: Profile) -> str:
    match column.content:
        case "number":
            return "Numbers"
        case "yes/no":
            return "Yes or no"
        case "code":
            return f"Codes in digits, {column.distinct:,} different ones"
        case "list":
            return f"Lists of entries separated by {column.separator!r}"
        case "email":
            return "E-mail addresses"
        case _:
            return f"{column.distinct:,} levels"


def _moved(found: Evidence, timed: bool) -> str:
    level, before, after = found.mover
    if not timed or abs(after - before) < 0.1:  # noqa: PLR2004
        return ""
    return (
        f"; {level or 'blank'!r} went from {before:.0%} of the leads to {after:.0%} in the newest tenth"
    )
