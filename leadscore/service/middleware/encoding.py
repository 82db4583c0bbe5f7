"""Content encodings: bodies that come in gzip or deflate, and answers that are asked for in gzip."""

import asyncio
import zlib
from collections.abc import Iterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadscore.columns import show
from leadscore.service import problems

PIECE: Final = 64 * 2**10  # bytes unpacked at once: a bomb meets the limit of bodies before it grows
LEAST: Final = 1_000  # bytes of an answer that is worth packing
FASTEST: Final = 1  # zlib's level: a third of the time of its default, for a tenth more bytes

GZIP: Final = 16 + zlib.MAX_WBITS
ENCODINGS: Final = {b"gzip": GZIP, b"x-gzip": GZIP, b"deflate": zlib.MAX_WBITS}


def unpacked(app: ASGIApp) -> ASGIApp:
    """An app that gets bodies as they were before they were packed; another encoding is a 415."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["headers"]:
            if name == b"content-encoding" and (encoding := value.strip().lower()) != b"identity":
                break
        else:
            await app(scope, receive, send)
            return
        if encoding not in ENCODINGS:
            detail = (
                f"Content-Encoding: got {show(encoding.decode('latin-1'))}, expected gzip or deflate"
            )
            refusal = problems.refusal(scope, 415, detail, {"accept-encoding": "gzip, deflate"})
            await refusal(scope, receive, send)
            return
        describing = (b"content-encoding", b"content-length")
        headers = [field for field in scope["headers"] if field[0] not in describing]
        body = _Body(receive, encoding.decode())
        await app({**scope, "headers": headers}, body.receive, send)

    return answer


def packed(app: ASGIApp) -> ASGIApp:
    """An app whose answers over LEAST bytes are packed if that is asked for; streams stay streams."""
    packing = GZipMiddleware(app, LEAST, FASTEST)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # What is scored is never cached, so whoever does not ask needs no `Vary` and no detour.
        asked = scope["method"] != "POST" or any(
            name == b"accept-encoding" for name, _ in scope["headers"]
        )
        await (packing if asked else app)(scope, receive, send)

    return answer


class _Body:
    """The parts of a body, unpacked PIECE by PIECE."""

    def __init__(self, receive: Receive, encoding: str) -> None:
        self._receive, self._encoding = receive, encoding
        self._pieces: Iterator[bytes] = iter(())
        self._more = True
        self._inflater: zlib._Decompress | None = None

    async def receive(self) -> Message:
        """The next part; HTTPException 400 for one that cannot be unpacked."""
        await asyncio.sleep(0)  # others may be waiting while a long part is unpacked
        while True:
            try:
                if (piece := next(self._pieces, None)) is not None:
                    return {"type": "http.request", "body": piece, "more_body": True}
                if not self._more:
                    self._check_end()
                    return {"type": "http.request", "body": b"", "more_body": False}
            except zlib.error:
                raise HTTPException(400, f"The body is not {self._encoding}.") from None
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._more = message.get("more_body", False)
            self._pieces = self._unpack(message.get("body", b""))

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        full = False  # a full piece may have more behind it, without more data
        while data or full:
            if self._inflater is None:
                self._inflater = zlib.decompressobj(self._window(data))
            piece = self._inflater.decompress(data, PIECE)
            data, full = self._inflater.unconsumed_tail, len(piece) == PIECE
            if self._inflater.eof:  # a gzip file may have several members
                data, full, self._inflater = self._inflater.unused_data, False, None
                if data and self._encoding == "deflate":
                    raise zlib.error
            yield piece

    def _window(self, data: bytes) -> int:
        """Some clients leave out the header that `deflate` should have (RFC 9110, 8.4.1.2)."""
        headless = self._encoding == "deflate" and data[0] & 15 != zlib.DEFLATED
        return -zlib.MAX_WBITS if headless else ENCODINGS[self._encoding.encode()]

    def _check_end(self) -> None:
        if self._inflater is not None:
            raise zlib.error
