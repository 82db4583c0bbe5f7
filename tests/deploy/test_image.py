"""The image: really built, started with nothing it does not need, asked, and stopped."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from benchmarks import documents, image
from leadscore import __version__
from leadscore.commands import CANNOT_START
from leadscore.scorer import Scorer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not image.BUILDER, reason="IMAGE_BUILDER names no program that builds images"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can look into a container"),
]

LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}


@pytest.fixture(scope="module")
def container() -> Iterator[image.Container]:
    """A container on a read-only root, with no capabilities and 256 MB."""
    with image.started() as container:
        yield container


def test_answer_is_the_scorer_s(container: image.Container, scorer: Scorer) -> None:
    """A lead posted to the container gets the probability of the model file in this repository."""
    url, key = f"http://127.0.0.1:{container.port}", {"x-api-key": image.KEY}
    answer = httpx2.post(f"{url}/predict", json=LEAD, headers=key).raise_for_status().json()
    (expected,), _ = scorer.run(scorer.inputs([LEAD]))
    assert answer["probability"] == pytest.approx(expected, abs=1e-6)
    for route in ("/health", "/ready", "/docs", "/model"):
        assert httpx2.get(f"{url}{route}", headers=key).status_code == 200, route


def test_container_without_a_key_does_not_start(container: image.Container) -> None:
    """Closed by default: without the key of this container its program says what it misses."""
    program = (
        "import os; os.environ.pop('LEADSCORE_API_KEYS'); import predict; predict.main(['--port', '0'])"
    )
    command = [*container.engine, "exec", container.name, "python", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == CANNOT_START
    assert "Not started: LEADSCORE_REQUIRE_KEY: set, but neither" in done.stdout + done.stderr


def test_process_may_do_nothing_but_serve(container: image.Container) -> None:
    """It is not root, has no capability and cannot gain one."""
    status = Path(f"/proc/{container.pid}/status").read_text()
    assert "Uid:\t65532\t65532\t65532\t65532\n" in status
    assert "CapEff:\t0000000000000000\n" in status
    assert "NoNewPrivs:\t1\n" in status


def test_nothing_is_in_it_but_the_service(container: image.Container) -> None:
    """No shell, no package manager, nothing of training, no file that the service could change."""
    root, paths = container.root, list(container.paths())
    unwanted = {"sh", "bash", "busybox", "apt-get", "pip", "training", "train.py", "sklearn", "pandas"}
    assert not unwanted & {path.name for path in paths}
    written = [path for path in paths if (root / path).lstat().st_uid]
    assert written == []
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777  # where a root is not read-only


def test_health_check_passes(container: image.Container) -> None:
    """HEALTHCHECK needs no shell."""
    container.ask("healthcheck", "run", container.name)


def test_labels_name_the_version(container: image.Container) -> None:
    """The image says which version of the project it is."""
    labels = container.ask("inspect", "--format", "{{json .Config.Labels}}", container.name)
    assert f'"org.opencontainers.image.version":"{__version__}"' in labels


def test_image_is_as_small_as_promised(container: image.Container) -> None:
    """At most 145 MB, 52 MB compressed, and 120 MB of memory for an idle worker."""
    assert container.figures["uncompressed_bytes"] <= 145e6
    assert container.figures["gzip_bytes"] <= 52e6
    assert container.resident() <= 120e6


def test_document_says_what_is_in_it(container: image.Container) -> None:
    """Its table names every part of the image with its size, to a megabyte."""
    shown = re.findall(r"^\| (.+) \| ([\d.]+) \|$", "\n".join(documents.shown(image.MARK)), re.MULTILINE)
    actual = {part: size / 1e6 for part, size in container.contents().items()}
    assert {part: float(size) for part, size in shown} == pytest.approx(actual, abs=1)


def test_requests_on_their_way_are_answered_before_it_stops(
    container: image.Container, scorer: Scorer
) -> None:
    """SIGTERM: no new connection, an answer to everyone who was connected, exit code 0."""
    requests = [image.post("/predict", LEAD)] * 8
    requests += [image.post("/predict/batch", {"leads": [LEAD] * 10_000})]
    answers, seconds = container.stop(*requests)
    print(f"stopped after {seconds:.1f} s")
    assert [status for status, _ in answers] == [200] * len(requests)
    (expected,), _ = scorer.run(scorer.inputs([LEAD]))
    assert f'"probability":{expected:.4f}'.encode()[:-1] in answers[0][1]
    assert answers[-1][1].count(b'"probability"') == 10_000
    assert container.ask("inspect", "--format", "{{.State.ExitCode}}", container.name) == "0"
