"""`predict.py explain`: one lead, as the terminal shows it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PYTHON, ROOT, Command

LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}


def test_explain_draws_the_reasons() -> None:
    """`predict.py explain` prints the score and a signed bar for every column."""
    content = json.dumps({**LEAD, "city": "Atlantis"}).encode()
    command = [PYTHON, "predict.py", "explain", "-"]
    done = subprocess.run(command, cwd=ROOT, input=content, capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert re.match(r"\d+\.\d%, grade [A-D]: ", lines[0])
    bars = [line for line in lines if "point" in line and "│" in line]
    assert len(bars) == 11
    for line in bars:
        left, right = line.split("│")
        effect = float(re.findall(r"[+-]\d\.\d\d", right)[0])
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
def test_explain_says_what_is_wrong_with_a_lead(
    command: Command, tmp_path: Path, content: str, message: str
) -> None:
    """A file that is no lead: its name, the reason, exit code 1."""
    path = tmp_path / "lead.json"
    path.write_text(content)
    done = command("explain", str(path))
    assert done.code == 1
    assert done.err.startswith(f"{path}: ")
    assert message in done.err
    assert done.out == b""


def test_file_and_pipe_are_explained_alike(command: Command, tmp_path: Path) -> None:
    """A lead is read from a file or from standard input; a file that is not there is named."""
    path = tmp_path / "lead.json"
    path.write_text(json.dumps(LEAD))
    shown = command("explain", str(path)).out
    assert "Visits to the website 5: " in shown.decode()
    assert command("explain", "-", content=path.read_bytes()).out == shown
    absent = command("explain", str(tmp_path / "none.json"))
    assert absent.code == 1
    assert "none.json: " in absent.err
    assert "No such file" in absent.err
