"""Serve the lead-conversion model, score a file, explain a lead: `python predict.py --help`.

The same commands as `python -m leadscore`. `uvicorn predict:app` and gunicorn find the service here.
"""

from typing import Any

from leadscore.__main__ import main


def __getattr__(name: str) -> Any:
    """`app`, made when a server asks for it: --help needs no model."""
    if name == "app":
        from leadscore.commands import loaded  # noqa: PLC0415
        from leadscore.service.server import app  # noqa: PLC0415

        return app(*loaded())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
