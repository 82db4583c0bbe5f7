"""The package as it is installed: a wheel in an environment of its own, away from the project."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leadscore.scorer import Scorer
from leadscore.service import page
from tests.conftest import MODEL, ROOT, Serve

pytestmark = pytest.mark.slow

UV = [sys.executable, "-m", "uv", "--quiet"]
LEAD = {"total_visits": 5, "lead_source": "Google"}
# Starts a program in a folder, in place of the one that reads this.
ELSEWHERE = "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python with the wheel and what serving needs, and nothing else."""
    folder = tmp_path_factory.mktemp("package")
    # Not in place: setuptools leaves its own copies there, and would build the next wheel from them.
    shutil.copytree(ROOT / "leadscore", folder / "leadscore")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    python = folder / "environment" / "bin" / "python"
    install = [*UV, "pip", "install", "--python", str(python)]
    for command in (
        [*UV, "build", "--wheel", "--out-dir", "dist"],
        [*UV, "venv", "--python", sys.executable, "environment"],
        [*install, "--require-hashes", "--requirement", str(ROOT / "requirements-serve.txt")],
        [*install, "--no-deps", "--find-links", "dist", "--no-index", "leadscore"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python


@pytest.mark.parametrize("workers", ["1", "2"])
def test_installed_package_serves(
    workers: str, python: Path, tmp_path: Path, serve: Serve, scorer: Scorer
) -> None:
    """`python -m leadscore` in an empty folder: the page with all its files, a score, readiness."""
    command = [str(python), "-m", "leadscore", "--port", "0", "--workers", workers]
    with serve("-c", ELSEWHERE, str(tmp_path), *command, "--model", str(MODEL)) as client:
        assert 'src="page/main.js"' in client.get("/").raise_for_status().text
        for path in page.FILES.iterdir():
            served = client.get(f"{page.PAGE}/{path.name}").raise_for_status()
            assert served.content == path.read_bytes()
        answer = client.post("/predict", json=LEAD).raise_for_status().json()
        ready = client.get("/ready").raise_for_status().json()
    (expected,), _ = scorer.run(scorer.inputs([LEAD]))
    assert answer["probability"] == pytest.approx(expected)
    assert ready["model_version"] == scorer.card.version
    assert list(tmp_path.iterdir()) == []


def test_installed_command_scores(python: Path, tmp_path: Path) -> None:
    """`leadscore score` is on the path of the environment."""
    (tmp_path / "leads.csv").write_text("TotalVisits,Lead Source\n5,Google\n")
    program = str(python.with_name("leadscore"))
    command = [program, "score", "leads.csv", "--model", str(MODEL), "--reasons", "0", "--partial"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("TotalVisits,Lead Source,probability,")
    assert len(done.stdout.splitlines()) == 2
