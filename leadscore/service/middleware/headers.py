"""Response headers that tell a browser what not to do, and other origins that they may ask."""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore.settings import Settings

SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'",
    ),
)


def secured(app: ASGIApp) -> ASGIApp:
    """An app whose answers have the headers of SECURITY that they do not set themselves."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message["headers"])
                names = {name for name, _ in headers}
                headers.extend(header for header in SECURITY if header[0] not in names)
            await send(message)

        await app(scope, receive, with_headers)

    return answer


def cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Let pages of the configured origins ask; by default none."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key", "x-request-id", "traceparent"],
        expose_headers=["x-request-id", "x-model-version", "retry-after", "x-columns"],
    )
