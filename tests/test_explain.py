"""`predict.py explain`: one lead, as the terminal shows it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PYTHON, ROOT

LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}


def test_explain_draws_the_reasons(tmp_path: Path) -> None:
    """`predict.py explain` prints the score and a signed bar for every column."""
    path = tmp_path / "lead.json"
    path.write_text(json.dumps({**LEAD, "city": "Atlantis"}))
    done = _explain(str(path))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.match(r"\d+\.\d%, grade [A-D]: ", lines[0])
    bars = [line for line in lines if "odds" in line and "│" in line and "log-odds" not in line]
    assert len(bars) == 11
    for line in bars:
        left, right = line.split("│")
        effect = float(re.search(r"[+-]\d\.\d\d", right)[0])
        assert ("█" in left) <= (effect <= 0)
        assert ("█" in right) <= (effect >= 0)
    assert lines[-1] == "! City “Atlantis” is new to the model, which takes it for “Mumbai”."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Expecting"),
        ("[" * 100_000, "recursion"),
        ('{"total_visits": 1' + "0" * 5000 + "}", "limit"),
        ("[]", "an object of columns"),
        ('{"tags": "x"}', "Written by the salesperson"),
    ],
)
def test_explain_says_what_is_wrong_with_a_lead(tmp_path: Path, content: str, message: str) -> None:
    """A file that is no lead: its name, the reason, exit code 1."""
    path = tmp_path / "lead.json"
    path.write_text(content)
    done = _explain(str(path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def _explain(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "predict.py", "explain", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
