"""The Open Inference Protocol, by a client nobody here wrote, and by hand where it goes wrong."""

import csv
import struct

import httpx2
import numpy as np
import pytest

from leadscore.scorer import Scorer
from tests.conftest import ROOT, TWIN, Serve, Server

INFER = "/v2/models/lead_conversion/infer"


@pytest.fixture
def triton(client: Server):  # noqa: ANN201  (a library without types)
    """NVIDIA's client, connected to the service."""
    library = pytest.importorskip("tritonclient.http", reason="published for Linux alone")
    with library.InferenceServerClient(f"{client.base_url.host}:{client.base_url.port}") as found:
        yield found


def _tensors(values: dict[str, np.ndarray], binary: bool) -> list[object]:
    import tritonclient.http  # noqa: PLC0415  (see above)

    found = []
    for name, array in values.items():
        kind = "FP32" if array.dtype == np.float32 else "BYTES"
        found.append(tritonclient.http.InferInput(name, list(array.shape), kind))
        found[-1].set_data_from_numpy(array, binary_data=binary)
    return found


def test_real_client_finds_the_model(triton: object, scorer: Scorer) -> None:
    """Health, readiness and metadata, as it asks for them."""
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("lead_conversion")
    assert triton.is_model_ready("lead_conversion", scorer.card.version)
    assert not triton.is_model_ready("another")
    metadata = triton.get_model_metadata("lead_conversion")
    assert metadata["versions"] == [scorer.card.version]
    assert [entry["name"] for entry in metadata["inputs"]] == [
        column.name for column in scorer.card.dictionary.features
    ]
    assert triton.get_server_metadata()["name"] == "leadscore"


def test_real_client_gets_the_scores(triton: object, scorer: Scorer) -> None:
    """Whole leads in binary tensors: the numbers of the scorer, also by threads for a large request."""
    with TWIN.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:2000]
    features = scorer.card.dictionary.features
    values = scorer.inputs([{c.name: row[c.source] for c in features} for row in rows])
    probability, contributions = scorer.run(values)
    for count in (1, 3, len(probability)):
        part = {name: array[:count] for name, array in values.items()}
        answer = triton.infer("lead_conversion", _tensors(part, binary=True), request_id="seven")
        assert answer.get_response()["id"] == "seven"
        assert answer.get_response()["model_version"] == scorer.card.version
        assert answer.as_numpy("probability") == pytest.approx(probability[:count], abs=1e-6)
        assert answer.as_numpy("contributions") == pytest.approx(contributions[:count], abs=1e-6)


def test_real_client_may_speak_json(triton: object, scorer: Scorer) -> None:
    """Tensors as JSON, one output alone, also as JSON; columns left out are missing."""
    import tritonclient.http  # noqa: PLC0415

    values = {"total_visits": np.array([[5], [7]], np.float32)}
    output = tritonclient.http.InferRequestedOutput("probability", binary_data=False)
    answer = triton.infer("lead_conversion", _tensors(values, binary=False), outputs=[output])
    expected, _ = scorer.run(scorer.inputs([{"total_visits": 5}, {"total_visits": 7}]))
    assert answer.as_numpy("probability") == pytest.approx(expected, abs=1e-6)
    assert answer.as_numpy("contributions") is None


def test_real_client_understands_refusals(triton: object) -> None:
    """It shows its user what was wrong and where."""
    import tritonclient.utils  # noqa: PLC0415

    values = {"total_visits": np.array([[5], [-1]], np.float32)}
    with pytest.raises(tritonclient.utils.InferenceServerException, match="at least 0") as caught:
        triton.infer("lead_conversion", _tensors(values, binary=True))
    assert "/inputs/0/data/1" in str(caught.value)


def test_real_client_sends_its_key(serve: Serve) -> None:
    """Guarded like any other route, with health left open."""
    library = pytest.importorskip("tritonclient.http")
    with (
        serve(LEADSCORE_API_KEYS="key") as server,
        library.InferenceServerClient(f"{server.base_url.host}:{server.base_url.port}") as client,
    ):
        values = _tensors({"total_visits": np.array([[5]], np.float32)}, binary=True)
        assert client.is_server_ready()
        with pytest.raises(Exception, match="A key is needed"):
            client.infer("lead_conversion", values)
        assert client.infer("lead_conversion", values, headers={"authorization": "Bearer key"})


def test_documented_request_is_answered(client: Server) -> None:
    """The tensors of docs/api.md, as they stand there."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    body = text.split("/infer -d '", 1)[1].split("'", 1)[0]
    answer = client.post(INFER, content=body).raise_for_status().json()
    assert [output["shape"][0] for output in answer["outputs"]] == [2, 2]


def _input(**changes: object) -> dict[str, object]:
    return {"name": "total_visits", "shape": [1, 1], "datatype": "FP32", "data": [5], **changes}


@pytest.mark.parametrize(
    ("inputs", "detail"),
    [
        ([], "/inputs"),
        ([_input(name="tags", datatype="BYTES")], "Written by the salesperson"),
        ([_input(name="colour")], "one of the columns"),
        ([_input(datatype="INT64")], "datatype FP32"),
        ([_input(datatype="BYTES")], "datatype FP32"),
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
    ("length", "content", "status"),
    [
        ("10", b"{}", 400),
        ("-1", b"{}", 400),
        ("x", b"{}", 400),
        ("\u00b2".encode().decode("latin-1"), b"{}", 400),
        ("2", b"{}xxxx", 422),
    ],
)
def test_wrong_length_of_the_json_part_is_refused(
    client: Server, length: str, content: bytes, status: int
) -> None:
    """Whatever the header says, the body decides."""
    headers = {"inference-header-content-length": length.encode("latin-1")}
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
    "path", ["/v2/models/another", "/v2/models/lead_conversion/versions/0", "/v2/models/x/ready"]
)
def test_unknown_model_is_404(client: Server, path: str) -> None:
    """Also another version than the one loaded."""
    answer = client.get(path)
    assert answer.status_code == 404
    assert "lead_conversion" in answer.json()["error"]


@pytest.mark.parametrize("body", ["[]", "5", "null", '"x"', "[{}]", "{}"])
def test_json_that_is_no_request_is_refused(client: httpx2.Client, body: str) -> None:
    """Any other JSON document is a 422 that says what was expected."""
    answer = client.post("/v2/models/lead_conversion/infer", content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


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
    assert "shared memory" in answer.json()["errors"][0]["value"]
