"""What the tests share: the shipped files, the data, a fitted pipeline, and real servers."""

import contextlib
import gc
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx2
import pytest
from hypothesis import settings

from leadscore.__main__ import main
from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from leadscore.training.dataset import Dataset

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "lead_conversion.onnx"
TWIN = ROOT / "data" / "leads.csv"
CASES = ROOT / "tests" / "cases"  # made-up files, each of a kind that CRMs and spreadsheets write

# What runs predict.py: SERVE_PYTHON may name an environment with requirements-serve.txt alone.
PYTHON = os.environ.get("SERVE_PYTHON", sys.executable)

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


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
def engine(scorer: Scorer) -> Engine:
    """The engine of the shipped model."""
    return Engine(scorer, Settings.max_text)


@pytest.fixture(scope="session")
def original_csv() -> Path:
    """The Kaggle original, where it is present."""
    if not (path := os.environ.get("LEADS_CSV")):
        pytest.skip("LEADS_CSV does not name the Kaggle original, which is not in this repository")
    return Path(path).resolve()


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of all cases, where it is present."""
    if not (path := os.environ.get("LEADS_CASES")):
        pytest.skip("LEADS_CASES does not name the folder of all cases, which is not in this repository")
    return Path(path).resolve()


@pytest.fixture(scope="session", params=["twin", "original"])
def leads(request: pytest.FixtureRequest, capture: Dictionary) -> "Dataset":
    """The shipped leads, and the original ones where they are present."""
    from leadscore.training.dataset import load  # noqa: PLC0415  (seconds, which serving needs not)

    path = TWIN if request.param == "twin" else request.getfixturevalue("original_csv")
    return load(path, capture)


@pytest.fixture(scope="session")
def pipeline(leads: "Dataset") -> "Pipeline":
    """The served pipeline, fitted as train.py fits it."""
    from leadscore.training.models import CANDIDATES, SERVED  # noqa: PLC0415  (as above)

    return CANDIDATES[SERVED](leads.dictionary.features, 0).fit(*leads.oldest())


@dataclass(frozen=True)
class Done:
    """What a command wrote, and its exit code."""

    code: int
    out: bytes
    err: str


Command = Callable[..., Done]


def without_settings() -> dict[str, str]:
    """The environment of the tests but for settings of the service."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADSCORE_")}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run `python -m leadscore` in this process; `content` is its standard input."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: str, content: bytes = b"", **environment: str) -> Done:
        code, last_words = 0, ""
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        # Options go to the environment, signals to a handler: both come back.
        with mock.patch.dict(os.environ, without_settings() | environment, clear=True):
            handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
            try:
                main(arguments)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
                last_words = ended.code if isinstance(ended.code, str) else ""
            finally:
                gc.unfreeze()
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        said = capsysbinary.readouterr()
        return Done(code, said.out, said.err.decode() + last_words)

    return run


def hear_ctrl_c() -> None:
    """For a child process: a shell's background job is deaf to Ctrl-C, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server(httpx2.Client):
    """A client of a server process, its log and the process itself.

    `anew` opens a connection for each request, which may go to any worker.
    """

    log: Path
    process: subprocess.Popen[bytes]
    anew: httpx2.Client

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
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PYTHON, *arguments],
                cwd=ROOT,
                env={**without_settings(), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            address = _address(process, log)
            one_request = httpx2.Limits(max_keepalive_connections=0)
            with (
                Server(base_url=address, timeout=30) as client,
                httpx2.Client(base_url=address, timeout=30, limits=one_request) as client.anew,
            ):
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


@pytest.fixture(scope="session")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of another CRM than the shipped one, trained on tests/cases."""
    from leadscore.training.dataset import load  # noqa: PLC0415  (seconds, which serving needs not)
    from tests.training import cards  # noqa: PLC0415

    leads = load(CASES / "base.csv", Dictionary.load(CASES / "crm.toml").known_at("capture"))
    path = tmp_path_factory.mktemp("crm") / "crm.onnx"
    path.write_bytes(cards.model(leads))
    return path


@pytest.fixture(scope="session")
def with_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of leads with lists, dates and e-mail addresses, beside these as leads.csv."""
    from tests.training import cards, parts  # noqa: PLC0415  (as above)

    folder = tmp_path_factory.mktemp("parts")
    path = folder / "parts.onnx"
    path.write_bytes(cards.model(parts.read(folder)))
    return path
