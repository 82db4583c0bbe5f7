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


def _setting(default: object, group: str, about: str, *, repr: bool = True) -> Any:  # noqa: A002
    """A field with its group and meaning, for whoever asks on the command line."""
    return field(default=default, repr=repr, metadata={"group": group, "about": about})


@dataclass(frozen=True)
class Settings:
    """Each field is read from LEADSCORE_<FIELD>. Limits hold for each worker."""

    model: Path = _setting(  # noqa: RUF009  (a field)
        Path(__file__).resolve().parents[1] / "models" / f"{MODEL}.onnx", "model", "the ONNX file"
    )
    workers: int = _setting(1, "model", "processes that score")
    max_text: int = _setting(1_000, "model", "characters of one value")
    host: str = _setting("127.0.0.1", "address", "address to listen at")
    port: int = _setting(8000, "address", "port; 0: a free one")
    root_path: str = _setting("", "address", "path under which a proxy shows the service, like /scoring")
    forwarded_allow_ips: tuple[str, ...] = _setting(
        ("127.0.0.1",), "address", "proxies that may say who asks"
    )
    max_batch: int = _setting(10_000, "limits", "leads in one request")
    # max_batch leads with all columns, and room.
    max_body: int = _setting(16 * 2**20, "limits", "bytes of one request")
    max_csv: int = _setting(2**30, "limits", "bytes of one file, of which memory holds only a part")
    # At 1,000 a second the last waits a quarter of one.
    max_concurrency: int = _setting(256, "limits", "requests in work")
    # Over limits.LARGE bytes; each takes tens of megabytes.
    max_large: int = _setting(8, "limits", "large requests in work")
    timeout: float = _setting(30, "limits", "seconds for a request to come in and be answered")
    # Load balancers keep theirs for 60.
    keep_alive: int = _setting(75, "limits", "seconds a connection may be silent")
    drain: float = _setting(
        0, "limits", "seconds after SIGTERM until the service stops, in which it is not ready"
    )
    # Orchestrators kill after 10 or 30.
    shutdown_timeout: int = _setting(4, "limits", "seconds for requests to end at a stop")
    api_keys: tuple[str, ...] = _setting((), "access", "keys, one of which a request needs", repr=False)
    api_keys_file: Path | None = _setting(  # noqa: RUF009  (a field)
        None, "access", "file of keys, one a line"
    )
    require_key: bool = _setting(False, "access", "1: do not start without keys")
    cors_origins: tuple[str, ...] = _setting((), "access", "sites whose pages may ask")
    log_requests: bool = _setting(True, "watching", "0: no line for each request")
    drift_window: int = _setting(10_000, "watching", "leads, of all workers, that drift is measured on")

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
