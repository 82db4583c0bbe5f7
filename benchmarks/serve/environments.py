"""An environment for each framework, below build/peers, with the project's versions of what both use."""

import os
import re
import subprocess
import sys
from pathlib import Path
from platform import python_version
from typing import Any, Final

from benchmarks import ROOT

PEERS: Final = ROOT / "build" / "peers"

# What each environment holds; a name without a version has the one of requirements.txt.
_FITTED = ("scikit-learn", "xgboost-cpu", "pandas", "numpy", "joblib", "onnxruntime", "pydantic")
_UVICORN = ("uvicorn", "httptools")
REQUIREMENTS: Final = {
    "fastapi": ("fastapi", "uvloop", *_UVICORN, *_FITTED),
    # Its worker processes do not start with a later uvloop.
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop==0.21.0", *_UVICORN, *_FITTED),
    "bentoml": ("bentoml==1.4.39", "uvloop", *_UVICORN, *_FITTED),
    "mlflow": ("mlflow==3.17.2", "uvloop", *_UVICORN, *_FITTED),
    "litserve": ("litserve==0.2.19", "pyzmq==27.3.0", "uvloop", *_UVICORN, *_FITTED),
    "ray": ("ray[serve]==2.60.0", "uvloop", *_UVICORN, *_FITTED),
}
_OURS = ("fastapi", "uvloop", *_UVICORN, "pydantic", "numpy", "onnxruntime")


def programs(environment: str) -> Path:
    """The folder of an environment's programs."""
    folder = PEERS / environment if environment in REQUIREMENTS else ROOT / f".venv-{environment}"
    return folder / "bin"


def install(environment: str) -> None:
    """Make an environment, unless it is there as it should be."""
    if environment not in REQUIREMENTS:
        return
    wanted = "\n".join(map(_pinned, REQUIREMENTS[environment]))
    folder = PEERS / environment
    installed = folder / "installed"
    if installed.exists() and installed.read_text() == wanted:
        return
    print(f"Installing {environment} ...", flush=True)
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    python = programs(environment) / "python"
    command = [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*command, *wanted.split()], check=True)
    installed.write_text(wanted)


def versions() -> dict[str, list[str]]:
    """Environment -> its packages with their versions."""
    return {name: [*map(_pinned, wanted)] for name, wanted in {"ours": _OURS, **REQUIREMENTS}.items()}


def machine() -> dict[str, Any]:
    """What all of it ran on."""
    processors = Path("/proc/cpuinfo").read_text()
    wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "processor": re.findall(r"model name\s*: (.*)", processors)[0],
        "cores": os.cpu_count(),
        "python": python_version(),
        "wrk": wrk.split()[1].removeprefix("debian/"),
    }


def _pinned(requirement: str) -> str:
    if "==" in requirement:
        return requirement
    text = (ROOT / "requirements.txt").read_text()
    return f"{requirement}=={re.findall(rf'^{re.escape(requirement)}==([^ ;]+)', text, re.MULTILINE)[0]}"
