"""`predict.py score` as it is run: files, pipes, interruptions."""

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow.csv import read_csv

from benchmarks.processes import descendants, said
from leadscore import tables
from tests.conftest import MODEL, PYTHON, ROOT, TWIN, Command, hear_ctrl_c
from tests.models import rewritten

SMALL = b"TotalVisits,City\nmany,Pune\n5,Mumbai\n1,Pune\n"


def _started(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process of its own."""
    command = [PYTHON, "predict.py", "score", *arguments]
    options |= {"cwd": ROOT, "stderr": subprocess.PIPE, "preexec_fn": hear_ctrl_c}
    process: subprocess.Popen[bytes] = subprocess.Popen(command, **options)
    return process


def _wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _fed(process: subprocess.Popen[bytes], content: bytes) -> None:
    """Give a process its standard input, and let it wait for more."""
    assert process.stdin
    process.stdin.write(content)
    process.stdin.flush()


def _workers(process: subprocess.Popen[bytes]) -> list[int]:
    return [pid for pid in descendants(process.pid) if "spawn_main" in said(pid, "cmdline")]


@pytest.fixture(scope="module")
def scored() -> bytes:
    """The shipped leads, scored in a pipe."""
    command = [PYTHON, "predict.py", "score", "-"]
    done = subprocess.run(
        command, cwd=ROOT, input=TWIN.read_bytes(), capture_output=True, timeout=120, check=True
    )
    assert b"Scored 9,240 leads" in done.stderr
    return done.stdout


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_pipe_and_file_give_the_same(scored: bytes, command: Command, tmp_path: Path) -> None:
    """Standard streams and files are equal; what was found and done goes to standard error."""
    target = tmp_path / "scored.csv"
    done = command("score", str(TWIN), "-o", str(target))
    assert (done.code, done.out) == (0, b"")
    assert target.read_bytes() == scored
    assert "Columns: 11 of the 11 the model reads." in done.err
    assert "Known to the model and left out on purpose: Do Not Call, Converted" in done.err
    assert "Scored 9,240 leads" in done.err
    assert "\r" not in done.err
    assert list(tmp_path.iterdir()) == [target]


def test_several_processes_give_what_one_gives(scored: bytes, tmp_path: Path) -> None:
    """The same bytes in the same order, however many work on them."""
    target = tmp_path / "scored.csv"
    process = _started(str(TWIN), "-o", str(target), "--workers", "2")
    _, message = process.communicate(timeout=120)
    assert process.returncode == 0, message
    assert target.read_bytes() == scored
    assert list(tmp_path.iterdir()) == [target]


def test_ranked_and_best_leads_are_those_of_the_file(scored: bytes, command: Command) -> None:
    """--sort gives every row, the most probable first and ties in order; --top the first of these."""
    expected = sorted(_rows(scored), key=lambda row: -float(row["probability"]))
    assert _rows(command("score", str(TWIN), "--sort").out) == expected
    best = _rows(command("score", str(TWIN), "--top", "50", "--reasons", "1").out)
    assert [row["Lead Number"] for row in best] == [row["Lead Number"] for row in expected[:50]]
    assert "reason_1" in best[0]
    assert "reason_2" not in best[0]


def test_rows_with_errors_are_counted_and_ranked_last(command: Command) -> None:
    """A bad row does not abort a run: the summary counts it, the ranking puts it last."""
    done = command("score", "-", "--partial", "--sort", content=SMALL)
    rows = _rows(done.out)
    assert done.code == 0
    assert "Scored 2 leads" in done.err
    assert "1 could not be scored: see the column error" in done.err
    assert "TotalVisits" in rows[-1]["error"]
    assert float(rows[0]["probability"]) >= float(rows[1]["probability"])


def test_file_without_rows_is_answered(command: Command) -> None:
    """A header alone gets its added columns, in order, ranked or cut."""
    for options in ([], ["--sort"], ["--top", "5"]):
        done = command("score", "-", "--partial", "--reasons", "0", *options, content=b"City\r\n")
        assert (
            done.out == b"City,probability,score,grade,converts,action,warnings,error,model_version\r\n"
        )
        assert "Scored 0 leads" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["no_such.csv"], 1, "no_such.csv: No such file"),
        (["README.md"], 1, "README.md: the first line names no column"),
        (["README.md", "-o", "no_such_folder/out.csv"], 1, "no_such_folder/out.csv: No such file"),
        (["README.md", "--top", "-1"], 2, "expected a whole number from 0 on"),
        (["README.md", "--reasons", "12"], 1, "got 12 reasons, expected 0 to 11"),
        (["leads.parquet"], 1, "both names should end in .parquet"),
        (
            ["leads.parquet", "-o", "out.parquet", "--sort"],
            1,
            "of Parquet all columns and rows are written",
        ),
        (["leads.parquet", "-o", "out.parquet", "--sheet", "Leads"], 1, "neither sheets nor"),
        (["leads.parquet", "-o", "out.parquet", "--decimal", ","], 1, "neither sheets nor"),
        (["no_such.parquet", "-o", "out.parquet"], 1, "no_such.parquet"),
        (["README.md", "--model", "no_such.onnx"], 3, "Not started: no_such.onnx: cannot be read"),
    ],
)
def test_what_cannot_be_scored_says_why(
    command: Command, arguments: list[str], code: int, message: str
) -> None:
    """A sentence on standard error, an exit code, no file."""
    done = command("score", *arguments)
    assert (done.code, done.out) == (code, b"")
    assert message in done.err
    assert ".part" not in done.err
    assert not (ROOT / "out.parquet").exists()


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupted_run_leaves_no_file(
    tmp_path: Path, stop: signal.Signals, code: int, workers: str
) -> None:
    """Ctrl-C or a termination: no half file, no temporary one, the exit code of a stopped command."""
    target = tmp_path / "scored.csv"
    target.write_text("the old one")
    process = _started("-", "-o", str(target), "--workers", workers, stdin=subprocess.PIPE)
    _fed(process, TWIN.read_bytes())
    _wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    process.send_signal(stop)
    assert process.wait(timeout=30) == code
    _, message = process.communicate()
    assert b"Traceback" not in message
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the old one"]


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_killed_worker_ends_the_run_with_a_message(tmp_path: Path) -> None:
    """As when memory runs out: one sentence, exit code 1, no half file."""
    process = _started("-", "-o", str(tmp_path / "out.csv"), "--workers", "2", stdin=subprocess.PIPE)
    _fed(process, TWIN.read_bytes())
    _wait_for(lambda: _workers(process))
    os.kill(_workers(process)[0], signal.SIGKILL)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"a worker process was killed" in message
    assert b"Traceback" not in message
    assert list(tmp_path.iterdir()) == []


def test_model_replaced_meanwhile_ends_the_run(tmp_path: Path) -> None:
    """Half a file by one model and half by another would be neither's: nothing is kept."""
    model = tmp_path / "model.onnx"
    shutil.copy(MODEL, model)
    options = ["--workers", "2", "--model", str(model), "--partial"]
    process = _started("-", "-o", str(tmp_path / "out.csv"), *options, stdin=subprocess.PIPE)
    _fed(process, SMALL.partition(b"\n")[0] + b"\n")
    _wait_for(lambda: len(list(tmp_path.iterdir())) == 2)  # the model is read, no worker has started
    model.write_bytes(rewritten(version="another"))
    _, message = process.communicate(SMALL, timeout=60)
    assert process.returncode == 1
    assert b"the model file was replaced meanwhile; nothing was kept" in message
    assert list(tmp_path.iterdir()) == [model]


def test_reader_that_has_seen_enough_ends_the_run_quietly() -> None:
    """`| head` is no error."""
    process = _started(str(TWIN), stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal")
def test_terminal_sees_progress(tmp_path: Path) -> None:
    """On a terminal a line with rate and share is drawn, and wiped at the end."""
    import pty  # noqa: PLC0415  (Unix only)

    header, _, rows = TWIN.read_bytes().partition(b"\n")
    source = tmp_path / "leads.csv"
    source.write_bytes(header + b"\n" + rows * 3)
    ours, theirs = pty.openpty()
    command = [PYTHON, "predict.py", "score", str(source), "-o", str(tmp_path / "out.csv")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # Linux reports the end of a terminal so
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    drawn = [line for line in seen.split(b"\r\x1b[K") if b"a second" in line and b"Scored" not in line]
    assert drawn
    assert all(b" leads, " in line and line.endswith(b"%") for line in drawn)
    assert b"\r\x1b[KScored 27,720 leads" in seen


def test_parquet_is_scored_like_csv(scored: bytes, command: Command, tmp_path: Path) -> None:
    """A Parquet file gets the same columns, typed."""
    source, target = tmp_path / "leads.parquet", tmp_path / "scored.parquet"
    table = read_csv(TWIN)
    pq.write_table(table, source)
    done = command("score", str(source), "-o", str(target))
    assert done.code == 0, done.err
    nowhere = tmp_path / "none" / "scored.parquet"
    assert f"{nowhere}: No such file" in command("score", str(source), "-o", str(nowhere)).err
    found = pq.read_table(target)
    assert found.select(table.column_names).equals(table)
    expected = _rows(scored)
    assert found["probability"].to_pylist() == [float(row["probability"]) for row in expected]
    assert found["score"].to_pylist() == [int(row["score"]) for row in expected]
    assert found["reason_3"].to_pylist() == [row["reason_3"] for row in expected]
    assert found["error"].null_count == len(expected)


def test_parquet_without_its_library_says_what_to_do(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyarrow is optional: a sentence names it, and the way without."""
    monkeypatch.delitem(sys.modules, "leadscore.tables.parquet", raising=False)
    monkeypatch.delattr(tables, "parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = command("score", "leads.parquet", "-o", "out.parquet")
    assert done.code == 1
    assert "Parquet needs pyarrow (pip install pyarrow), or a CSV instead" in done.err


def test_interruption_while_workers_start_ends_the_run(tmp_path: Path) -> None:
    """Ctrl-C reaches the workers, too: those that are not ready yet neither die of it nor hang."""
    source = tmp_path / "leads.csv"
    header, _, rows = TWIN.read_bytes().partition(b"\n")
    source.write_bytes(header + b"\n" + rows * 20)
    target = str(tmp_path / "scored.csv")
    process = _started(str(source), "-o", target, "--workers", "2", start_new_session=True)
    _wait_for(lambda: _workers(process))
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in message
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_target_that_is_no_file_is_written_to(scored: bytes, command: Command, tmp_path: Path) -> None:
    """A named pipe is not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert command("score", str(TWIN), "-o", str(pipe)).code == 0
    assert read.result() == scored
    assert pipe.is_fifo()


def test_target_keeps_its_place_and_its_permissions(
    scored: bytes, command: Command, tmp_path: Path
) -> None:
    """A link is followed, and who could not read the old file cannot read the new one."""
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.touch(mode=0o600)
    link.symlink_to(target)
    assert command("score", str(TWIN), "-o", str(link)).code == 0
    assert link.is_symlink()
    assert target.read_bytes() == scored
    assert target.stat().st_mode & 0o777 == 0o600
