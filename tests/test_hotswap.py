"""Hot swap: a new model takes over without a failed request; a bad one does not."""

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
import onnx
import pytest

from export_onnx import seal
from leadscore.card import Card, card_text, version_of
from leadscore.scorer import Scorer
from leadscore.training.files import replace_file
from tests.conftest import MODEL, Serve, Server

KEY = {"x-api-key": "key"}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model in another version."""
    return _rewritten(tmp_path_factory.mktemp("model") / "other.onnx", versions={})


def _rewritten(path: Path, **changes: object) -> Path:
    graph, content = onnx.load(MODEL), MODEL.read_bytes()
    card = replace(Card.from_json(card_text(content)), version="", **changes)
    card = replace(card, version=version_of(seal(graph, card)))
    replace_file(path, seal(graph, card))
    return path


@pytest.fixture(params=["1", "2"], ids=["one worker", "two workers"])
def server(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Iterator[Server]:
    """A service with a model file of its own."""
    model = tmp_path / "model.onnx"
    shutil.copy(MODEL, model)
    with serve(
        LEADSCORE_MODEL=str(model), LEADSCORE_API_KEYS="key", LEADSCORE_WORKERS=request.param
    ) as server:
        server.model = model
        server.headers.update(KEY)
        yield server


def _versions(server: Server) -> set[str]:
    """The models that answer now, in every worker: a new connection may go to any."""

    def ask(_: int) -> str:
        answer = httpx2.post(f"{server.base_url}/predict", json={}, headers=KEY, timeout=30)
        assert answer.headers["x-model-version"] == answer.json()["model_version"]
        return answer.json()["model_version"]

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(ask, range(24)))


@pytest.mark.parametrize("how", ["route", "signal"])
def test_reload_under_load_fails_no_request(
    server: Server, other: Path, how: str, scorer: object
) -> None:
    """Every worker answers by the new model soon after, and nobody notices but by the version."""
    stop, failures, seen = threading.Event(), [], set()

    def load() -> None:
        with httpx2.Client(base_url=server.base_url, headers=KEY, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/predict", json={"total_visits": 5})
                if answer.status_code != 200:
                    failures.append(answer.text)
                seen.add(answer.json()["model_version"])

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    version = Scorer(other).card.version
    other.with_suffix(".copy").write_bytes(other.read_bytes())
    other.with_suffix(".copy").replace(server.model)
    if how == "route":
        answer = server.post("/model/reload").raise_for_status().json()
        assert answer == {"model_version": version, "previous_version": scorer.card.version}
    else:
        server.process.send_signal(signal.SIGHUP)
    server.wait_for(lambda: _versions(server) == {version}, "all workers on the new model")
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen == {scorer.card.version, version}
    replace_file(server.model, b"")  # the same server takes the tests of bad files
    _refuses(server, version)
    assert server.get("/ready").json()["model_version"] == version


def _refuses(server: Server, version: str) -> None:
    """Whatever is wrong with the file, the old model stays and the answer says why, without a path."""
    whole = MODEL.read_bytes()
    bad: dict[str, Callable[[Path], object]] = {
        "cannot be read": lambda path: path.unlink(),
        "no card at the end": lambda path: replace_file(path, whole[: len(whole) // 2]),
        "damaged": lambda path: replace_file(path, whole.replace(b"total", b"totem", 1)),
        "not JSON": lambda path: replace_file(path, whole.replace(b'{"format"', b'["format"', 1)),
        "golden lead": lambda path: _rewritten(path, golden=_tampered()),
    }
    for reason, spoil in bad.items():
        spoil(server.model)
        answer = server.post("/model/reload")
        assert answer.status_code == 409, answer.text
        assert reason in answer.json()["detail"]
        assert str(server.model.parent) not in answer.text
        server.process.send_signal(signal.SIGHUP)
    server.wait_for(lambda: "model not reloaded" in server.log.read_text(), "the reason in the log")
    assert _versions(server) == {version}
    text = server.get("/metrics").text
    assert 'leadscore_reloads_total{outcome="refused"}' in text


def _tampered() -> tuple[object, ...]:
    first, *others = Card.from_json(card_text(MODEL.read_bytes())).golden
    return (replace(first, probability=first.probability + 0.01), *others)
