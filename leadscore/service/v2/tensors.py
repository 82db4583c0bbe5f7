"""Tensors of the Open Inference Protocol -> raw columns, and the model's outputs -> tensors.

A column is one tensor of shape [n] or [n, 1], in JSON or in the binary extension behind it; null, NaN
and "" are missing, and so is a column that is not sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.responses import Response

from leadscore.card import MODEL
from leadscore.columns import Column
from leadscore.dictionary import Dictionary
from leadscore.service import problems
from leadscore.service.problems import FieldError
from leadscore.service.v2.datatypes import (
    DATATYPES,
    TensorError,
    cast,
    decoded,
    from_binary,
    from_json,
)
from leadscore.service.v2.types import Inference, Inferred, Output, OutputTensor, Tensor

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
                raise TensorError(("data",), f"{len(values)} values", f"{count} values")
            values = cast(decoded(tensor, values), tensor.datatype, column.kind)
        except TensorError as error:
            wrong = FieldError(
                pointer=problems.pointer(("inputs", place, *error.place)),
                value=error.value,
                expected=error.expected,
            )
            raise problems.invalid([wrong]) from None
        if column.role == "feature":
            found[column.name], places[column.name] = values, place
    if binary:
        raise HTTPException(422, f"{len(binary):,} bytes behind the JSON belong to no tensor.")
    return RawColumns(found, places, count)


def _check_shape(tensor: Tensor, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise TensorError(("shape",), tensor.shape, f"a shape of 1 to {most} leads")
    if tensor.shape not in ([count], [count, 1]):
        raise TensorError(("shape",), tensor.shape, f"the shape [{count}, 1]")


def _column(tensor: Tensor, dictionary: Dictionary, keys: dict[str, str]) -> Column:
    """The column a tensor is of; `keys`: by column, the names of the tensors before, and this one's."""
    name = tensor.name
    if (column := dictionary.find(name)) is None:
        raise TensorError(("name",), name, dictionary.hint(name))
    if column.refused:
        raise TensorError(("name",), name, f"this column to be left out: {column.reason}")
    if other := keys.get(column.name):
        again = "" if other == name else f", it is also given as {other!r}"
        raise TensorError(("name",), name, f"this column once{again}")
    keys[column.name] = name
    if tensor.datatype not in DATATYPES:
        raise TensorError(("datatype",), tensor.datatype, f"one of {', '.join(DATATYPES)}")
    return column


def _values(tensor: Tensor, binary: bytes) -> tuple[list[Any], bytes]:
    """A tensor's values, and the bytes that belong to those after it."""
    parameters = tensor.parameters or {}
    if "shared_memory_region" in parameters:
        expected = "the data in the request, no shared memory"
        raise TensorError(("parameters", "shared_memory_region"), "a region", expected)
    size = parameters.get("binary_data_size")
    if size is None:
        return from_json(tensor.datatype, tensor.data), binary
    if type(size) is not int or not 0 <= size <= len(binary):
        expected = f"a number of bytes of the {len(binary)} that follow"
        raise TensorError(("parameters", "binary_data_size"), size, expected)
    return from_binary(tensor.datatype, binary[:size]), binary[size:]


def answer(
    inference: Inference,
    asked: Sequence[Output],
    outputs: Mapping[str, NDArray[np.float64]],
    version: str,
) -> Response:
    """The outputs asked for as JSON or, where that is asked for, in binary form."""
    everything = bool((inference.parameters or {}).get("binary_data_output"))
    tensors, binary = [], []
    for output in asked:
        values = outputs[output.name].astype("<f4")
        tensor = OutputTensor(name=output.name, datatype="FP32", shape=list(values.shape))
        if (output.parameters or {}).get("binary_data", everything):
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
