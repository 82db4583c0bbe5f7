"""The Open Inference Protocol, by a client nobody here wrote, and by hand where it goes wrong."""

import csv
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from leadscore.scorer import Scorer
from tests.conftest import ROOT, TWIN, Serve, Server

INFER = "/v2/models/lead_conversion/infer"


@pytest.fixture
def triton(client: Server) -> Iterator[Any]:
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


def test_real_client_finds_the_model(triton: Any, scorer: Scorer) -> None:
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


def test_real_client_gets_the_scores(triton: Any, scorer: Scorer) -> None:
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


def test_real_client_may_speak_json(triton: Any, scorer: Scorer) -> None:
    """Tensors as JSON, one output alone, also as JSON; columns left out are missing."""
    import tritonclient.http  # noqa: PLC0415

    values = {"total_visits": np.array([[5], [7]], np.float32)}
    output = tritonclient.http.InferRequestedOutput("probability", binary_data=False)
    answer = triton.infer("lead_conversion", _tensors(values, binary=False), outputs=[output])
    expected, _ = scorer.run(scorer.inputs([{"total_visits": 5}, {"total_visits": 7}]))
    assert answer.as_numpy("probability") == pytest.approx(expected, abs=1e-6)
    assert answer.as_numpy("contributions") is None


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_real_client_may_pack(triton: Any, scorer: Scorer, algorithm: str) -> None:
    """What it sends and what it gets, in binary form and as JSON."""
    values = {"total_visits": np.array([[5]] * 500, np.float32)}
    expected, _ = scorer.run(scorer.inputs([{"total_visits": 5}] * 500))
    for binary in (True, False):
        answer = triton.infer(
            "lead_conversion",
            _tensors(values, binary=binary),
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
        assert answer.as_numpy("probability") == pytest.approx(expected, abs=1e-6)


def test_real_client_understands_refusals(triton: Any) -> None:
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
