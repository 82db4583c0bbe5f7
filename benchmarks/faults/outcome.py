"""What came of a fault, and the table of all."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

MARK: Final = "<!-- the faults, written by benchmarks/faults -->"


@dataclass(frozen=True)
class Outcome:
    """What happened, and whether it is what was promised (None: not tried); `plain`: FastAPI's."""

    fault: str
    outcome: str
    held: bool | None
    plain: str = ""


def table(outcomes: list[Outcome]) -> list[str]:
    """Rows of Markdown."""
    said = {True: "yes", False: "**no**", None: "not tried"}
    return [
        "| fault | outcome | held | plain FastAPI and uvicorn |",
        "| --- | --- | --- | --- |",
        *(f"| {one.fault} | {one.outcome} | {said[one.held]} | {one.plain} |" for one in outcomes),
    ]


def listed(counted: Counter[str]) -> str:
    """What was counted, as a sentence has it."""
    return ", ".join(f"{number:,} x {what}" for what, number in counted.items())
