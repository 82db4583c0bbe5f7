"""One lead explained in the terminal: its score, and what every column adds to it."""

import json
import sys
from pathlib import Path
from typing import Final

from leadscore.scorer import Scorer
from leadscore.serving.answers import Answers
from leadscore.serving.leads import Reader
from leadscore.serving.schema import Prediction
from leadscore.serving.settings import Settings

BAR: Final = 24  # characters of the longest bar


def explain(scorer: Scorer, settings: Settings, source: str) -> None:
    """Print one lead's score and what every column adds to it."""
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        lead = Reader(scorer.card.dictionary, settings.max_text).one(json.loads(content))
    except (OSError, ValueError, RecursionError) as error:
        sys.exit(f"{source}: {error}")
    columns = len(scorer.card.dictionary.features)
    (answer,) = Answers(scorer).predict(lead, reasons=columns)
    print("\n".join(chart(answer, scorer.card.threshold.value)))


def chart(answer: Prediction, threshold: float) -> list[str]:
    """The lines of a signed bar chart of a lead's reasons."""
    verdict = "converts" if answer.converts else "does not convert"
    lines = [
        f"{answer.probability:.1%}, grade {answer.grade}: {verdict} (threshold {threshold:.1%})",
        "",
        f"{'lowers':>{BAR}} │ raises   log-odds",
    ]
    largest = max((abs(reason.effect) for reason in answer.reasons), default=0) or 1
    for reason in answer.reasons:
        bar = "█" * round(BAR * abs(reason.effect) / largest)
        left, right = ("", bar) if reason.effect > 0 else (bar, "")
        lines.append(f"{left:>{BAR}} │ {right:<{BAR}} {reason.effect:+.2f}  {reason.text}")
    return [*lines, *(f"! {caution.text}" for caution in answer.warnings)]
