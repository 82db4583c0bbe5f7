"""Worker processes: those that die or hang, and those whose parent does."""

import os
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscore.files import replace_file
from leadscore.service.workers import MEMORY, PREFIX
from tests.conftest import MODEL, Serve, Server
from tests.models import rewritten


def _children(server: Server) -> set[int]:
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in path.read_text().split()}
    return {pid for pid, command in commands.items() if "spawn_main" in command}


def _starts(server: Server) -> int:
    return server.log.read_text().count("Application startup complete")


def _leads(server: Server) -> float:
    families = text_string_to_metric_families(server.anew.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "leadscore_leads_total")


def _score(server: Server, times: int) -> None:
    def ask(_: int) -> None:
        server.anew.post("/predict", json={}).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(times)))


def test_killed_worker_is_replaced_and_what_it_counted_stays(serve: Serve) -> None:
    """Any worker tells the sum over all, those that are gone included, and a worker that is gone
    leaves no file behind; the folder goes at the end.
    """
    with serve(LEADSCORE_WORKERS="2") as server:
        _score(server, 40)
        assert _leads(server) == 40
        before = _children(server)
        assert len(before) == 2
        victim = min(before)
        folder = _folder(victim)
        os.kill(victim, signal.SIGKILL)
        server.wait_for(
            lambda: len(_children(server)) == 2 and _children(server) != before, "another worker"
        )
        _score(server, 40)
        assert _leads(server) == 80
        server.wait_for(lambda: _starts(server) == 3, "its start")
        files = {path.name for path in folder.iterdir()}
        counts = {f"{kind}_{place}.db" for kind in ("counter", "histogram") for place in (0, 1)}
        assert {name for name in files if name.endswith(".db")} <= counts
        windows = {int(name.rpartition(".")[2]) for name in files - counts}
        assert victim not in windows
        assert windows <= _children(server)  # one that has counted nothing yet has none
    assert not folder.exists()


@pytest.mark.skipif(not os.access(MEMORY, os.W_OK), reason="there is no /dev/shm")
def test_folders_of_services_that_were_killed_go(serve: Serve) -> None:
    """At the next start; that of a service in use, and one that is just made, stay."""
    left, new = (Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY)) for _ in range(2))
    (left / "counter_0.db").write_bytes(b"")
    os.utime(left, (0, 0))
    with serve(LEADSCORE_WORKERS="2") as first:
        used = _folder(min(_children(first)))
        os.utime(used, (0, 0))
        with serve(LEADSCORE_WORKERS="2"):
            assert [path.exists() for path in (left, used, new)] == [False, True, True]
    new.rmdir()


@pytest.mark.slow
def test_reload_while_workers_start_kills_none(serve: Serve, tmp_path: Path) -> None:
    """A SIGHUP that comes before a worker listens waits for it: then the worker has the new model."""
    model = tmp_path / "model.onnx"
    model.write_bytes(MODEL.read_bytes())
    with serve(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=str(model)) as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        before = _children(server)
        os.kill(min(before), signal.SIGKILL)
        server.wait_for(lambda: len(_children(server) - before) == 1, "another worker")
        starting = _children(server)
        replace_file(model, rewritten(version="another"))
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: _starts(server) == 3, "its start")
        server.wait_for(lambda: server.log.read_text().count("model reloaded") >= 2, "two reloads")
        assert _children(server) == starting
        with ThreadPoolExecutor(8) as pool:
            ready = pool.map(lambda _: server.anew.get("/ready").json()["model_version"], range(24))
        assert set(ready) == {"another"}


@pytest.mark.slow
def test_worker_that_cannot_come_back_stops_nobody(serve: Serve, tmp_path: Path) -> None:
    """The model file is deleted, a worker killed: the others serve on, and it is back with the file."""
    model = tmp_path / "model.onnx"
    content = MODEL.read_bytes()
    model.write_bytes(content)
    with serve(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=str(model)) as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        before = _children(server)
        model.unlink()
        os.kill(min(before), signal.SIGKILL)
        server.wait_for(lambda: server.log.read_text().count("exit code 3") >= 1, "a vain attempt")
        _score(server, 10)
        model.write_bytes(content)
        server.wait_for(lambda: _starts(server) == 3, "a third start")
        _score(server, 10)


def test_worker_that_hangs_holds_up_no_end(serve: Serve) -> None:
    """One of two workers is stopped for good: SIGTERM ends the service all the same."""
    with serve(LEADSCORE_WORKERS="2", LEADSCORE_SHUTDOWN_TIMEOUT="1") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        victims = _children(server)
        os.kill(min(victims), signal.SIGSTOP)
        server.process.terminate()
        server.process.wait(timeout=30)
    assert not any(Path(f"/proc/{victim}").exists() for victim in victims)


def test_workers_leave_with_their_parent(serve: Serve) -> None:
    """`kill -9` of the parent process leaves no worker behind that holds the port."""
    with serve(LEADSCORE_WORKERS="2") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        workers = _children(server)
        server.process.kill()
        server.process.wait(timeout=30)
        server.wait_for(lambda: not any(map(_alive, workers)), "the end of both workers")


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


@pytest.mark.slow
def test_every_worker_says_that_there_are_no_keys(serve: Serve) -> None:
    """Also where somebody else's supervisor starts them, and ours has said nothing before."""
    with serve("-m", "uvicorn", "predict:app", "--port", "0", "--workers", "2") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        assert server.log.read_text().count("NO API KEYS") == 2


def _folder(process: int) -> Path:
    environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    (found,) = [entry for entry in environment if entry.startswith(b"PROMETHEUS_MULTIPROC_DIR=")]
    return Path(found.partition(b"=")[2].decode())
