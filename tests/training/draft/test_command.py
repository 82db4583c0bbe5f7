"""`python train.py draft`: from any CSV to a dictionary that training takes."""

import csv
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import train
from leadscore.dictionary import Dictionary
from leadscore.training.dataset import load
from tests.conftest import CASES

BASE = CASES / "base.csv"


def _draft(*arguments: object) -> int:
    return train.main(["draft", *map(str, arguments)])


def _columns(path: Path) -> dict[str, dict[str, Any]]:
    return {column["source"]: column for column in tomllib.loads(path.read_text())["column"]}


def _made_up(path: Path, leads: int = 400, **columns: list[Any]) -> Path:
    """Leads with a clock, a target and some more columns."""
    rng = np.random.default_rng(3)
    table = {
        "Created": [f"2024-{1 + i * 12 // leads:02d}-{1 + i % 28:02d}" for i in range(leads)],
        "Won": np.where(rng.random(leads) < 0.4, "Yes", "No").tolist(),
        **columns,
    }
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def test_draft_says_all_of_a_crm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command: ids, clock, numbers and target are found, each with its reason, and said."""
    assert _draft(BASE, "--target", "converted", "-o", tmp_path / "crm.toml") == 0
    found = _columns(tmp_path / "crm.toml")
    assert found["Lead ID"]["role"] == "id"
    assert found["Created Date"]["clock"]
    assert found["Annual Revenue"]["kind"] == "number"
    assert found["Email Opt In"]["kind"] == "category"
    assert (found["Converted"]["positive"], found["Converted"]["negative"]) == ("1", "0")
    assert all(re.search(r"\d|predicted|Grows", column["why"]) for column in found.values())
    Dictionary.load(tmp_path / "crm.toml")
    said = capsys.readouterr().out
    assert "Annual Revenue" in said
    assert f"--columns {tmp_path / 'crm.toml'}" in said


def test_leak_is_found_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column that copies the outcome is known only after the contact, whatever its name."""
    path = _made_up(tmp_path / "leads.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    text = "\n".join(",".join([*row, row[1] if n else "Colour"]) for n, row in enumerate(rows))
    path.write_text(text + "\n")
    assert _draft(path, "--target", "Won", "-o", tmp_path / "leads.toml") == 0
    assert _columns(tmp_path / "leads.toml")["Colour"]["known"] == "contacted"
    assert "# CHECK" in (tmp_path / "leads.toml").read_text()
    assert "Colour: " in capsys.readouterr().out


def test_page_holds_all_and_loads_nothing(tmp_path: Path) -> None:
    """The audit can be sent by mail; what a file calls its columns is never markup."""
    name = "<script>alert(1)</script>"
    path = _made_up(tmp_path / "leads.csv", 400, **{name: ["a", "b"] * 200})
    page = tmp_path / "audit.html"
    assert _draft(path, "--target", "Won", "-o", tmp_path / "x.toml", "--html", page) == 0
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href|url)\s*[=(]", text)


def test_names_that_clash_get_others(tmp_path: Path) -> None:
    """Any header makes a dictionary that loads: digits, other scripts, punctuation alone."""
    odd = ["2nd visit", "Größe", "電話", "a.b", "A B!", "name_2", "%"]
    path = _made_up(
        tmp_path / "leads.csv", 400, **{name: ["a", "b"] * 200 for name in odd if name != "A B!"}
    )
    assert _draft(path, "--target", "Won", "-o", tmp_path / "x.toml") == 0
    Dictionary.load(tmp_path / "x.toml")


def test_file_sorted_by_outcome_is_drafted(tmp_path: Path) -> None:
    """Without a clock the order of the rows says nothing, and nothing is divided by zero."""
    path = tmp_path / "sorted.csv"
    path.write_text("Won,Colour\n" + "No,red\nNo,blue\n" * 200 + "Yes,red\nYes,blue\n" * 30)
    assert _draft(path, "--target", "Won", "-o", tmp_path / "x.toml") == 0
    assert _columns(tmp_path / "x.toml")["Colour"]["known"] == "capture"


def test_clock_that_splits_by_outcome_is_questioned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A date of closing sorts leads by outcome; the message names it and the option."""
    path = tmp_path / "sorted.csv"
    days = [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(300)]
    rows = [f"{'No' if i < 250 else 'Yes'},{day},{'ab'[i % 2]}" for i, day in enumerate(days)]
    path.write_text("\n".join(["Won,Day,Colour", *rows]))
    assert _draft(path, "--target", "Won", "-o", tmp_path / "x.toml") == 1
    assert "is 'Day' when they came in? Name another column by --clock" in capsys.readouterr().err


def test_edited_dictionary_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody's work is replaced only by --force."""
    kept = tmp_path / "crm.toml"
    kept.write_text("mine")
    assert _draft(BASE, "--target", "Converted", "-o", kept) == 1
    assert kept.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert _draft(BASE, "--target", "Converted", "-o", kept, "--force") == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "Convert"), "did you mean 'Converted'"),
        (("--target", "Converted", "--clock", "Created"), "did you mean 'Created Date'"),
        (("--target", "Converted", "--clock", "Industry"), "--clock 'Industry': category is no clock"),
        (("--target", "Industry"), "--positive: which label"),
        (("--target", "Converted", "--positive", "Won"), "no label of 'Converted'"),
    ],
)
def test_what_cannot_be_drafted_is_said(
    options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence names the option and what there is, and nothing is written."""
    assert _draft(BASE, *options, "-o", tmp_path / "x.toml") == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"Won\nYes\n", b"Won,a\nYes\n" * 200])
def test_what_is_no_table_of_leads_is_said(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty, tiny and torn files, and one that is not there, are named without a trace."""
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    assert _draft(path, "--target", "Won", "-o", tmp_path / "x.toml") == 1
    assert _draft(tmp_path / "absent.csv", "--target", "Won", "-o", tmp_path / "x.toml") == 1
    err = capsys.readouterr().err
    assert "leads.csv" in err or "--target" in err
    assert "Traceback" not in err


def test_export_of_a_crm_is_read_by_its_draft(tmp_path: Path) -> None:
    """Title lines, a total, US dates, amounts, lists, addresses, open leads, later columns: no
    line of the dictionary has to be edited for training to read the file.
    """
    rng, leads = np.random.default_rng(7), 600
    won = rng.random(leads) < 0.4
    stage = np.where(won, "Closed Won", rng.choice(["Closed Lost", "Working"], leads, p=[0.8, 0.2]))
    table = {
        "Lead ID": [f"00Q{i:05d}" for i in range(leads)],
        "Create Date": [f"{1 + i // 56}/{1 + i % 28}/2024" for i in range(leads)],
        "E-mail": [f"u{i}@{'gmail.com' if i % 2 else f'firm{i}.de'}" for i in range(leads)],
        "Revenue": [f"EUR {1000 + 37 * (i * 7 % 101):,}.00" for i in range(leads)],
        "Postal Code": [f"{1 + i % 90:05d}" for i in range(leads)],
        "Interests": [("CRM|ERP", "ERP", "BI|CRM", "ERP|BI", "")[i % 5] for i in range(leads)],
        "Rating": np.where(won, rng.choice(["Hot", "Warm"], leads), "").tolist(),
        "Closed": ["2/28/2025" if deal else "" for deal in won],
        "Note": [f"asked about item {i}" for i in range(leads)],
        "Stage": stage.tolist(),
    }
    rows = [list(table), *zip(*table.values(), strict=True)]
    path = tmp_path / "crm.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("All leads\n\n")
        csv.writer(file, delimiter=";").writerows(rows)
        file.write("Total;600;;;;;;;;\n")
    options = ("--target", "stage", "--positive", "Closed Won", "-o", tmp_path / "crm.toml")
    assert _draft(path, *options) == 0
    columns = _columns(tmp_path / "crm.toml")
    known = ("kind", "role", "known")
    assert {name: tuple(column[key] for key in known) for name, column in columns.items()} == {
        "Lead ID": ("category", "id", "capture"),
        "Create Date": ("date", "id", "capture"),
        "E-mail": ("email", "feature", "capture"),
        "Revenue": ("number", "feature", "capture"),
        "Postal Code": ("category", "feature", "capture"),
        "Interests": ("list", "feature", "capture"),
        "Rating": ("category", "feature", "contacted"),
        "Closed": ("date", "excluded", "contacted"),
        "Note": ("category", "excluded", "capture"),
        "Stage": ("category", "target", "contacted"),
    }
    assert columns["Stage"]["open"] == ["Working"]
    found = load(path, Dictionary.load(tmp_path / "crm.toml").known_at("capture"))
    assert found.open == (stage == "Working").sum()
    assert found.timed
    assert list(found.features) == [
        *("e_mail_kind", "revenue", "postal_code"),
        *("interests_erp", "interests_crm", "interests_bi"),
    ]


@pytest.mark.slow
def test_draft_trains_as_it_is(tmp_path: Path) -> None:
    """Two commands and no editing from a CSV to a model that explains its scores."""
    assert _draft(BASE, "--target", "Converted", "-o", tmp_path / "crm.toml") == 0
    options = ("--data", BASE, "--columns", tmp_path / "crm.toml", "--output", tmp_path / "model")
    assert train.main([str(option) for option in options]) == 0
    assert json.loads((tmp_path / "model" / "metrics.json").read_text())["features"]
