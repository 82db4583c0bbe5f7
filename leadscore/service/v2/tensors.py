"""Tensors of the Open Inference Protocol -> raw columns, and the model's outputs -> tensors.

A column is one tensor, FP32 (NaN or null: missing) or BYTES (text; "": missing), of shape [n] or [n, 1];
a column that is not sent is missing. In JSON, or in the binary extension behind it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.responses import Response

from leadscore.card import MODEL
from leadscore.columns import Column, ColumnError, Dictionary
from leadscore.service import problems
from leadscore.service.v2.types import DATATYPES, Inference, Inferred, Output, OutputTensor, Tensor

JSON_LENGTH: Final = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON; binary tensors follow them."""


class RawColumns(NamedTuple):
    """The raw values of each feature sent, by name, of `leads` leads; `places`: of their tensors."""

    values: dict[str, list[Any]]
    places: dict[str, int]
    leads: int


def raw_columns(
    tensors: Sequence[Tensor], binary: bytes, dictionary: Dictionary, most: int
) -> RawColumns:
    """The columns of 1 to `most` leads. ProblemError: a tensor is not what its column takes."""
    found: dict[str, list[Any]] = {}
    places: dict[str, int] = {}
    keys: dict[str, str] = {}
    count = tensors[0].shape[0]
    for place, tensor in enumerate(tensors):
        try:
            _check_shape(tensor, count, most)
            column = _column(tensor, dictionary, keys)
            values, binary = _values(tensor, binary)
            if len(values) != count:
                raise ColumnError(tensor.name, f"{len(values)} values", f"{count} values")
        except ColumnError as error:
            raise problems.invalid([problems.field_error(("inputs", place), error)]) from None
        if column.role == "feature":
            found[column.name], places[column.name] = values, place
    if binary:
        raise HTTPException(422, f"{len(binary):,} bytes behind the JSON belong to no tensor.")
    return RawColumns(found, places, count)


def _check_shape(tensor: Tensor, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ColumnError(tensor.name, tensor.shape, f"a shape of 1 to {most} leads")
    if tensor.shape not in ([count], [count, 1]):
        raise ColumnError(tensor.name, tensor.shape, f"the shape [{count}, 1]")


def _column(tensor: Tensor, dictionary: Dictionary, keys: dict[str, str]) -> Column:
    """The column a tensor is of; `keys`: by column, the names of the tensors before, and this one's."""
    name = tensor.name
    if (column := dictionary.find(name)) is None:
        raise ColumnError(name, name, dictionary.hint(name))
    if column.refused:
        raise ColumnError(name, name, f"this column to be left out: {column.why}")
    if other := keys.get(column.name):
        again = "" if other == name else f", it is also given as {other!r}"
        raise ColumnError(name, name, f"this column once{again}")
    keys[column.name] = name
    if tensor.datatype != DATATYPES[column.kind]:
        raise ColumnError(name, tensor.datatype, f"datatype {DATATYPES[column.kind]}")
    return column


def _values(tensor: Tensor, binary: bytes) -> tuple[list[Any], bytes]:
    """A tensor's values, and the bytes that belong to those after it."""
    if "shared_memory_region" in tensor.parameters:
        raise ColumnError(tensor.name, "a shared memory region", "the data in the request")
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        return _flat(tensor.data), binary
    if type(size) is not int or not 0 <= size <= len(binary):
        raise ColumnError(tensor.name, size, "a binary_data_size within the body")
    return _unpacked(tensor, binary[:size]), binary[size:]


def _flat(data: list[Any] | None) -> list[Any]:
    """Row-major data, flat or nested as its shape is."""
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data or ()]


def _unpacked(tensor: Tensor, content: bytes) -> list[Any]:
    """The values of a binary tensor: little-endian numbers, or texts that each follow their length."""
    try:
        if tensor.datatype == "FP32":
            numbers: list[float] = np.frombuffer(content, "<f4").tolist()
            return numbers
        return list(_texts(content))
    except (ValueError, struct.error):  # of UTF-8, too
        raise ColumnError(
            tensor.name, f"{len(content)} bytes", f"{tensor.datatype} in binary form"
        ) from None


def _texts(content: bytes) -> Iterator[str]:
    start = 0
    while start < len(content):
        (length,) = struct.unpack_from("<I", content, start)
        start += 4
        if start + length > len(content):
            raise ValueError
        yield content[start : start + length].decode()
        start += length


def answer(
    inference: Inference,
    asked: Sequence[Output],
    outputs: Mapping[str, NDArray[np.float64]],
    version: str,
) -> Response:
    """The outputs asked for as JSON or, where that is asked for, in binary form."""
    everything = bool(inference.parameters.get("binary_data_output"))
    tensors, binary = [], []
    for output in asked:
        values = outputs[output.name].astype("<f4")
        tensor = OutputTensor(name=output.name, datatype="FP32", shape=list(values.shape))
        if output.parameters.get("binary_data", everything):
            binary.append(values.tobytes())
            tensor.parameters = {"binary_data_size": values.nbytes}
        else:
            tensor.data = values.reshape(-1).tolist()
        tensors.append(tensor)
    head = (
        Inferred(model_name=MODEL, model_version=version, id=inference.id, outputs=tensors)
        .model_dump_json(exclude_none=True)
        .encode()
    )
    if not binary:
        return Response(head, media_type="application/json")
    return Response(
        head + b"".join(binary),
        media_type="application/octet-stream",
        headers={JSON_LENGTH: str(len(head))},
    )
