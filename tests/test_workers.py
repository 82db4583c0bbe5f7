"""Several workers: one that dies is replaced, and its numbers are not lost."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from tests.conftest import Serve, Server


def _children(server: Server) -> set[int]:
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in path.read_text().split()}
    return {pid for pid, command in commands.items() if "spawn_main" in command}


def _starts(server: Server) -> int:
    return server.log.read_text().count("Application startup complete")


def _leads(server: Server) -> float:
    text = httpx2.get(f"{server.base_url}/metrics").text
    return float(re.search(r"^leadscore_leads_total (\S+)", text, re.MULTILINE)[1])


def _score(server: Server, times: int) -> None:
    def ask(_: int) -> None:
        httpx2.post(f"{server.base_url}/predict", json={}, timeout=30).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(times)))


def test_killed_worker_is_replaced_and_what_it_counted_stays(serve: Serve) -> None:
    """Any worker tells the sum over all, those that are gone included; the folder goes at the end."""
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
        assert folder.exists()
    assert not folder.exists()


def test_worker_that_cannot_come_back_stops_nobody(serve: Serve, tmp_path: Path) -> None:
    """The model file is deleted, a worker killed: the others serve on, and it is back with the file."""
    model = tmp_path / "model.onnx"
    content = (Path(__file__).parent.parent / "models" / "lead_conversion.onnx").read_bytes()
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


def test_every_worker_says_that_there_are_no_keys(serve: Serve) -> None:
    """Also where somebody else's supervisor starts them, and ours has said nothing before."""
    with serve("-m", "uvicorn", "predict:app", "--port", "0", "--workers", "2") as server:
        server.wait_for(lambda: _starts(server) == 2, "both workers")
        assert server.log.read_text().count("NO API KEYS") == 2


def _folder(process: int) -> Path:
    environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    (found,) = [entry for entry in environment if entry.startswith(b"PROMETHEUS_MULTIPROC_DIR=")]
    return Path(found.partition(b"=")[2].decode())
