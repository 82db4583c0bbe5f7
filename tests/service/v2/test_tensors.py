"""Tensors: the types they come in, and each way in which one can be wrong."""

import struct

import httpx2
import numpy as np
import pytest

from tests.conftest import Server

INFER = "/v2/models/lead_conversion/infer"


def _input(**changes: object) -> dict[str, object]:
    return {"name": "total_visits", "shape": [1, 1], "datatype": "FP32", "data": [5], **changes}


@pytest.mark.parametrize(
    ("inputs", "detail"),
    [
        ([], "/inputs"),
        ([_input(name="tags", datatype="BYTES")], "Written by the salesperson"),
        ([_input(name="colour")], "one of the columns"),
        ([_input(datatype="INT128")], "/inputs/0/datatype"),
        ([_input(datatype="BYTES")], "/inputs/0/data/0: expected text"),
        ([_input(datatype="INT64", data=[3.5])], "/inputs/0/data/0: expected a whole number"),
        ([_input(datatype="INT64", data=[True])], "a whole number"),
        ([_input(datatype="INT64", data=["3"])], "a whole number"),
        ([_input(datatype="INT8", data=[128])], "-128 to 127"),
        ([_input(datatype="UINT8", data=[-1])], "0 to 255"),
        ([_input(datatype="FP16", data=[70000])], "at most 65504"),
        ([_input(datatype="BOOL", data=[2])], "true or false"),
        ([_input(name="city", datatype="FP64", data=[1.5])], "/inputs/0/data/0: expected text"),
        ([_input(parameters={"content_type": "datetime"})], "/inputs/0/parameters/content_type"),
        ([_input(parameters={"content_type": ["np"]})], "/inputs/0/parameters/content_type"),
        ([_input(parameters={"content_type": {"np": 1}})], "/inputs/0/parameters/content_type"),
        ([_input(parameters={"content_type": "base64"})], "np for the datatype FP32"),
        (
            [_input(name="city", datatype="BYTES", data=["?"], parameters={"content_type": "base64"})],
            "/inputs/0/data/0",
        ),
        ([_input(shape=[2, 1])], "2 values"),
        ([_input(shape=[1, 2])], "shape [1, 1]"),
        ([_input(shape=[0])], "1 to 10000"),
        ([_input(shape=[-1])], "1 to 10000"),
        ([_input(shape=[10**9])], "1 to 10000"),
        ([_input(shape=[])], "/inputs/0/shape"),
        ([_input(data=None)], "1 values"),
        ([_input(data=["many"])], "a number of at least 0"),
        ([_input(data=[[5, 6]])], "a number of at least 0"),
        ([_input(data=[1e39])], "a number of at least 0"),
        ([_input(), _input()], "this column once"),
        ([_input(), _input(name="TotalVisits")], "also given as"),
        (
            [_input(), {"name": "city", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}],
            "shape [1",
        ),
        ([_input(name="city", datatype="BYTES", data=["x" * 1001])], "at most 1000 characters"),
        ([_input(name="city", datatype="BYTES", data=[5])], "text or null"),
        ([_input(parameters={"binary_data_size": 4})], "binary_data_size"),
        ([_input(parameters={"binary_data_size": -1})], "binary_data_size"),
        ([_input(parameters={"binary_data_size": True})], "binary_data_size"),
    ],
    ids=str,
)
def test_wrong_tensor_is_named(client: Server, inputs: list[object], detail: str) -> None:
    """A 422 with the place and what was expected, in `error`, too, which clients show."""
    answer = client.post(INFER, json={"inputs": inputs})
    assert answer.status_code == 422, answer.text
    document = answer.json()
    assert (
        detail
        in document["errors"][0]["pointer"] + document["errors"][0]["expected"] + document["detail"]
    )
    assert document["error"] == document["detail"]


@pytest.mark.parametrize(
    "tensor",
    [
        _input(
            name="city",
            datatype="BYTES",
            data=["[" * 100_000],
            parameters={"content_type": "pd_json"},
        ),
        _input(name="city", data=[10**400]),
        _input(data=[10**400]),
    ],
    ids=["nested without end", "digits in a category", "digits in a number"],
)
def test_value_beyond_measure_is_refused(client: Server, tensor: dict[str, object]) -> None:
    """What Python itself cannot read or hold is a wrong value like any other."""
    answer = client.post(INFER, json={"inputs": [tensor]})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/inputs/0/data/0"


def _probability(client: Server, *inputs: object, **request: object) -> list[float]:
    answer = client.post(INFER, json={"inputs": inputs, **request})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["outputs"][0]["data"])


@pytest.mark.parametrize(
    "datatype",
    ["FP16", "FP64", *(f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64))],
)
def test_numbers_of_any_type_are_read(client: Server, datatype: str) -> None:
    """The same score as of the type the model reads; null is missing; in binary form, too."""
    expected = _probability(client, _input(shape=[2], data=[3, None]))
    assert _probability(client, _input(shape=[2], data=[3, None], datatype=datatype)) == expected
    size, code = int(datatype.lstrip("UINTFP")) // 8, datatype[0].lower()
    content = np.array([3], f"<{code}{size}").tobytes()
    tensor = _input(data=None, datatype=datatype, parameters={"binary_data_size": len(content)})
    head = httpx2.Request("POST", "http://x", json={"inputs": [tensor]}).read()
    answer = client.post(
        INFER, content=head + content, headers={"inference-header-content-length": str(len(head))}
    )
    assert answer.json()["outputs"][0]["data"] == expected[:1]


def test_booleans_and_texts_are_numbers_where_a_column_is(client: Server) -> None:
    """true is 1; text is read as in every other request."""
    expected = _probability(client, _input(data=[1]))
    assert _probability(client, _input(data=[True], datatype="BOOL")) == expected
    assert _probability(client, _input(data=["1"], datatype="BYTES")) == expected


def test_whole_numbers_are_levels_where_a_column_is_text(client: Server) -> None:
    """A code is its digits, whichever type it came in; NaN is missing."""
    for datatype, value in (("INT64", 7), ("FP64", 7.0)):
        codes = _input(name="city", datatype=datatype, data=[value])
        digits = _input(name="city", datatype="BYTES", data=["7"])
        assert _probability(client, codes) == _probability(client, digits)


@pytest.mark.parametrize(
    ("content_type", "value"), [("str", "Mumbai"), ("base64", "TXVtYmFp"), ("pd_json", '"Mumbai"')]
)
def test_content_types_of_mlserver_are_honoured(client: Server, content_type: str, value: str) -> None:
    """What its codecs made of a text is the text again."""
    plain = _input(name="city", datatype="BYTES", data=["Mumbai"])
    encoded = plain | {"data": [value], "parameters": {"content_type": content_type}}
    assert _probability(client, encoded) == _probability(client, plain)


def test_what_a_client_leaves_out_may_be_null(client: Server) -> None:
    """Typed clients write every field; an id may be a number, and comes back as one."""
    nulls = {"id": None, "parameters": None, "outputs": None}
    assert _probability(client, _input(parameters=None), **nulls) == _probability(client, _input())
    answer = client.post(INFER, json={"id": 7, "inputs": [_input()]})
    assert answer.json()["id"] == 7


@pytest.mark.parametrize(
    ("request_", "pointer", "expected"),
    [
        ({"id": 1.5}, "/id", "text, a whole number or null"),
        ({"id": []}, "/id", "text, a whole number or null"),
        ({"parameters": []}, "/parameters", "an object"),
        ({"outputs": {}}, "/outputs", "a list"),
        ({"outputs": [5]}, "/outputs/0", "an object"),
        ({"inputs": {}}, "/inputs", "a list"),
        ({"inputs": []}, "/inputs", "a list of at least 1"),
        ({"inputs": [5]}, "/inputs/0", "an object"),
        ({"inputs": [_input(shape="1")]}, "/inputs/0/shape", "a list"),
        ({"inputs": [_input(shape=["a"])]}, "/inputs/0/shape/0", "a whole number"),
        ({"inputs": [_input(shape=[1.5])]}, "/inputs/0/shape/0", "a whole number"),
        ({"inputs": [_input(name=5)]}, "/inputs/0/name", "text"),
        ({"inputs": [_input(data=5)]}, "/inputs/0/data", "a list"),
    ],
    ids=str,
)
def test_wrong_request_is_told_in_our_words(
    client: Server, request_: dict[str, object], pointer: str, expected: str
) -> None:
    """None of the library that reads it: it knows classes, the caller does not."""
    answer = client.post(INFER, json={"inputs": [_input()], **request_}).json()
    error = answer["errors"][0]
    assert (error["pointer"], error["expected"]) == (pointer, expected)


def test_wrong_output_is_named(client: Server) -> None:
    """Its place among those asked for, and which there are."""
    outputs = [{"name": "probability"}, {"name": "class"}]
    answer = client.post(INFER, json={"inputs": [_input()], "outputs": outputs}).json()
    assert answer["errors"][0]["pointer"] == "/outputs/1/name"
    assert "contributions" in answer["errors"][0]["expected"]


@pytest.mark.parametrize(
    ("length", "content", "status"),
    [
        ("10", b"{}", 400),
        ("-1", b"{}", 400),
        ("x", b"{}", 400),
        pytest.param("9" * 5_000, b"{}", 400, id="digits"),
        ("\u00b2".encode().decode("latin-1"), b"{}", 400),
        ("2", b"{}xxxx", 422),
    ],
)
def test_wrong_length_of_the_json_part_is_refused(
    client: Server, length: str, content: bytes, status: int
) -> None:
    """Whatever the header says, the body decides."""
    headers = {b"inference-header-content-length": length.encode("latin-1")}
    assert client.post(INFER, content=content, headers=headers).status_code == status


@pytest.mark.parametrize(
    "text",
    [b"", b"\x01", struct.pack("<I", 5) + b"ab", struct.pack("<I", 1) + b"\xff", b"\xff" * 8],
    ids=repr,
)
def test_wrong_binary_text_is_refused(client: Server, text: bytes) -> None:
    """Lengths that lead out of the body, and bytes that are no text."""
    tensor = _input(name="city", datatype="BYTES", data=None, parameters={"binary_data_size": len(text)})
    head = httpx2.Request("POST", "http://x", json={"inputs": [tensor]}).read()
    headers = {"inference-header-content-length": str(len(head))}
    answer = client.post(INFER, content=head + text, headers=headers)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "asked",
    [
        {"inputs": [_input()], "outputs": [{"name": "contributions"}] * 60},
        {"inputs": [_input()], "outputs": [{"name": "probability"}] * 2},
        {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32"}] * 100_000},
    ],
    ids=["sixty outputs", "an output twice", "countless inputs"],
)
def test_small_request_that_would_make_a_huge_answer_is_refused(
    client: Server, asked: dict[str, object]
) -> None:
    """Each output once, and no more tensors than a model could have columns."""
    answer = client.post(INFER, json=asked)
    assert answer.status_code == 422
    assert len(answer.content) < 100_000


def test_bytes_that_belong_to_no_tensor_are_refused(client: Server) -> None:
    """What stands behind the last tensor may be one whose size was forgotten."""
    head = httpx2.Request("POST", "http://x", json={"inputs": [_input()]}).read()
    headers = {"inference-header-content-length": str(len(head))}
    answer = client.post(INFER, content=head + b"\0\0\0\0", headers=headers)
    assert answer.status_code == 422
    assert "4 bytes" in answer.json()["detail"]


def test_shared_memory_is_refused_by_name(client: Server) -> None:
    """It would be read as a column without values."""
    tensor = _input(parameters={"shared_memory_region": "region"}, data=None)
    answer = client.post(INFER, json={"inputs": [tensor]})
    assert answer.status_code == 422
    assert "no shared memory" in answer.json()["errors"][0]["expected"]
