"""`predict.py score` as it is run: files, pipes, interruptions."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow.csv import read_csv

from benchmarks.processes import descendants, said
from tests.conftest import PYTHON, ROOT, TWIN

COMMAND = (PYTHON, "predict.py", "score")


def _score(*arguments: str, content: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, input=content, capture_output=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def scored() -> bytes:
    """The shipped leads, scored in a pipe."""
    done = _score("-", content=TWIN.read_bytes())
    assert done.returncode == 0, done.stderr
    return done.stdout


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_pipe_and_file_give_the_same(scored: bytes, tmp_path: Path) -> None:
    """Standard streams and files are equal, by one process or two; a summary goes to standard error."""
    target = tmp_path / "scored.csv"
    for workers in ("1", "2"):
        done = _score(str(TWIN), "-o", str(target), "--workers", workers)
        assert done.returncode == 0, done.stderr
        assert done.stdout == b""
        assert target.read_bytes() == scored
        assert b"Columns: 11 of the 11 the model reads." in done.stderr
        assert b"Scored 9,240 leads" in done.stderr
        assert b"\r" not in done.stderr
        target.unlink()
    assert list(tmp_path.iterdir()) == []


def test_service_is_not_imported_to_score() -> None:
    """`predict.py`, which each worker imports, too, starts without the libraries of the service."""
    program = "import predict, sys; print(sorted({'fastapi', 'pydantic', 'uvicorn'} & {*sys.modules}))"
    done = subprocess.run([PYTHON, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ranked_and_best_leads_are_those_of_the_file(scored: bytes) -> None:
    """--sort gives every row, the most probable first and ties in order; --top the first of these."""
    expected = sorted(_rows(scored), key=lambda row: -float(row["probability"]))
    assert _rows(_score(str(TWIN), "--sort").stdout) == expected
    best = _rows(_score(str(TWIN), "--top", "50", "--reasons", "1").stdout)
    assert [row["Lead Number"] for row in best] == [row["Lead Number"] for row in expected[:50]]
    assert "reason_1" in best[0]
    assert "reason_2" not in best[0]


def test_rows_with_errors_are_counted_and_ranked_last() -> None:
    """A bad row does not abort a run: the summary counts it, the ranking puts it last."""
    done = _score("-", "--sort", content=b"TotalVisits,City\nmany,Pune\n5,Mumbai\n1,Pune\n")
    rows = _rows(done.stdout)
    assert done.returncode == 0
    assert b"Scored 2 leads" in done.stderr
    assert b"1 could not be scored: see the column error" in done.stderr
    assert "TotalVisits" in rows[-1]["error"]
    assert float(rows[0]["probability"]) >= float(rows[1]["probability"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such.csv"], "no_such.csv: No such file"),
        (["README.md"], "README.md: the first line names no column"),
        (["README.md", "-o", "no_such_folder/out.csv"], "no_such_folder/out.csv: No such file"),
        (["README.md", "--top", "-1"], "expected a whole number from 0 on"),
        (["README.md", "--reasons", "12"], "got 12 reasons, expected 0 to 11"),
        (["leads.parquet"], "both names should end in .parquet"),
        (["leads.parquet", "-o", "out.parquet", "--sort"], "only CSV can be ranked"),
        (["no_such.parquet", "-o", "out.parquet"], "no_such.parquet"),
    ],
)
def test_what_cannot_be_scored_says_why(arguments: list[str], message: str) -> None:
    """One line on standard error, a non-zero exit code, no file."""
    done = _score(*arguments)
    assert done.returncode != 0
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b".part" not in done.stderr
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
    process = subprocess.Popen(
        [*COMMAND, "-", "-o", str(target), "--workers", workers],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background job is started deaf to Ctrl-C, and so are its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdin
    assert process.stderr
    process.stdin.write(TWIN.read_bytes())
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while not list(tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(stop)
    assert process.wait(timeout=30) == code
    process.stdin.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_killed_worker_ends_the_run_with_a_message(tmp_path: Path) -> None:
    """As when memory runs out: one sentence, exit code 1, no half file."""
    process = subprocess.Popen(
        [*COMMAND, "-", "-o", str(tmp_path / "scored.csv"), "--workers", "2"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(TWIN.read_bytes())
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while not (workers := [p for p in descendants(process.pid) if "spawn_main" in said(p, "cmdline")]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(workers[0], signal.SIGKILL)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"a worker process was killed" in message
    assert b"Traceback" not in message
    assert list(tmp_path.iterdir()) == []


def test_reader_that_has_seen_enough_ends_the_run_quietly() -> None:
    """`| head` is no error."""
    writer = subprocess.Popen(
        [*COMMAND, str(TWIN)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout
    assert writer.stderr
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.wait(timeout=30) == 0
    assert b"Traceback" not in writer.stderr.read()
    writer.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal")
def test_terminal_sees_progress(tmp_path: Path) -> None:
    """On a terminal a bar with rate and remaining time is drawn, and wiped at the end."""
    import pty  # noqa: PLC0415  (Unix only)

    rows = TWIN.read_bytes().partition(b"\n")
    source = tmp_path / "leads.csv"
    source.write_bytes(rows[0] + b"\n" + rows[2] * 8)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, str(source), "-o", str(tmp_path / "out.csv")], cwd=ROOT, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # Linux reports the end of a terminal so
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    assert "█".encode() in seen
    assert b"a second" in seen
    assert b"s left" in seen


def test_parquet_is_scored_like_csv(scored: bytes, tmp_path: Path) -> None:
    """A Parquet file gets the same columns, typed; without pyarrow there is a clear message."""
    source, target = tmp_path / "leads.parquet", tmp_path / "scored.parquet"
    table = read_csv(TWIN)
    pq.write_table(table, source)
    done = _score(str(source), "-o", str(target))
    if "LEADSCORE_TEST_PYTHON" in os.environ:
        assert b"Parquet needs pyarrow" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    nowhere = tmp_path / "none" / "scored.parquet"
    assert f"{nowhere}: No such file".encode() in _score(str(source), "-o", str(nowhere)).stderr
    found = pq.read_table(target)
    assert found.select(table.column_names).equals(table)
    expected = _rows(scored)
    assert found["probability"].to_pylist() == [float(row["probability"]) for row in expected]
    assert found["score"].to_pylist() == [int(row["score"]) for row in expected]
    assert found["reason_3"].to_pylist() == [row["reason_3"] for row in expected]
    assert found["error"].null_count == len(expected)


def test_interruption_while_workers_start_ends_the_run(tmp_path: Path) -> None:
    """Ctrl-C reaches the workers, too: those that are not ready yet neither die of it nor hang."""
    source = tmp_path / "leads.csv"
    rows = TWIN.read_bytes().partition(b"\n")
    source.write_bytes(rows[0] + b"\n" + rows[2] * 20)
    process = subprocess.Popen(
        [*COMMAND, str(source), "-o", str(tmp_path / "scored.csv"), "--workers", "2"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 30
    while not any("spawn_main" in said(p, "cmdline") for p in descendants(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in message
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_target_that_is_no_file_is_written_to(scored: bytes, tmp_path: Path) -> None:
    """A named pipe is not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([*COMMAND, str(TWIN), "-o", str(pipe)], cwd=ROOT, stderr=subprocess.PIPE)
    assert pipe.read_bytes() == scored
    process.communicate(timeout=30)
    assert pipe.is_fifo()


def test_target_keeps_its_place_and_its_permissions(scored: bytes, tmp_path: Path) -> None:
    """A link is followed, and who could not read the old file cannot read the new one."""
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.touch(mode=0o600)
    link.symlink_to(target)
    assert _score(str(TWIN), "-o", str(link)).returncode == 0
    assert link.is_symlink()
    assert target.read_bytes() == scored
    assert target.stat().st_mode & 0o777 == 0o600
