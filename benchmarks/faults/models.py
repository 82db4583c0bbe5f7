"""Model files that are gone, damaged or others."""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import onnx

from benchmarks import MODEL, ROOT
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.service import PATIENCE, PYTHON, started
from leadscore.commands import CANNOT_START

DAMAGED = 200  # model files with one bit changed


def deleted_model(requests: int = 1000) -> Outcome:
    """The model in use stays."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(shutil.copy(MODEL, folder))
        with started(LEADSCORE_WORKERS="2", LEADSCORE_MODEL=str(model)) as service:
            model.unlink()
            reloaded = service.reload()
            counted = service.statuses(requests)
    return Outcome(
        "the model file deleted while it serves",
        f"{counted[200]:,} of {requests:,} requests answered; a reload got a {reloaded}",
        counted == {200: requests} and reloaded == 409,
    )


def truncated_model(number: int = 20) -> Outcome:
    """Refused, however much is there."""
    whole = MODEL.read_bytes()
    sizes = [len(whole) * part // number for part in range(number - 1)] + [len(whole) - 1]
    return _refused("the model file truncated", [whole[:size] for size in sizes])


def swapped_model() -> Outcome:
    """Refused: another kind of file, another program's ONNX file, columns in each other's place."""
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    opset = [onnx.helper.make_opsetid("", 18)]
    graph = onnx.helper.make_graph([node], "other", value[:1], value[1:])
    other = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    exchanged = onnx.load(MODEL)
    pair = ["total_visits", "page_views_per_visit"]
    names = dict(zip(pair, reversed(pair), strict=True))
    for node in exchanged.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    files = [(ROOT / "README.md").read_bytes(), *(m.SerializeToString() for m in (other, exchanged))]
    return _refused("the model file replaced by something else", files)


def tampered_model(number: int = DAMAGED) -> Outcome:
    """Refused, whichever bit of it is another."""
    whole, rng = MODEL.read_bytes(), Random(0)  # noqa: S311  (nothing secret)
    files = []
    for _ in range(number):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        files.append(bytes(content))
    return _refused("the model file tampered with: one bit changed", files)


def _refused(fault: str, files: list[bytes]) -> Outcome:
    """No file is taken: not by a running service, and the last one not at a start."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(shutil.copy(MODEL, folder))
        environment = {"LEADSCORE_MODEL": str(model)}
        statuses: Counter[int] = Counter()
        with started(**environment) as service:
            for content in files:
                model.write_bytes(content)
                statuses[service.reload()] += 1
            counted = service.statuses(100)
        start = subprocess.run(
            [PYTHON, "predict.py"],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    refused = statuses[409]
    return Outcome(
        fault,
        f"{refused} of {len(files)} files refused by a running service, which answered on; "
        f"a new one {'refused' if start.returncode == CANNOT_START else 'took'} the last",
        refused == len(files) and counted == {200: 100} and start.returncode == CANNOT_START,
    )
