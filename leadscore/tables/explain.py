"""One lead explained in the terminal: its score, and what every column adds to it."""

import json
import sys
from pathlib import Path
from typing import Final

from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine, Scored
from leadscore.scoring.reading import LeadReader
from leadscore.settings import Settings
from leadscore.tables.streams import STANDARD

BAR: Final = 24  # characters of the longest bar


def explain(scorer: Scorer, settings: Settings, source: str) -> None:
    """Print one lead's score and what every column adds to it."""
    engine = Engine(scorer, settings.max_text)
    try:
        content = sys.stdin.buffer.read() if source == STANDARD else Path(source).read_bytes()
        lead, _ = LeadReader(engine).read([json.loads(content)])
    except (OSError, ValueError, RecursionError) as error:
        sys.exit(f"{source}: {error}")
    scored = engine.score(lead, reasons=len(engine.features))
    print("\n".join(chart(scored, scorer.card.threshold.value)))


def chart(scored: Scored, threshold: float) -> list[str]:
    """The lines of a signed bar chart of one lead's reasons."""
    (probability,), (grade,), (converts,) = scored.probability, scored.grade, scored.converts
    verdict = "converts" if converts else "does not convert"
    lines = [
        f"{probability:.1%}, grade {grade}: {verdict} (threshold {threshold:.1%})",
        "",
        f"{'lowers':>{BAR}} │ raises   log-odds",
    ]
    (reasons,) = scored.reasons
    largest = max((abs(reason.effect) for reason in reasons), default=0) or 1
    for _, effect, _, text in reasons:
        bar = "█" * round(BAR * abs(effect) / largest)
        left, right = ("", bar) if effect > 0 else (bar, "")
        lines.append(f"{left:>{BAR}} │ {right:<{BAR}} {effect:+.2f}  {text}")
    return [*lines, *(f"! {text}" for _, text in scored.cautions.get(0, []))]
