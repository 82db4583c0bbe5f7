"""The contract as other people's tools take it: linters, generators of clients, and a generated client.

They run as `make contract-check` installs them; the versions stand in requirements-contract.txt and
package-lock.json.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadscore.scorer import Scorer
from tests.conftest import ROOT, Serve, Server

HERE = Path(__file__).parent
DOCUMENT = ROOT / "docs" / "openapi.json"
NODE = HERE / "node_modules" / ".bin"
PYTHON = ROOT / ".venv-contract" / "bin"
KEY = "a-key"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not NODE.exists() or not PYTHON.exists(), reason="`make contract-check` installs the tools"
    ),
]


def _run(*command: str | Path, **environment: str) -> str:
    """What a command says; it fails if the command does."""
    done = subprocess.run(
        command,
        cwd=HERE,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_linter_finds_nothing() -> None:
    """Redocly's recommended rules: no error, no warning."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    said = _run(NODE / "redocly", "lint", DOCUMENT, **quiet)
    assert "Your API description is valid" in said
    assert "You have" not in said  # so many warnings


@pytest.mark.parametrize("command", ["openapi-typescript {} -o {}/types.ts", "openapi-ts -i {} -o {}"])
def test_typescript_clients_are_made(tmp_path: Path, command: str) -> None:
    """Without a warning, and TypeScript takes what is made."""
    name, *options = command.format(DOCUMENT, tmp_path).split()
    said = _run(NODE / name, *options)
    assert "warn" not in said.lower()
    files = list(tmp_path.rglob("*.ts"))
    strict = ["--noEmit", "--strict", "--target", "es2022", "--moduleResolution", "bundler"]
    _run(NODE / "tsc", *strict, "--module", "esnext", "--lib", "es2022,dom,dom.iterable", *files)


@pytest.fixture(scope="module")
def answers(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a generated Python client gets from a service with a key."""
    made = tmp_path_factory.mktemp("generated") / "client"
    path = f"{PYTHON}{os.pathsep}{os.environ['PATH']}"  # it calls ruff
    paths = ["--path", str(DOCUMENT), "--output-path", str(made)]
    options = [*paths, "--config", str(HERE / "generator.yaml")]
    said = _run(PYTHON / "openapi-python-client", "generate", "--fail-on-warning", *options, PATH=path)
    assert "warning" not in said.lower()
    with serve(LEADSCORE_API_KEYS=KEY) as server:
        client = HERE / "generated_client.py"
        address = str(server.base_url)
        return dict(json.loads(_run(PYTHON / "python", client, address, KEY, PYTHONPATH=str(made))))


def test_generated_client_scores(answers: dict[str, Any]) -> None:
    """A lead, a batch, and a file in both ways."""
    assert len(answers["one"]["reasons"]) == 2
    assert answers["many"]["summary"]["capacity"]["calls"] == 1
    probabilities = {entry["probability"] for entry in answers["many"]["predictions"]}
    assert probabilities == {answers["one"]["probability"]}
    assert answers["bare"] == answers["form"]
    header = answers["bare"].splitlines()[0]
    assert header.startswith("Lead Source,TotalVisits,")
    assert ",probability,score," in header


def test_generated_client_reads_the_card(answers: dict[str, Any], scorer: Scorer) -> None:
    """The model's card has a type, down to its columns."""
    assert answers["columns"] == [column.name for column in scorer.card.dictionary.columns]
    assert answers["version"] == scorer.card.version


def test_generated_client_reads_refusals(answers: dict[str, Any]) -> None:
    """A 422 and a 401 are objects."""
    assert answers["wrong"] == [["/total_visits", "a number of at least 0 or null"]]
    assert answers["stranger"] == 401


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="not published for this Python yet")
@pytest.mark.parametrize("name", ["mlserver", "kserve"])
def test_clients_of_other_servers_get_the_scores(client: Server, scorer: Scorer, name: str) -> None:
    """MLServer's codecs for pandas, numpy, text and base64; KServe's client with numbers of any type."""
    script = HERE / f"{name}_client.py"
    said = _run(PYTHON / "python", "-W", "ignore", script, str(client.base_url).rstrip("/"))
    found = json.loads(said.splitlines()[-1])
    pages = {"page_views_per_visit": 2.5} if name == "mlserver" else {}
    leads: list[dict[str, object]] = [
        {"total_visits": 5, "lead_source": "Google", **pages},
        {"total_visits": 7},
    ]
    if "array" in found:  # which has no second column
        plain, _ = scorer.run(scorer.inputs([{"total_visits": 5}, {"total_visits": 7}]))
        assert found.pop("array") == pytest.approx(plain, abs=1e-6)
    expected, _ = scorer.run(scorer.inputs(leads))
    assert len(found) >= 3
    for way, probabilities in found.items():
        assert probabilities == pytest.approx(expected, abs=1e-6), way
