"""What a long command is doing now, on the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Step: TypeAlias = Callable[[str], None]
"""Shows what is being done now."""

STEPS: Final = 15
"""Of a training: reading the leads, models, ablations, and the rest of `run.run`."""


@contextmanager
def progress(console: Console, steps: int) -> Iterator[Step]:
    """A progress bar, as the function that advances it by one of so many steps."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=steps)
        yield lambda text: bar.update(task, description=text, advance=1)
