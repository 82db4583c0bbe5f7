"""The documents of the Open Inference Protocol, as pydantic reads and writes them."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, PlainValidator
from pydantic_core import PydanticCustomError

OUTPUTS: Final = ("probability", "contributions")
MOST_TENSORS: Final = 1_000  # of one request; a model with more columns is hard to think of
NATURAL: Final = {"number": "FP32", "category": "BYTES"}
"""The datatype the model itself reads, by a column's kind; others are cast."""


def _id(value: Any) -> str | int | None:
    if value is None or isinstance(value, str) or type(value) is int:
        return value
    raise PydanticCustomError("id", "")


Id = Annotated[str | int | None, PlainValidator(_id, json_schema_input_type=str | int | None)]
"""Handed back as it came."""

Parameters = dict[str, Any] | None


class Tensor(BaseModel):
    """One column of a request."""

    name: str = Field(description="A column, by its name.")
    shape: list[int] = Field(min_length=1, max_length=2, examples=[[2, 1]])
    datatype: str = Field(examples=["FP32"])
    data: list[Any] | None = Field(default=None, examples=[[5, 7]])
    parameters: Parameters = None


class Output(BaseModel):
    """An output asked for."""

    name: str = Field(examples=["probability"])
    parameters: Parameters = None


class Inference(BaseModel):
    """An inference request."""

    id: Id = None
    parameters: Parameters = None
    inputs: list[Tensor] = Field(min_length=1, max_length=MOST_TENSORS)
    outputs: list[Output] | None = Field(default=None, max_length=len(OUTPUTS))


class OutputTensor(BaseModel):
    """One output of an answer."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float] | None = None
    parameters: Parameters = None


class Inferred(BaseModel):
    """The answer to an inference request."""

    model_name: str
    model_version: str
    id: Id = None
    outputs: list[OutputTensor]


class TensorMetadata(BaseModel):
    """An input or an output; -1 stands for any number of leads."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What the model reads and answers."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """The server answers."""

    live: bool


class ModelReady(BaseModel):
    """The model is loaded and verified."""

    ready: bool
    name: str | None = None
