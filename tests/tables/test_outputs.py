"""The name of an output says its format; what cannot be written is refused before anything is read."""

import gzip
import os
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from tests.conftest import CASES, Command

SMALL = b"Lead Number;TotalVisits;City\n007;5;Pune\n8;1;\xc3\x89vora\n"


def test_same_answer_in_each_format(command: Command, tmp_path: Path) -> None:
    """Ranked or not, a compressed answer unpacks to the plain one, and a workbook has its rows."""
    for options in ([], ["--sort"], ["--top", "1"]):
        for name in ("plain.csv", "packed.CSV.GZ", "book.xlsx"):
            done = command(
                "score", "-", "--partial", "-o", str(tmp_path / name), *options, content=SMALL
            )
            assert done.code == 0, done.err
        plain = (tmp_path / "plain.csv").read_bytes()
        assert gzip.decompress((tmp_path / "packed.CSV.GZ").read_bytes()) == plain
        book = CalamineWorkbook.from_path(tmp_path / "book.xlsx")
        header, *rows = book.get_sheet_by_index(0).iter_rows()
        lines = [line.split(";") for line in plain.decode().splitlines()]
        assert header == lines[0]
        assert [row[:1] + row[2:3] for row in rows] == [
            ["007", "Pune"] if line[0] == "007" else [8, "Évora"] for line in lines[1:]
        ]
        assert [row[3] for row in rows] == [float(line[3]) for line in lines[1:]]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "book.xlsx",
        "packed.CSV.GZ",
        "plain.csv",
    ]


def test_equal_answers_are_equal_bytes(command: Command, tmp_path: Path) -> None:
    """A compressed answer holds no time and no name."""
    found = []
    for name in ("one.csv.gz", "two.csv.gz"):
        command("score", "-", "--partial", "-o", str(tmp_path / name), content=SMALL)
        found.append((tmp_path / name).read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["out.json", "out", "out.xls", "out.parquet", "csv", "out.csv.zip"])
def test_name_of_no_format_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    """No file is left under a name that lies."""
    done = command("score", "-", "--partial", "-o", str(tmp_path / name), content=SMALL)
    assert done.code == 1
    assert "should end in" in done.err
    assert list(tmp_path.iterdir()) == []


def test_leads_are_not_replaced_by_their_answer(command: Command, tmp_path: Path) -> None:
    """By whatever name the output is the same file."""
    source, link = tmp_path / "leads.csv", tmp_path / "link.csv"
    source.write_bytes(SMALL)
    link.symlink_to(source)
    for target in (source, link, Path(os.path.relpath(source))):
        done = command("score", str(source), "-o", str(target))
        assert (done.code, source.read_bytes()) == (1, SMALL)
        assert "the answer would replace the leads" in done.err


def test_answer_that_no_sheet_holds_leaves_no_file(command: Command, tmp_path: Path) -> None:
    """The old file stays when a workbook cannot be written."""
    target = tmp_path / "out.xlsx"
    target.write_text("the old one")
    long = b"TotalVisits,note\n5," + b"x" * 40_000 + b"\n"
    done = command("score", "-", "--partial", "-o", str(target), content=long)
    assert (done.code, target.read_text()) == (1, "the old one")
    assert "a cell of Excel holds 32,767 characters" in done.err
    assert list(tmp_path.iterdir()) == [target]


def test_sheet_is_chosen_by_name(command: Command, crm: object) -> None:
    """A sheet that is not there is an error with those that are."""
    source = str(CASES / "06_leads.xlsx")
    assert command("score", source, "--sheet", "Sheet", LEADSCORE_MODEL=str(crm)).code == 0
    done = command("score", source, "--sheet", "Leads", LEADSCORE_MODEL=str(crm))
    assert (done.code, done.out) == (1, b"")
    assert "there is no sheet 'Leads', but 'Sheet'" in done.err
