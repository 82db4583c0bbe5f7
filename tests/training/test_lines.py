"""A refusal of training says which line of the dictionary to change."""

from pathlib import Path

import pytest

import train
from leadscore.training.cells import DataError
from leadscore.training.lines import hint
from tests.conftest import CASES

TOML = """missing = []
# a comment
[[column]]
name = "size"
source = "Team's size"
role = "feature"
kind = "number"

[[column]]
name = "won"
source = "Won"
role = "target"
kind = "category"
positive = "yes"
negative = "no"
"""


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("""x.csv: column "Team's size", row 3: got 'many', expected a number""", 7),
        ("column 'size': 200 different texts; what names a lead has the role 'id'", 6),
        ("column 'Won': 3 leads are 'yes', expected at least 50", 14),
        (
            "column 'Won', row 9: got 'lost', expected 'yes'; open lists others, negative may be a list",
            15,
        ),
        ("column 'Owner': absent", 0),
        ("the file is empty", 0),
    ],
)
def test_line_is_that_of_the_key_at_fault(tmp_path: Path, said: str, line: int) -> None:
    """A column is found by name or source, and of its keys the one the message speaks of."""
    path = tmp_path / "crm.toml"
    path.write_text(TOML)
    found = hint(path, DataError(said))
    assert found.startswith(f"\nChange {path}, line {line}: ") if line else found == ""


def test_one_line_tables_have_a_line_each(tmp_path: Path) -> None:
    """Also where a column takes no more."""
    path = tmp_path / "crm.toml"
    path.write_text('column = [\n  { name = "a", source = "A" },\n  { name = "b", source = "B" },\n]\n')
    assert ", line 3: { name" in hint(path, DataError("column 'B', row 2: wrong"))


def test_training_says_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column of texts that the dictionary calls a number: file, row, value, line."""
    text = (CASES / "crm.toml").read_text()
    path = tmp_path / "crm.toml"
    path.write_text(text.replace('kind = "category"', 'kind = "number"'))
    options = ("--data", CASES / "base.csv", "--columns", path, "--output", tmp_path / "models")
    assert train.main([str(option) for option in options]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "row 2: got" in said
    number = int(said.partition(f"Change {path}, line ")[2].partition(":")[0])
    assert path.read_text().splitlines()[number - 1] == 'kind = "number"'
