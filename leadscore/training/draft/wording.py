"""What the name of a column suggests. A suggestion decides nothing by itself: figures have to agree."""

import re
import unicodedata
from typing import Final, Literal

Sound = Literal["", "engaged", "contacted"]

_ENGAGED: Final = ("last", "latest", "recent", "modified", "updated", "notable")
# fmt: off
_CONTACTED: Final = (
    "call", "called", "calls", "closed", "comment", "comments", "converted", "deal", "disposition",
    "duration", "feedback", "followup", "followups", "lost", "note", "notes", "outcome", "pitch",
    "probability", "quality", "rating", "reason", "remark", "remarks", "score", "stage", "status", "tag",
    "tags", "won",
)
# fmt: on
_CREATED: Final = ("created", "create", "creation", "captured", "received", "first", "inquiry", "signup")
_LATER: Final = (*_ENGAGED, "last", "converted", "closed", "close", "won", "lost", "due", "next")
_CHANNEL: Final = ("source", "channel", "origin", "medium", "campaign")
_CODE: Final = (
    *("code", "zip", "zipcode", "postal", "postcode", "plz", "pincode", "region", "branch", "channel"),
    *("agent", "store", "office", "dealer", "district", "phone", "mobile"),
)
_ID: Final = ("id", "uuid", "guid", "key", "number", "no", "nr", "index")
_UNITS: Final = {
    **dict.fromkeys(("seconds", "secs", "sec"), "s"),
    **dict.fromkeys(("minutes", "mins", "min"), "min"),
    **dict.fromkeys(("hours", "hrs"), "h"),
    **dict.fromkeys(("days", "age_days"), "days"),
    **dict.fromkeys(("percent", "percentage", "pct"), "%"),
    **{currency: currency.upper() for currency in ("eur", "usd", "gbp", "inr", "chf")},
}


def words(name: str) -> list[str]:
    """The words of a name, in lower case: "firstContact_date" has three."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.casefold())


def moment(name: str) -> Sound:
    """The moment a name sounds like, if it is later than the capture of a lead."""
    found = set(words(name))
    if found & {*_ENGAGED}:
        return "engaged"
    return "contacted" if found & {*_CONTACTED} else ""


def creation(name: str) -> int:
    """How much a name sounds like the moment a lead came in: 1 does, -1 sounds later."""
    found = set(words(name))
    return -1 if found & {*_LATER} else int(bool(found & {*_CREATED}))


def channel(name: str) -> bool:
    """Whether a name sounds like the way a lead came in."""
    return bool(set(words(name)) & {*_CHANNEL})


def code(name: str) -> bool:
    """Whether digits under this name sound like a code."""
    return bool(set(words(name)) & {*_CODE})


def identity(name: str) -> bool:
    """Whether a name sounds like an id."""
    found = words(name)
    return bool(found) and (found[-1] in _ID or found[0] in ("id", "uuid"))


def unit(name: str) -> str:
    """The unit a name mentions; a guess."""
    return next((_UNITS[word] for word in words(name) if word in _UNITS), "")


def snake_case(name: str) -> str:
    """A name as the dictionary has it: a letter, then letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    found = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return found if found[:1].isalpha() else f"column_{found}".strip("_")
