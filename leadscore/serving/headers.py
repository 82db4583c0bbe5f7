"""Response headers that tell a browser what not to do, and other origins that they may ask."""

from collections.abc import Iterable
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from leadscore.serving.settings import Settings

Header = tuple[bytes, bytes]

SECURITY: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'",
    ),
)

# FastAPI's documentation loads its scripts from elsewhere.
DOCUMENTATION: Final = frozenset({"/docs", "/redoc"})


def secured(path: str, headers: Iterable[Header]) -> list[Header]:
    """The headers of a response and those of SECURITY it does not set itself."""
    found = list(headers)
    names = {name for name, _ in found}
    if path in DOCUMENTATION:
        names.add(b"content-security-policy")
    found.extend(header for header in SECURITY if header[0] not in names)
    return found


def cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Let pages of the configured origins ask; by default none."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key", "x-request-id", "traceparent"],
        expose_headers=["x-request-id", "x-model-version", "retry-after"],
    )
