"""A real Spark cluster for tests, which `make spark-check` installs: programs submitted to it."""

import os
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from benchmarks.processes import descendants, said
from tests.conftest import ROOT

BIN: Final = ROOT / ".venv-spark" / "bin"
QUICK: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For Java: no compiling for hours of work that never come."""

CLUSTER: Final = "local-cluster[2,1,1024]"
"""A master and two worker processes of one core and 1,024 MB each."""

needed: Final = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BIN.exists(), reason="`make spark-check` installs Spark, 1.2 GB, in .venv-spark"
    ),
    pytest.mark.skipif(
        shutil.which("java") is None and "JAVA_HOME" not in os.environ,
        reason="Spark needs Java 17 or newer, and there is none here",
    ),
]


@contextmanager
def submitted(folder: Path, master: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """spark-submit at work, with leadscore as executors get it; all it writes is below the folder, and
    nothing is open to others.
    """
    package = folder / "leadscore.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for file in sorted((ROOT / "leadscore").rglob("*.py")):
            archive.write(file, file.relative_to(ROOT))
    options = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.rolling.enabled": "false",
        "spark.local.dir": str(folder),
        "spark.log.level": "ERROR",
        "spark.driver.extraJavaOptions": QUICK,
        "spark.executor.extraJavaOptions": QUICK,
        "spark.ui.enabled": "false",
    }
    settings = [word for key, value in options.items() for word in ("--conf", f"{key}={value}")]
    environment = {
        "PYSPARK_PYTHON": str(BIN / "python"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    # Output goes to a file: the JVM's last words must not fill a pipe that nobody reads.
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(
            [BIN / "spark-submit", "--master", master, *settings, "--py-files", package, *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            for pid in [*below(process.pid), process.pid]:
                send(pid, signal.SIGKILL)
            process.wait()


def finished(process: subprocess.Popen[str], folder: Path) -> str:
    """What it printed, once it is done."""
    code = process.wait(timeout=300)
    text = (folder / "output").read_text()
    assert code == 0, text[-5000:]
    return text


def below(pid: int) -> dict[int, str]:
    """The processes a process has started, and those they have: pid -> command line."""
    return {child: said(child, "cmdline") for child in descendants(pid)}


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
