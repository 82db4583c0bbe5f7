"""What is said of the service's speed is what benchmarks/serve.py measured."""

import json

from benchmarks import serve
from tests.conftest import ROOT

FIGURES = json.loads(serve.FIGURES.read_text())


def test_results_say_what_was_measured() -> None:
    """benchmarks/RESULTS.md is written from serve.json, and by nothing else."""
    assert serve.RESULTS.read_text(encoding="utf-8") == serve.results(FIGURES)


def test_readme_says_what_was_measured() -> None:
    """README's table is taken from serve.json."""
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split(serve.MARK)[1]
    assert shown.strip().splitlines() == serve.summary(FIGURES)


def test_every_server_was_measured_in_every_round() -> None:
    """No server is left out, nor is one that is no longer there kept."""
    for measured in FIGURES["rounds"]:
        assert set(measured) == {server.name for server in serve.SERVERS}
