"""Datatypes of the Open Inference Protocol: a tensor's values, and what its column reads of them."""

import base64
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from leadscore.columns import Kind
from leadscore.service.v2.types import Tensor

INTEGERS: Final = {
    f"{sign}INT{bits}": np.dtype(f"<{code}{bits // 8}")
    for sign, code in (("", "i"), ("U", "u"))
    for bits in (8, 16, 32, 64)
}
FLOATS: Final = {f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)}
PACKED: Final = INTEGERS | FLOATS | {"BOOL": np.dtype("?")}
"""Datatypes whose binary form is that of numpy, little-endian."""

DATATYPES: Final = (*PACKED, "BYTES")


class TensorError(ValueError):
    """Something in a tensor is wrong: `place` in it, the `value` there, and what was `expected`."""

    def __init__(self, place: Sequence[str | int], value: object, expected: str) -> None:
        super().__init__(expected)
        self.place, self.value, self.expected = place, value, expected


def from_json(datatype: str, data: Sequence[Any] | None) -> list[Any]:
    """The values of a tensor in JSON: row-major, flat or nested as its shape is. null is missing.

    TensorError for a value the datatype does not hold unchanged.
    """
    values = [v[0] if isinstance(v, list) and len(v) == 1 else v for v in data or ()]
    if datatype in INTEGERS:
        bounds = np.iinfo(INTEGERS[datatype])
        low, high = int(bounds.min), int(bounds.max)
        return _each(values, lambda v: _whole(v, low, high), f"a whole number from {low} to {high}")
    if datatype == "BOOL":
        return _each(values, lambda v: bool(_whole(v, 0, 1, bool)), "true or false")
    if datatype == "BYTES":
        return _each(values, _text, "text or null")
    if datatype == "FP16":  # a larger one is infinite there
        largest = float(np.finfo(np.float16).max)
        return _each(values, lambda v: _within(v, largest), f"a number of at most {largest:g}")
    return values


def from_binary(datatype: str, content: bytes) -> list[Any]:
    """The values of a tensor in binary form: numbers, or texts that each follow their length."""
    try:
        if datatype == "BYTES":
            return list(_texts(content))
        if datatype == "BOOL" and content.translate(None, b"\0\1"):
            raise ValueError
        values: list[Any] = np.frombuffer(content, PACKED[datatype]).tolist()
    except (ValueError, struct.error):  # of UTF-8, too
        raise TensorError((), f"{len(content)} bytes", f"{datatype} in binary form") from None
    return values


def decoded(tensor: Tensor, values: list[Any]) -> list[Any]:
    """The values as the codec of MLServer meant them that the tensor names as its `content_type`."""
    content_type = (tensor.parameters or {}).get("content_type")
    if content_type in (None, "np", "str", "pd"):
        return values
    place = ("parameters", "content_type")
    if not isinstance(content_type, str) or content_type not in _CODECS:
        raise TensorError(place, content_type, f"np, str, pd, {' or '.join(_CODECS)}")
    if tensor.datatype != "BYTES":
        raise TensorError(place, content_type, f"np for the datatype {tensor.datatype}")
    decode = _CODECS[content_type]
    return _each(values, decode, f"text as the content type {content_type} encodes it")


def cast(values: list[Any], datatype: str, kind: Kind) -> list[Any]:
    """The values as a column of this kind reads them: BOOL in a number is 0 or 1, a whole number in a
    category its digits. What a category has of BOOL, the column decides.
    """
    if kind == "number":
        return [v if v is None else int(v) for v in values] if datatype == "BOOL" else values
    if datatype in INTEGERS or datatype in FLOATS:
        return _each(values, _digits, "text, or a number without a fraction")
    return values


def _each(values: list[Any], read: Callable[[Any], Any], expected: str) -> list[Any]:
    """Every value read but null; TensorError for the first that cannot be read."""
    found = []
    for place, value in enumerate(values):
        try:
            found.append(None if value is None else read(value))
        except (ValueError, OverflowError, RecursionError):
            raise TensorError(("data", place), value, expected) from None
    return found


def _whole(value: Any, low: int, high: int, *more: type) -> int:
    if type(value) in (int, float, *more) and value == value // 1 and low <= value <= high:
        return int(value)
    raise ValueError


def _within(value: Any, largest: float) -> Any:
    if isinstance(value, int | float) and abs(value) > largest:
        raise ValueError
    return value


def _digits(value: Any) -> str | None:
    if value != value:  # noqa: PLR0124  (NaN is missing)
        return None
    if isinstance(value, int | float) and float(value).is_integer():
        return str(int(value))
    raise ValueError


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004  (as what decodes texts raises)
    return value


def _of_base64(value: str) -> str:
    return base64.b64decode(value, validate=True).decode()


_CODECS: Final[dict[Any, Callable[[str], Any]]] = {"base64": _of_base64, "pd_json": json.loads}


def _texts(content: bytes) -> Iterator[str]:
    start = 0
    while start < len(content):
        (length,) = struct.unpack_from("<I", content, start)
        start += 4
        if start + length > len(content):
            raise ValueError
        yield content[start : start + length].decode()
        start += length
