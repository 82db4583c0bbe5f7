"""The service's settings, from LEADSCORE_* environment variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self

from leadscore.card import MODEL

PREFIX: Final = "LEADSCORE_"
ROOT_PATH: Final = re.compile(r"(/[\w.~-]+)+", re.ASCII)
SWITCH: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class SettingsError(ValueError):
    """A setting is not what it should be; the message names its variable."""


@dataclass(frozen=True)
class Settings:
    """Each field is read from LEADSCORE_<FIELD>. Limits hold for each worker."""

    model: Path = Path(__file__).resolve().parents[1] / "models" / f"{MODEL}.onnx"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    max_batch: int = 10_000  # leads in one request
    max_body: int = 16 * 2**20  # bytes of one request: max_batch leads with all columns, and room
    max_csv: int = 2**30  # bytes of one CSV file, of which memory holds only a part
    max_text: int = 1_000  # characters of one value
    max_concurrency: int = 256  # requests in work: at 1,000 a second the last waits a quarter of one
    max_large: int = 8  # of them with a body over limits.LARGE bytes: each takes tens of megabytes
    timeout: float = 30  # seconds for a request to come in and be answered
    keep_alive: int = 75  # seconds a connection may be silent: load balancers keep theirs for 60
    drain: float = 0  # seconds after SIGTERM until the service stops, in which it is not ready
    shutdown_timeout: int = 4  # seconds; orchestrators kill after 10 or 30
    root_path: str = ""  # under which a proxy shows the service, like /scoring
    forwarded_allow_ips: tuple[str, ...] = ("127.0.0.1",)  # proxies that may say who asks
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    api_keys_file: Path | None = None
    require_key: bool = False
    cors_origins: tuple[str, ...] = ()
    log_requests: bool = True
    drift_window: int = 10_000  # leads, of all workers together

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65_535),
            ("workers", 1, 1_000),
            ("max_batch", 1, 1_000_000),
            ("max_body", 1, 2**31),
            ("max_csv", 1, 2**40),
            ("max_text", 1, 2**31),
            ("max_concurrency", 1, 1_000_000),
            ("max_large", 1, 1_000_000),
            ("timeout", 0.001, 86_400),
            ("keep_alive", 1, 86_400),
            ("drain", 0, 3_600),
            ("shutdown_timeout", 0, 86_400),
            ("drift_window", 1, 10_000_000),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"{variable(name)}: got {value}, expected {low} to {high}")
        if self.root_path and not ROOT_PATH.fullmatch(self.root_path):
            raise SettingsError(
                f"{variable('root_path')}: got {self.root_path!r}, expected a path like '/scoring'"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Defaults, overridden by the environment. SettingsError names the first wrong variable."""
        entries = {variable(entry.name): entry for entry in fields(cls)}
        for key in environment:
            if key.startswith(PREFIX) and key not in entries:
                nearest = get_close_matches(key, entries, 1, 0)[0]
                raise SettingsError(f"{key}: there is no such setting, did you mean {nearest}?")
        return cls(
            **{
                entry.name: _parse(key, environment[key], entry.type)
                for key, entry in entries.items()
                if key in environment
            }
        )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _parse(key: str, text: str, kind: object) -> Any:
    if not text.strip():
        raise SettingsError(f"{key}: empty, expected a value (or unset it)")
    if kind in (int, float):
        return _number(key, text, int if kind is int else float)
    if kind is bool:
        if (switch := SWITCH.get(text.strip().lower())) is None:
            raise SettingsError(f"{key}: got {text!r}, expected 1 or 0")
        return switch
    if kind == tuple[str, ...]:
        if not (parts := tuple(text.replace(",", " ").split())):
            raise SettingsError(f"{key}: got {text!r}, expected values separated by commas")
        return parts
    return text if kind is str else Path(text)


def _number(key: str, text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{key}: got {text!r}, expected {what}") from None
