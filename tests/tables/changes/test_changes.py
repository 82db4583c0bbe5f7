"""Two lists compared: who is new, has risen, has fallen or is gone, and what moved them."""

import csv
import io
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from leadscore.scoring.engine import Engine
from leadscore.tables.changes.comparison import A_MOVE, Change, Comparison, compare
from leadscore.tables.csv_answers import CsvScorer, header
from leadscore.tables.csv_file import CsvFile
from leadscore.tables.mapping import TableError
from tests.conftest import TWIN, Command

HEADER = "Lead Number,Lead Source,TotalVisits,Total Time Spent on Website,Lead Origin"
SLOW, KEEN = "Google,2,10,API", "Google,2,1500,API"

Rows = dict[str, str]


def _file(engine: Engine, content: str, some: bool = True) -> CsvFile:
    return CsvFile(io.BytesIO(content.encode()), engine.card.dictionary, some=some)


def _list(leads: Rows) -> str:
    return "\n".join([HEADER, *(f"{lead},{cells}" for lead, cells in leads.items()), ""])


def _scored(engine: Engine, content: str) -> str:
    """A list as it is downloaded."""
    file = _file(engine, content)
    scorer = CsvScorer(engine, file.dialect, file.columns, 3)
    text = header(file.dialect, file.columns, 3)
    return (text + b"".join(scorer.score(block).text for block in file.blocks())).decode()


@pytest.fixture
def since(engine: Engine) -> Callable[..., Comparison]:
    """Compare the download of an earlier list, changed by `edit`, with today's."""

    def run(before: str, after: str, edit: Callable[[str], str] = str) -> Comparison:
        earlier = _file(engine, edit(_scored(engine, before)), some=False)
        return compare(engine, earlier, _file(engine, after))

    return run


def _by_id(found: Comparison) -> dict[str, Change]:
    return {change.id: change for change in found.changes}


Since = Callable[..., Comparison]


def test_each_lead_is_what_became_of_it(since: Since) -> None:
    """New, risen, fallen, gone and unchanged leads, by their id, wherever they stand."""
    before = _list({"1": SLOW, "2": KEEN, "3": SLOW, "4": SLOW})
    found = since(before, _list({"5": KEEN, "4": SLOW, "2": SLOW, "1": KEEN}))
    kinds = {lead: change.change for lead, change in _by_id(found).items()}
    assert kinds == {"1": "risen", "2": "fallen", "3": "gone", "5": "new"}
    assert found.counts == {"new": 1, "risen": 1, "fallen": 1, "gone": 1, "unchanged": 1}
    assert (found.id, found.notes) == ("Lead Number", [])
    assert found.gone["3"][:2] == ["3", "Google"]


def test_what_moved_a_lead_is_what_changed(since: Since) -> None:
    """The one column with another value is worth all points between the scores; both are named."""
    found = since(_list({"1": SLOW, "2": KEEN}), _list({"1": KEEN, "2": SLOW}))
    for change in found.changes:
        assert change.score is not None
        assert change.score_before is not None
        (reason,) = change.reasons
        assert "25 min, before 10 s" in reason or "10 s, before 25 min" in reason
        points = int(reason.rpartition(": ")[2].split()[0].replace("−", "-"))  # noqa: RUF001
        assert points == pytest.approx(change.score - change.score_before, abs=1)


def test_reasons_of_several_columns_add_up(since: Since) -> None:
    """Of two columns that moved a lead one way the stronger comes first; they make the whole."""
    found = since(_list({"1": "Google,0,10,API"}), _list({"1": "Google,6,1500,API"}))
    (change,) = found.changes
    worth = [int(reason.rpartition("+")[2].split()[0]) for reason in change.reasons]
    assert len(worth) == 2
    assert worth == sorted(worth, reverse=True)
    assert sum(worth) == pytest.approx((change.score or 0) - (change.score_before or 0), abs=2)


def test_small_moves_count_only_over_a_grade(since: Since, engine: Engine) -> None:
    """Below 5 points a lead is unchanged, unless its grade is another one."""
    leads = {str(seconds): f"Google,3,{seconds},API" for seconds in range(0, 2000, 40)}
    later = {str(one): f"Google,3,{other},API" for one, other in pairwise(range(0, 2000, 40))}
    found = since(_list(leads), _list(later))
    moved = [change for change in found.changes if change.change in ("risen", "fallen")]
    assert moved
    for change in moved:
        assert change.score is not None
        assert change.score_before is not None
        assert abs(change.score - change.score_before) >= A_MOVE or change.grade != change.grade_before


def test_other_model_is_said_first(since: Since, engine: Engine) -> None:
    """Where the download names another version, before all else; what it is worth is a reason, too."""

    def other(text: str) -> str:
        rows = list(csv.reader(io.StringIO(text)))
        for row in rows[1:]:
            row[rows[0].index("model_version")] = "older"
            row[rows[0].index("probability")] = "0.9"
        output = io.StringIO(newline="")
        csv.writer(output).writerows(rows)
        return output.getvalue()

    before = _list({"1": SLOW, "2": SLOW})
    found = since(before, before + "2,Google,2,10,API\n", other)
    assert found.notes[0].startswith("Another model scored the earlier list (older; today it is ")
    assert found.notes[1].startswith("For the values they had then, 2 of 2 leads have another score")
    assert "more than once" in found.notes[2]
    (change,) = found.changes
    assert (change.id, change.change, change.score_before) == ("1", "fallen", 90)
    assert change.reasons[0].startswith("Another model: −")  # noqa: RUF001


@pytest.mark.parametrize(
    ("before", "edit", "after", "message"),
    [
        (_list({"1": SLOW}), lambda text: text.replace("probability", "chance"), None, "'probability'"),
        (
            _list({"1": SLOW}),
            lambda text: text.replace("Lead Number", "No"),
            None,
            "the earlier file has no",
        ),
        (_list({"1": SLOW}), str, "City\nPune\n", "today's file has no column that names its leads"),
        (_list({"1": SLOW}), str, _list({"2": SLOW}), "are these the right files"),
        (_list({"1": SLOW}), str, HEADER + "\n", "today's file holds no leads"),
        (
            _list({"1": SLOW}),
            lambda text: text.partition("\n")[0],
            None,
            "the earlier file holds no leads",
        ),
        (_list({"1": SLOW}), lambda text: text.replace(",0.", ",7."), None, "expected 0 to 1"),
    ],
)
def test_files_that_cannot_be_compared_say_why(
    since: Since, before: str, edit: Callable[[str], str], after: str | None, message: str
) -> None:
    """Without ids or probabilities, without leads, or with none in common: one sentence, no answer."""
    with pytest.raises(TableError, match=message):
        since(before, after or before, edit)


def test_leads_that_are_not_compared_are_counted(since: Since) -> None:
    """Ids that stand twice, leads without an id or a score: told, and neither new nor gone."""
    before = _list({"1": SLOW, "2": SLOW, "": SLOW, "6": "Google,many,10,API"}) + f"2,{KEEN}\n"
    after = _list({"1": KEEN, "2": SLOW, "6": SLOW, "3": SLOW}) + f"3,{KEEN}\n,{SLOW}\n"
    found = since(before, after)
    assert [change.id for change in found.changes] == ["1"]
    said = " ".join(found.notes)
    for part in ("In the earlier file 1 id stands", "In today's file 1 id stands", "no id", "no score"):
        assert part in said


def test_cut_download_is_compared_without_reasons(engine: Engine, since: Since) -> None:
    """With id and probability alone leads have risen and fallen; that no reason is told is said."""

    def cut(text: str) -> str:
        rows = csv.DictReader(io.StringIO(text))
        return "Lead Number,probability\n" + "".join(
            f"{r['Lead Number']},{r['probability']}\n" for r in rows
        )

    found = since(_list({"1": SLOW, "2": KEEN}), _list({"1": KEEN, "2": SLOW}), cut)
    assert {c.id: (c.change, c.reasons) for c in found.changes} == {
        "1": ("risen", ()),
        "2": ("fallen", ()),
    }
    assert any("what moved a lead is not told" in note for note in found.notes)


def test_lists_that_are_the_same_have_no_changes(command: Command, tmp_path: Path) -> None:
    """The shipped leads and their own download, as CSV and as a workbook: all unchanged."""
    for name in ("scored.csv", "scored.xlsx"):
        command("score", str(TWIN), "-o", str(tmp_path / name))
        done = command("changes", str(tmp_path / name), str(TWIN))
        assert done.code == 0
        assert done.out.decode().splitlines() == [
            "Prospect ID,change,score_before,grade_before,score,grade,reason_1,reason_2"
        ]
        assert "9,240 unchanged" in done.err


def test_command_writes_what_changed(command: Command, tmp_path: Path) -> None:
    """A line a lead in the format the name says; counts and notes on standard error."""
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_text(_list({"1": SLOW, "=2": KEEN}))
    after.write_text(_list({"1": KEEN, "3": SLOW}))
    scored, out = tmp_path / "scored.csv", tmp_path / "out.csv"
    command("score", str(before), "--partial", "-o", str(scored))
    done = command("changes", str(scored), str(after), "--partial", "-o", str(out))
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [(row["Lead Number"], row["change"]) for row in rows] == [
        ("1", "risen"),
        ("3", "new"),
        ("'=2", "gone"),
    ]
    assert "before 10 s" in rows[0]["reason_1"]
    assert "1 new, 1 risen, 0 fallen, 1 gone, 0 unchanged." in done.err
    refused = command("changes", str(scored), str(after))
    assert refused.code == 1
    assert "add --partial" in refused.err


def test_mapping_holds_for_what_the_earlier_file_has(command: Command, tmp_path: Path) -> None:
    """A list that was cut to id and probability is compared with a file whose columns are mapped; a
    header that is not in today's file is still a slip.
    """
    earlier, today = tmp_path / "earlier.csv", tmp_path / "today.csv"
    earlier.write_text("Lead Number,probability\n1,0.01\n")
    today.write_text(_list({"1": KEEN}).replace("TotalVisits", "Visits"))
    done = command("changes", str(earlier), str(today), "--partial", "--map", "Visits=TotalVisits")
    assert done.out.decode().splitlines()[1].startswith("1,risen,1,")
    slip = command("changes", str(earlier), str(today), "--partial", "--map", "Visit=TotalVisits")
    assert slip.code == 1
    assert "today's file: 'Visit' cannot be 'TotalVisits': there is no such column" in slip.err


def test_parquet_is_not_written(command: Command, tmp_path: Path) -> None:
    """No file of CSV under a name that lies; the help names no such format."""
    done = command("changes", "a.csv", "b.csv", "-o", str(tmp_path / "out.parquet"))
    assert (done.code, list(tmp_path.iterdir())) == (1, [])
    assert done.err.endswith("the name should end in .csv, .csv.gz, .xlsx")
    assert b"parquet" not in command("changes", "--help").out


def test_sheet_of_today_is_chosen_by_name(command: Command, tmp_path: Path) -> None:
    """Of a workbook with several sheets the one that was named, and no other, is compared."""
    earlier, book = tmp_path / "earlier.csv", tmp_path / "today.xlsx"
    earlier.write_text("Lead Number,probability\n1,0.01\n")
    with xlsxwriter.Workbook(book) as workbook:
        for name, lead in (("March", "7"), ("April", "1")):
            sheet = workbook.add_worksheet(name)
            for number, line in enumerate(_list({lead: KEEN}).splitlines()):
                sheet.write_row(number, 0, line.split(","))
    done = command("changes", str(earlier), str(book), "--partial", "--sheet", "April")
    assert done.out.decode().splitlines()[1].startswith("1,risen,1,")
    assert "Sheet 'April' was read" in done.err


def test_command_says_which_file_is_wrong(command: Command, tmp_path: Path) -> None:
    """An empty file, one that is not there, and a workbook whose sheets are of one rep each."""
    empty, leads = tmp_path / "empty.csv", tmp_path / "leads.csv"
    empty.write_bytes(b"")
    leads.write_text(_list({"1": SLOW}))
    book = tmp_path / "reps.xlsx"
    with xlsxwriter.Workbook(book) as workbook:
        for rep in ("Ann", "Bob"):
            workbook.add_worksheet(rep).write_row(0, 0, ["Lead Number", "probability"])
    for earlier, message in (
        (empty, "the earlier file: the file is empty"),
        (tmp_path / "nowhere.csv", "No such file"),
        (book, "Take one sheet with all leads"),
    ):
        done = command("changes", str(earlier), str(leads), "--partial")
        assert (done.code, done.out) == (1, b"")
        assert message in done.err


def test_lines_tell_first_what_to_know(since: Since) -> None:
    """The first line has notes and counts; a lead that is gone has its cells, others have none."""
    found = since(_list({"1": SLOW, "2": KEEN}), _list({"1": KEEN}))
    head, *leads = (json.loads(line) for line in found.lines())
    assert head["counts"]["gone"] == 1
    assert head["columns"][:2] == ["Lead Number", "Lead Source"]
    gone: dict[str, Any] = leads[1]
    assert gone["cells"][:2] == ["2", "Google"]
    assert ("score" in gone, "cells" in leads[0]) == (False, False)
