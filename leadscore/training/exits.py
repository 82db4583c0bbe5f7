"""How a command of training ends: what it says of an error, and its exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from leadscore.blocks import DictionaryError
from leadscore.scorer import ModelError
from leadscore.training.errors import RefusedError, TrainingError
from leadscore.training.lines import hint

FAILED: Final = 1
REFUSED: Final = 3
INTERRUPTED: Final = 130


def exit_code(
    run: Callable[[], int],
    failed: str,
    interrupted: str = "Interrupted.",
    dictionary: Path | None = None,
) -> int:
    """Run a command; an error is told on standard error, with the line of the dictionary to change."""

    def tell(verdict: str, error: Exception) -> None:
        where = hint(dictionary, error) if dictionary else ""
        console.print(f"[bold red]{verdict}[/] {escape(f'{error}{where}')}", soft_wrap=True)

    console = Console(stderr=True, highlight=False)
    try:
        return run()
    except RefusedError as error:
        tell("Not published:", error)
        return REFUSED
    except (TrainingError, DictionaryError, ModelError, OSError) as error:
        tell(failed, error)
        return FAILED
    except KeyboardInterrupt:
        console.print(interrupted)
        return INTERRUPTED
