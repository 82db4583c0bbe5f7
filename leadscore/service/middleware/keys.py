"""API keys: who may ask for a score."""

import hashlib
import hmac
import logging
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from leadscore.service import docs, page, problems
from leadscore.settings import Settings, SettingsError, variable

OPEN: Final = frozenset({"/", "/health", "/ready", "/v2/health/live", "/v2/health/ready"})
"""Paths that need no key, beside the files of both pages."""

CHECK_SECONDS: Final = 1.0  # how often the file of keys is looked at

log = logging.getLogger(__name__)


class Keys:
    """The keys that are accepted: those of the setting and those of the file, which may change.

    The file holds one key a line; blank lines and lines that start with # do not count. It is read again
    when it has changed; one that cannot be read, or holds no key, leaves the keys as they were.
    Raises SettingsError if the file cannot be read at the start, or a key is required and there is none.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._given = _digests(settings.api_keys)
        self._file = settings.api_keys_file
        self._clock, self._checked = clock, clock()
        self._stamp: tuple[int, ...] = ()
        self._accepted = list(self._given)
        if self._file:
            try:
                self._read(self._file)
            except (OSError, ValueError) as error:
                raise SettingsError(f"{variable('api_keys_file')}: {_reason(error)}") from None
        if settings.require_key and not self:
            raise SettingsError(
                f"{variable('require_key')}: set, but neither {variable('api_keys')} nor "
                f"{variable('api_keys_file')} holds a key; with 0 everyone may ask"
            )

    def __bool__(self) -> bool:
        """Whether there is any key; without one the service is open."""
        return bool(self._accepted)

    def accepts(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request's headers carry an accepted key: `Authorization: Bearer` or `X-API-Key`."""
        self._refresh()
        offered = [hashlib.sha256(key).digest() for key in _keys(headers)]
        # Every key is compared, each in constant time: how long it takes tells nothing.
        matches = [hmac.compare_digest(one, accepted) for one in offered for accepted in self._accepted]
        return any(matches)

    def _refresh(self) -> None:
        if not self._file or (now := self._clock()) - self._checked < CHECK_SECONDS:
            return
        self._checked = now
        try:
            if self._stamp != _stamp(self._file):
                self._read(self._file)
                log.info("API keys read again: %d are accepted", len(self._accepted))
        except (OSError, ValueError) as error:
            log.error("API keys stay as they were: %s", _reason(error))  # noqa: TRY400  (no trace is of use)

    def _read(self, path: Path) -> None:
        self._stamp = _stamp(path)
        lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
        keys = [line for line in lines if line and not line.startswith("#")]
        if not keys:
            raise ValueError("the file holds no key")
        self._accepted = [*self._given, *_digests(keys)]


class KeyGuard:
    """Answers 401 to a request without an accepted key, but for what is open to all."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys
        self._open = OPEN.union(page.paths(), docs.paths())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["path"] in self._open or self._keys.accepts(scope["headers"]):
            await self._app(scope, receive, send)
            return
        refusal = problems.refusal(
            scope,
            401,
            "A key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.",
            {"www-authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)


def _keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Every key a request offers: a proxy may have an `Authorization` of its own."""
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            yield value[7:].strip()


def _digests(keys: Iterable[str]) -> list[bytes]:
    return [hashlib.sha256(key.encode()).digest() for key in keys]


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
        raise ValueError("expected a file")
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
