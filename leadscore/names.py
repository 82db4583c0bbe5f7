"""Names of columns: the same name in another spelling, and the nearest one."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Final

LONGEST: Final = 100  # characters of a name that is compared with others

NEAR: Final = 0.75  # of 1, of two names' similarity: from here on one may be meant by the other
TELLING: Final = 8  # letters of a word that is meant even if it is a small part of another name

# "Total Visits" and "TotalVisits" are two words.
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


def fold(name: str) -> str:
    """A name without case, spaces, punctuation and characters that nobody sees.

    What has nothing else is kept as it is: "#" is a name, too.

    >>> fold("Total Visits"), fold("total_visits"), fold("#")
    ('totalvisits', 'totalvisits', '#')
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    letters = [c for c in plain if c.isalnum() or unicodedata.category(c).startswith("M")]
    return unicodedata.normalize("NFKC", "".join(letters)) or plain.strip()


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Which of the names may be meant by one that is none of them; None if no one is near.

    >>> nearest("Total Visit", ["TotalVisits", "Page Views Per Visit"])
    'TotalVisits'
    >>> nearest("Email", ["Do Not Email"])
    """
    if not (folded := fold(name[:LONGEST])):
        return None
    best, found = NEAR, None
    matcher = SequenceMatcher(b=folded, autojunk=False)
    for other in names:
        matcher.set_seq1(fold(other[:LONGEST]))
        if share := _share(*sorted((name[:LONGEST], other[:LONGEST]), key=lambda n: len(fold(n)))):
            near = NEAR + (1 - NEAR) * share
        elif matcher.real_quick_ratio() < best or matcher.quick_ratio() < best:
            continue
        else:
            near = matcher.ratio()
        if near > best or (near == best and found is None):
            best, found = near, other
    return found


def _share(shorter: str, longer: str) -> float:
    """How much of a name another one is, of 1; 0 if it does not stand in it, word for word, or is one
    short word that is half of it or less: "Email" is not "Do Not Email".
    """
    part, whole, words = fold(shorter), fold(longer), _words(longer)
    ends = [0, *accumulate(map(len, words))]
    share = len(part) / len(whole) if whole else 0
    if share <= 0.5 and len(_words(shorter)) == 1 and len(part) < TELLING:  # noqa: PLR2004  (half)
        return 0
    within = any(whole.startswith(part, end) and end + len(part) in ends for end in ends)
    return share if within else 0


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", name)
    return [word for part in _BETWEEN_WORDS.split(plain) if (word := fold(part))]
