"""What looks as if a feature had been written later than the leads came in."""

from leadscore.columns import Column
from leadscore.training.audit.evidence import LEAST, Evidence, evidence
from leadscore.training.dataset import Dataset
from leadscore.training.errors import Alarm

GIVES_AWAY = 0.95  # ROC-AUC of a column alone: it was written when the outcome was known
BLANK_TELLS = 0.60  # ROC-AUC of blank or not: somebody filled it in who knew more
SURE = 3  # standard errors by which a figure has to differ from chance


def blank_tells(found: Evidence) -> str:
    """Why it must have been somebody who knew more who filled a column in; empty if nothing says so."""
    filled = found.leads * (1 - found.blank)
    if found.blank_alone >= max(BLANK_TELLS, 0.5 + SURE * found.chance):
        return (
            f"Whether it is blank tells the outcome (ROC-AUC {found.blank_alone:.3f}): of the blank "
            f"leads {found.blank_rate:.1%} convert, of the others {found.filled_rate:.1%}"
        )
    if found.blank and filled >= LEAST and found.filled_rate >= found.naming:
        return f"Filled in for buyers: {found.filled_rate:.0%} of {filled:,.0f} leads with it convert"
    return ""


def gives_away(found: Evidence) -> str:
    """Why a column must have been written when the outcome was known; empty if it need not."""
    if found.alone < max(GIVES_AWAY, 0.5 + SURE * found.chance):
        return ""
    return f"Alone it reaches ROC-AUC {found.alone:.3f}: it was written when the outcome was known"


def warnings(leads: Dataset) -> list[Alarm]:
    """An alarm for each feature that gives the outcome away, alone (then the model is refused) or by
    being blank; on the oldest 80 % of leads.
    """
    target = leads.oldest()[1]
    found = []
    for column in leads.dictionary.features:
        figures = evidence(leads.features[column.name], target, len(target))
        given_away = gives_away(figures)
        if said := given_away or blank_tells(figures):
            found.append(Alarm(_sentence(column, said), refused=bool(given_away)))
    return found


def _sentence(column: Column, said: str) -> str:
    return (
        f"{column.source}: {said[:1].lower()}{said[1:]}. If leads do not have it when they come in, the "
        f"figures promise too much: give column {column.name!r} a later `known`, or the role 'excluded'."
    )
