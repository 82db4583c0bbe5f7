"""The service's settings, from LEADSCORE_* environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from leadscore.card import MODEL

PREFIX: Final = "LEADSCORE_"


class SettingsError(ValueError):
    """A setting is not what it should be; the message names its variable."""


@dataclass(frozen=True)
class Settings:
    """Each field is read from LEADSCORE_<FIELD>."""

    model: Path = Path(__file__).resolve().parents[2] / "models" / f"{MODEL}.onnx"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    max_batch: int = 10_000  # leads in one request
    max_body: int = 16 * 2**20  # bytes of one request: max_batch leads with all columns, and room
    max_csv: int = 2**30  # bytes of one CSV file, of which memory holds only a part
    max_text: int = 1_000  # characters of one value

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65_535),
            ("workers", 1, 1_000),
            ("max_batch", 1, 1_000_000),
            ("max_body", 1, 2**31),
            ("max_csv", 1, 2**40),
            ("max_text", 1, 2**31),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"{variable(name)}: got {value}, expected {low} to {high}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Defaults, overridden by the environment. SettingsError names the first wrong variable."""
        given: dict[str, Any] = {}
        for entry in fields(cls):
            if (key := variable(entry.name)) in environment:
                given[entry.name] = _parse(key, environment[key], entry.type)
        return cls(**given)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _parse(key: str, text: str, kind: object) -> int | str | Path:
    if not text.strip():
        raise SettingsError(f"{key}: empty, expected a value (or unset it)")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{key}: got {text!r}, expected a whole number") from None
    return Path(text) if kind is Path else text
