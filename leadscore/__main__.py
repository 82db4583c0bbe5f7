"""The door of the commands: `python -m leadscore --help`. predict.py is the same in a checkout."""

from collections.abc import Sequence
from typing import Final

INTERRUPTED: Final = 130
"""The exit code of a run stopped by Ctrl-C, as a shell reports it."""


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, then do what they ask for."""
    try:
        # numpy and onnxruntime take a second to load: Ctrl-C meanwhile leaves no trace.
        from leadscore.commands import run  # noqa: PLC0415

        run(argv)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
