"""Collect what the service needs into one folder, which becomes the whole image.

    python /collect_image.py /image    # in the build stage of the Dockerfile, as root, in /app

The order matters: the service is started after what it does not need is gone, so an image in which
it cannot run is never built.
"""

import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

APP: Final = Path.cwd()
PREFIX: Final = Path(sys.prefix)
STDLIB: Final = Path(sysconfig.get_path("stdlib"))
PACKAGES: Final = Path(sysconfig.get_path("purelib"))

# Licences stay, and so does *.dist-info of what stays: scanners read them.
UNUSED: Final = {
    PACKAGES: (
        "pip*",
        # Loading and running a model imports none of these.
        *("flatbuffers*", "google", "packaging*", "protobuf*"),
        *("onnxruntime/backend", "onnxruntime/datasets", "onnxruntime/quantization"),
        *("onnxruntime/tools", "onnxruntime/transformers"),
        # For programs in C; the Python binding has the same code built in.
        "onnxruntime/capi/libonnxruntime.so*",
        # /docs is Swagger UI alone.
        "fastapi_offline/static/redoc*",
        # Compilers, headers, tests and type stubs.
        *("numpy/_core/include", "numpy/_core/lib", "numpy/_core/_simd*", "numpy/_pyinstaller"),
        *("numpy/distutils", "numpy/f2py", "numpy/**/tests", "numpy/**/*.pyi", "numpy/**/*.pxd"),
    ),
    STDLIB: (
        *("config-*", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtle*"),
        *("curses", "dbm", "sqlite3", "venv"),
    ),
    # What the service never imports and would bring libraries of the system with it.
    STDLIB / "lib-dynload": (
        *("_crypt.*", "_curses*", "_dbm*", "_gdbm*", "_sqlite3*", "_tkinter*", "nis.*", "readline*"),
        *("*_test*", "xx*"),
    ),
}

# Published with debug symbols, 12 MB of them. Others break when stripped: their wheels were patched.
UNSTRIPPED: Final = ("uvloop", "httptools")

USER: Final = "service:x:65532:65532::/tmp:/sbin/nologin\n"


def main() -> None:
    """Prune, try, collect."""
    image = Path(sys.argv[1])
    prune()
    compile_by_use()
    collect(image)


def prune() -> None:
    """Remove what the service never loads."""
    for folder, patterns in UNUSED.items():
        for path in [path for pattern in patterns for path in folder.glob(pattern)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    symbols = [path for name in UNSTRIPPED for path in (PACKAGES / name).rglob("*.so")]
    subprocess.run(["strip", "--strip-unneeded", *symbols], check=True)


def compile_by_use() -> None:
    """Serve a few requests, so that Python leaves compiled files of the modules in use: whoever runs
    the image cannot write any, and would compile them at every start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = subprocess.Popen([sys.executable, "predict.py", "--port", str(port)])
    try:
        for _ in range(1200):
            time.sleep(0.1)
            if service.poll() is None and _answers(f"http://127.0.0.1:{port}"):
                return
        sys.exit("the service does not answer")
    finally:
        service.terminate()
        service.wait(timeout=30)


def _answers(address: str) -> bool:
    lead = urllib.request.Request(f"{address}/predict", b"{}", {"content-type": "application/json"})
    try:
        for request in (f"{address}/ready", f"{address}/openapi.json", lead):
            urllib.request.urlopen(request, timeout=5).read()
    except OSError:
        return False
    return True


def collect(image: Path) -> None:
    """Copy the interpreter, the standard library, the packages, the service and their libraries."""
    shutil.copytree(STDLIB, image / STDLIB.relative_to("/"), symlinks=True)
    shutil.copytree(APP, image / APP.relative_to("/"))
    interpreter = Path(sys.executable).resolve()
    _copy(interpreter, image)
    (image / interpreter.relative_to("/")).with_name("python").symlink_to(interpreter.name)
    binaries = [interpreter, *STDLIB.rglob("*.so"), *STDLIB.rglob("*.so.*")]
    libraries = {library for binary in binaries for library in _needed(binary)}
    for library in libraries:
        if not library.is_relative_to(STDLIB):
            _copy(library, image)
    _copy(Path("/etc/ld.so.cache"), image)
    _declare(libraries, image)
    (image / "etc/passwd").write_text(USER)
    (image / "tmp").mkdir()
    (image / "tmp").chmod(0o1777)


def _copy(path: Path, image: Path) -> None:
    target = image / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)


def _needed(binary: Path) -> Iterator[Path]:
    """The shared libraries a binary loads, and the loader."""
    return map(Path, re.findall(r"(/\S+) \(0x", _output("ldd", binary)))


def _declare(libraries: set[Path], image: Path) -> None:
    """Say where scanners look which Debian packages the libraries are of, and keep their licences."""
    status = image / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    names = [f"*/{library.name}" for library in libraries if not library.is_relative_to(PREFIX)]
    owners = _output("dpkg-query", "--search", *names).splitlines()
    for package in {line.split(":")[0] for line in owners}:
        (status / package).write_text(_output("dpkg-query", "--status", package))
        _copy(Path("/usr/share/doc") / package / "copyright", image)
    _copy(Path("/etc/os-release"), image)


def _output(*command: str | Path) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
