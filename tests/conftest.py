"""What the tests share: the shipped files, the data, a fitted pipeline, and real servers."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import settings
from sklearn.pipeline import Pipeline

from leadscore.columns import Dictionary
from leadscore.scorer import Scorer
from leadscore.training.dataset import Dataset, load
from leadscore.training.models import CANDIDATES, SERVED

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "lead_conversion.onnx"
TWIN = ROOT / "data" / "leads.csv"

# What runs predict.py: LEADSCORE_TEST_PYTHON may name an environment with requirements-serve.txt alone.
PYTHON = os.environ.get("LEADSCORE_TEST_PYTHON", sys.executable)

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


# Minutes each. Begun last, one would keep a process busy while the others have nothing left.
LONGEST = ("test_notebook.py", "test_train.py", "test_spark.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def dictionary() -> Dictionary:
    """The data dictionary with every role as it stands in the file."""
    return Dictionary.load(ROOT / "data" / "columns.toml")


@pytest.fixture(scope="session")
def capture(dictionary: Dictionary) -> Dictionary:
    """The dictionary of the shipped model."""
    return dictionary.known_at("capture")


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    """The shipped model."""
    return Scorer(MODEL)


@pytest.fixture(scope="session")
def original_csv() -> Path:
    """The Kaggle original, where it is present."""
    if not (path := os.environ.get("LEADS_CSV")):
        pytest.skip("LEADS_CSV does not name the Kaggle original, which is not in this repository")
    return Path(path).resolve()


@pytest.fixture(scope="session", params=["twin", "original"])
def leads(request: pytest.FixtureRequest, capture: Dictionary) -> Dataset:
    """The shipped leads, and the original ones where they are present."""
    path = TWIN if request.param == "twin" else request.getfixturevalue("original_csv")
    return load(path, capture)


@pytest.fixture(scope="session")
def pipeline(leads: Dataset) -> Pipeline:
    """The served pipeline, fitted as train.py fits it."""
    return CANDIDATES[SERVED](leads.dictionary.features, 0).fit(*leads.oldest())


class Server(httpx2.Client):
    """A client of a server process, its log and the process itself."""

    log: Path
    process: subprocess.Popen[bytes]

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def wait_for(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + 90
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"not within 90 s: {what}\n{self.log.read_text()[-5000:]}")
            time.sleep(0.05)


Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Start a real server process on a free port, as a context manager that gives a client for it."""

    @contextlib.contextmanager
    def start(*command: str, **environment: str) -> Iterator[Server]:
        arguments = command or ("predict.py", "--port", "0")
        log = tmp_path_factory.mktemp("server") / "log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LEADSCORE_")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PYTHON, *arguments],
                cwd=ROOT,
                env={**clean, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            with Server(base_url=_address(process, log), timeout=30) as client:
                client.log, client.process = log, process
                yield client
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            finally:  # a server that hangs fails its test, and leaves nothing behind
                process.kill()
                process.wait()

    return start


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server listens, once it answers."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        if process.poll() is not None:
            pytest.fail(f"the server stopped with exit code {process.returncode}:\n{text}")
        if match := re.search(r"(?:running on|Listening at:) (http://127\.0\.0\.1:\d+)", text):
            with contextlib.suppress(httpx2.TransportError):
                httpx2.get(f"{match[1]}/ready").raise_for_status()
                return match[1]
        time.sleep(0.05)
    pytest.fail(f"the server did not answer within 90 s:\n{log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def client(serve: Serve) -> Iterator[Server]:
    """A client of `python predict.py` serving the shipped model."""
    with serve() as client:
        yield client
