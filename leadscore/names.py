"""Names of columns: the same name in another spelling, and the nearest one."""

import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

LONGEST: Final = 100  # characters of a name that is compared with others

NEAR: Final = 0.75  # of 1, of two names' similarity: from here on one may be meant by the other
CONTAINED: Final = 4  # letters of a name that is a part of another


def fold(name: str) -> str:
    """A name without case, spaces, punctuation and characters that nobody sees.

    What has nothing else is kept as it is: "#" is a name, too.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    letters = [c for c in plain if c.isalnum() or unicodedata.category(c).startswith("M")]
    return unicodedata.normalize("NFKC", "".join(letters)) or plain.strip()


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Which of the names may be meant by one that is none of them; None if no one is near."""
    if not (folded := fold(name[:LONGEST])):
        return None
    best, found = NEAR, None
    matcher = SequenceMatcher(b=folded, autojunk=False)
    for other in names:
        matcher.set_seq1(compared := fold(other[:LONGEST]))
        shorter, longer = sorted((folded, compared), key=len)
        if len(shorter) >= CONTAINED and shorter in longer:
            near = NEAR + (1 - NEAR) * len(shorter) / len(longer)
        elif matcher.real_quick_ratio() < best or matcher.quick_ratio() < best:
            continue
        else:
            near = matcher.ratio()
        if near > best or (near == best and found is None):
            best, found = near, other
    return found
