"""What is said of the service's speed is what benchmarks/serve measured."""

import json
import shutil
import subprocess
import sys

import pytest

from benchmarks import ROOT, documents
from benchmarks.serve import FIGURES, report
from benchmarks.serve.servers import SERVERS

MEASURED = json.loads(FIGURES.read_text())


def test_results_say_what_was_measured() -> None:
    """benchmarks/RESULTS.md is written from serve.json, and by nothing else."""
    assert report.RESULTS.read_text(encoding="utf-8") == report.results(MEASURED)


def test_short_table_says_what_was_measured() -> None:
    """It is taken from serve.json, too."""
    assert documents.shown(report.MARK) == report.summary(MEASURED)


def test_every_server_was_measured_in_every_round() -> None:
    """No server is left out, nor is one that is no longer there kept."""
    for measured in MEASURED["rounds"]:
        assert set(measured) == {server.name for server in SERVERS}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
@pytest.mark.skipif(not (ROOT / ".venv-serve").exists(), reason="make .venv-serve/installed")
def test_servers_are_measured() -> None:
    """One round of ours and of what only echoes: answers are compared, and rates are printed."""
    command = [sys.executable, "-m", "benchmarks.serve", "--rounds", "1", "--only", "ours", "echo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for server in SERVERS:
        if server.kind == "ours" or server.name == "echo":
            assert f"1  {server.name:32} unhurried " in done.stdout
