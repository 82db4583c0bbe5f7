"""The Open Inference Protocol (KServe V2) over HTTP, with its binary tensor extension.

A column is one tensor, FP32 (NaN or null: missing) or BYTES (text; "": missing), of shape [n] or [n, 1];
a column that is not sent is missing. Values are read as those of any other route are.
https://github.com/kserve/open-inference-protocol
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from leadscore import __version__
from leadscore.card import MODEL, Card
from leadscore.columns import ColumnError, Lead, LeadError
from leadscore.serving import problems
from leadscore.serving.answers import Answers
from leadscore.serving.direct import read, refused
from leadscore.serving.leads import Leads, Reader
from leadscore.serving.limits import LARGE

JSON_LENGTH: Final = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON; binary tensors follow them."""

OUTPUTS: Final = ("probability", "contributions")
VALUE: Final = {"number": "FP32", "category": "BYTES"}


class Tensor(BaseModel):
    """One column of a request."""

    name: str = Field(description="A column, by its name.")
    shape: list[int] = Field(min_length=1, max_length=2, examples=[[2, 1]])
    datatype: str = Field(examples=["FP32"])
    data: list[Any] | None = Field(default=None, examples=[[5, 7]])
    parameters: dict[str, Any] = {}


class Output(BaseModel):
    """An output asked for."""

    name: str = Field(examples=["probability"])
    parameters: dict[str, Any] = {}


class Inference(BaseModel):
    """An inference request."""

    id: str | None = None
    parameters: dict[str, Any] = {}
    inputs: list[Tensor] = Field(min_length=1)
    outputs: list[Output] = []


class OutputTensor(BaseModel):
    """One output of an answer."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float] | None = None
    parameters: dict[str, Any] | None = None


class Inferred(BaseModel):
    """The answer to an inference request."""

    model_name: str
    model_version: str
    id: str | None = None
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


def router(answers: Answers, card: Card, reader: Reader, max_batch: int) -> APIRouter:
    """The protocol's routes for one model."""
    routes = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
    model = "/models/{name}"
    unknown = problems.described(404, "No such model or version.")
    metadata = ModelMetadata(
        name=MODEL,
        versions=[card.version],
        platform="onnx_onnxruntime",
        inputs=[
            TensorMetadata(name=c.name, datatype=VALUE[c.kind], shape=[-1, 1])
            for c in card.dictionary.features
        ],
        outputs=[
            TensorMetadata(name="probability", datatype="FP32", shape=[-1]),
            TensorMetadata(
                name="contributions", datatype="FP32", shape=[-1, len(card.dictionary.features)]
            ),
        ],
    )
    name_path = Annotated[str, Path(examples=[MODEL])]

    def check(name: str, version: str | None) -> None:
        if name != MODEL or version not in (None, card.version):
            raise HTTPException(404, f"No such model; there is {MODEL} in version {card.version}.")

    @routes.get("", summary="The server")
    async def server() -> ServerMetadata:
        return ServerMetadata(name="leadscore", version=__version__, extensions=["binary_tensor_data"])

    @routes.get("/health/live", summary="Is the process alive?")
    async def live() -> Live:
        return Live(live=True)

    @routes.get("/health/ready", summary="Is a verified model loaded?", response_model_exclude_none=True)
    async def ready() -> ModelReady:
        return ModelReady(ready=True)

    @routes.get(model, responses=unknown, summary="The model's inputs and outputs")
    @routes.get(f"{model}/versions/{{version}}", responses=unknown, include_in_schema=False)
    async def describe(name: name_path, version: str | None = None) -> ModelMetadata:
        check(name, version)
        return metadata

    @routes.get(f"{model}/ready", responses=unknown, summary="Is the model ready?")
    @routes.get(f"{model}/versions/{{version}}/ready", responses=unknown, include_in_schema=False)
    async def model_ready(name: name_path, version: str | None = None) -> ModelReady:
        check(name, version)
        return ModelReady(ready=True, name=name)

    schema = Inference.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs")

    @routes.post(
        f"{model}/infer",
        response_model=Inferred,
        responses={**problems.RESPONSES, **unknown},
        summary="Score tensors, one for each column",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _inlined(schema, definitions)}},
            }
        },
    )
    @routes.post(f"{model}/versions/{{version}}/infer", include_in_schema=False)
    async def infer(request: Request, name: name_path, version: str | None = None) -> Response:
        check(name, version)
        body = await read(request.receive)
        length = request.headers.get(JSON_LENGTH)
        if len(body) > LARGE:  # it must not hold up the event loop
            return await run_in_threadpool(_infer, body, length, answers, card, reader, max_batch)
        return _infer(body, length, answers, card, reader, max_batch)

    return routes


def _infer(
    body: bytes,
    json_length: str | None,
    answers: Answers,
    card: Card,
    reader: Reader,
    max_batch: int,
) -> Response:
    inference, binary = _parsed(body, json_length)
    asked = inference.outputs or [Output(name=name) for name in OUTPUTS]
    for output in asked:
        if output.name not in OUTPUTS:
            raise HTTPException(422, f"No output {output.name[:80]!r}; there are {', '.join(OUTPUTS)}.")
    columns = _columns(inference.inputs, binary, card, max_batch)
    outputs = dict(zip(OUTPUTS, answers.score(_leads(columns, reader)), strict=True))
    return _answer(inference, asked, outputs, card)


def _parsed(body: bytes, json_length: str | None) -> tuple[Inference, bytes]:
    """The request's JSON and the bytes after it."""
    size = len(body)
    if json_length is not None:
        size = int(json_length) if json_length.isascii() and json_length.isdigit() else -1
    if not 0 <= size <= len(body):
        raise HTTPException(400, f"{JSON_LENGTH}: expected a number of bytes of this body")
    try:
        return Inference.model_validate_json(body[:size]), body[size:]
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise HTTPException(400, f"The body is not JSON: {first['ctx']['error']}.") from None
        raise refused("body", error) from None


def _columns(tensors: Sequence[Tensor], binary: bytes, card: Card, most: int) -> dict[str, list[Any]]:
    """The values of each column sent, the same number of each."""
    found: dict[str, list[Any]] = {}
    leads = tensors[0].shape[0]
    for place, tensor in enumerate(tensors):
        try:
            _check(tensor, leads, card, most)
            if tensor.name in found:
                raise ColumnError(tensor.name, tensor.name, "each column once")
            size = tensor.parameters.get("binary_data_size")
            if size is None:
                values = _flat(tensor.data)
            else:
                if type(size) is not int or not 0 <= size <= len(binary):
                    raise ColumnError(tensor.name, size, "a binary_data_size within the body")
                values, binary = _unpacked(tensor, binary[:size]), binary[size:]
            if len(values) != leads:
                raise ColumnError(tensor.name, f"{len(values)} values", f"{leads} values")
        except ColumnError as error:
            raise RequestValidationError([_entry([place], error)]) from None
        found[tensor.name] = values
    return found


def _check(tensor: Tensor, leads: int, card: Card, most: int) -> None:
    """Raise ColumnError if a tensor is not of its column's type, or not of so many leads."""
    if not 1 <= leads <= most:
        raise ColumnError(tensor.name, tensor.shape, f"a shape of 1 to {most} leads")
    if tensor.shape not in ([leads], [leads, 1]):
        raise ColumnError(tensor.name, tensor.shape, f"the shape [{leads}, 1]")
    column = card.dictionary.by_key.get(tensor.name)
    if column is not None and tensor.datatype != VALUE[column.kind]:
        raise ColumnError(tensor.name, tensor.datatype, f"datatype {VALUE[column.kind]}")


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


def _leads(columns: Mapping[str, list[Any]], reader: Reader) -> Leads:
    """The leads, one from each row of the columns; all that is wrong with them at once."""
    if found := reader.columns(columns, len(next(iter(columns.values())))):
        return found
    leads: list[Lead] = []
    errors: list[dict[str, Any]] = []
    places = {name: place for place, name in enumerate(columns)}
    for row, values in enumerate(zip(*columns.values(), strict=True)):
        try:
            lead, _ = reader.carefully(dict(zip(columns, values, strict=True)))
            leads.append(lead)
        except LeadError as error:
            errors += [_entry([places[one.column], "data", row], one) for one in error.errors]
    if errors:
        raise RequestValidationError(errors)
    return Leads.of(leads)


def _entry(place: Sequence[str | int], error: ColumnError) -> dict[str, Any]:
    """A wrong value, as pydantic reports one."""
    return {"type": "value_error", "loc": ("body", "inputs", *place), "ctx": {"error": error}}


def _answer(
    inference: Inference,
    asked: Sequence[Output],
    outputs: Mapping[str, NDArray[np.float64]],
    card: Card,
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
    answer = Inferred(
        model_name=MODEL, model_version=card.version, id=inference.id, outputs=tensors
    ).model_dump_json(exclude_none=True)
    if not binary:
        return Response(answer, media_type="application/json")
    head = answer.encode()
    return Response(
        head + b"".join(binary),
        media_type="application/octet-stream",
        headers={JSON_LENGTH: str(len(head))},
    )


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A JSON schema without references."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    return [_inlined(value, definitions) for value in schema] if isinstance(schema, list) else schema
