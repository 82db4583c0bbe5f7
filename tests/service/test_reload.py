"""Reload: a new model takes over without a failed request; a bad one does not."""

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from leadscore.card import METADATA_KEY
from leadscore.files import replace_file
from leadscore.scorer import Scorer
from tests.conftest import MODEL, Serve, Server
from tests.models import rewritten

KEY = {"x-api-key": "key"}
OTHER = "another"  # version


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The model file of a service."""
    return Path(shutil.copy(MODEL, tmp_path / "model.onnx"))


@pytest.fixture
def server(request: pytest.FixtureRequest, serve: Serve, model: Path) -> Iterator[Server]:
    """A service with a model file of its own."""
    with serve(
        LEADSCORE_MODEL=str(model), LEADSCORE_API_KEYS="key", LEADSCORE_WORKERS=request.param
    ) as server:
        for client in (server, server.anew):
            client.headers.update(KEY)
        started = "Application startup complete"
        server.wait_for(
            lambda: server.log.read_text().count(started) == int(request.param), "every worker"
        )
        yield server


def _versions(server: Server) -> set[str]:
    """The models that answer now, in every worker."""

    def ask(_: int) -> str:
        answer = server.anew.post("/predict", json={})
        assert answer.headers["x-model-version"] == answer.json()["model_version"]
        return str(answer.json()["model_version"])

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(ask, range(24)))


@contextmanager
def _load(server: Server) -> Iterator[set[str]]:
    """Others ask for scores meanwhile; none of them may fail. The versions that answered them."""
    stop, failures, seen = threading.Event(), [], set()

    def ask() -> None:
        with httpx2.Client(base_url=server.base_url, headers=KEY, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/predict", json={"total_visits": 5})
                if answer.status_code != 200:
                    failures.append(answer.text)
                seen.add(answer.json()["model_version"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.parametrize(
    ("server", "how"),
    [
        ("2", "route"),
        pytest.param("1", "route", marks=pytest.mark.slow),
        pytest.param("1", "signal", marks=pytest.mark.slow),
        pytest.param("2", "signal", marks=pytest.mark.slow),
    ],
    indirect=["server"],
)
def test_reload_under_load_fails_no_request(
    server: Server, model: Path, how: str, scorer: Scorer
) -> None:
    """Every worker answers by the new model soon after, and nobody notices but by the version."""
    with _load(server) as seen:
        server.wait_for(lambda: seen, "the first answer")
        replace_file(model, rewritten(version=OTHER))
        if how == "route":
            answer = server.post("/model/reload").raise_for_status().json()
            assert answer == {"model_version": OTHER, "previous_version": scorer.card.version}
        else:
            server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: _versions(server) == {OTHER}, "all workers on the new model")
    assert seen == {scorer.card.version, OTHER}
    assert server.get("/ready").json()["model_version"] == OTHER
    assert server.get("/model").json()["version"] == OTHER


@pytest.mark.parametrize("server", ["1", pytest.param("2", marks=pytest.mark.slow)], indirect=True)
def test_bad_file_changes_nothing(server: Server, model: Path, scorer: Scorer) -> None:
    """Whatever is wrong with the file, the old model stays and the answer says why, without a path."""
    whole, version = MODEL.read_bytes(), scorer.card.version
    golden = [vars(entry) for entry in scorer.card.golden]
    tampered = [{**golden[0], "probability": golden[0]["probability"] + 0.01}, *golden[1:]]
    name = METADATA_KEY.encode()
    assert whole.count(b"total") > 1
    bad: dict[str, Callable[[Path], object]] = {
        "cannot be read": lambda path: path.unlink(),
        "no seal": lambda path: replace_file(path, b""),
        "no seal: damaged": lambda path: replace_file(path, whole[: len(whole) // 2]),
        "changed since it was sealed": lambda path: replace_file(
            path, whole.replace(b"total", b"totem", 1)
        ),
        "damaged, or changed": lambda path: replace_file(path, whole.replace(name, name[::-1], 1)),
        "golden lead": lambda path: replace_file(path, rewritten(golden=tampered)),
        "card format": lambda path: replace_file(path, rewritten(format=1)),
    }
    for reason, spoil in bad.items():
        spoil(model)
        answer = server.post("/model/reload")
        assert answer.status_code == 409, answer.text
        assert reason in answer.json()["detail"]
        assert str(model.parent) not in answer.text
        server.process.send_signal(signal.SIGHUP)
    server.wait_for(lambda: "model not reloaded" in server.log.read_text(), "the reason in the log")
    assert _versions(server) == {version}
    assert server.get("/ready").json()["model_version"] == version
    assert 'leadscore_reloads_total{outcome="refused"}' in server.get("/metrics").text


@pytest.mark.slow
@pytest.mark.parametrize("server", ["1"], indirect=True)
def test_reloads_leave_nothing_behind(server: Server) -> None:
    """After a hundred reloads the process occupies what it did after the first ten."""

    def resident() -> int:
        pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096

    def reload(times: int) -> None:
        for _ in range(times):
            server.post("/model/reload").raise_for_status()

    reload(10)
    before = resident()
    reload(100)
    assert resident() - before < 30e6
