"""What size costs: seconds and memory against rows, of scoring a CSV, of pandas, and of training.

    python -m benchmarks.scale                                    # about 20 minutes; prints the report
    python -m benchmarks.scale --write                            # and writes it, here and into its page
    python -m benchmarks.scale --scoring 10000 100000 --training  # smaller
    python -m benchmarks.scale --report                           # writes what scale.json holds

A run is a program from its start to its end, imports and all: `predict.py score --reasons 0` with one
and with two workers; the usual script, `pandas.read_csv`, the pipeline from joblib, `to_csv`; `train.py`
on leads drawn by data/synthesize.py. Ways take turns, and a figure is that of the run with the median
time; from a million rows on there is one run of each, and above a million only the two workers. Memory
is the most that the program and the processes it started occupy, pages they share counted once (PSS,
sampled from /proc). Inputs to score are the rows of data/leads.csv, over and over.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from platform import python_version
from typing import Any

import joblib
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks import COLUMNS, LEADS, ROOT
from benchmarks.documents import fill
from benchmarks.processes import descendants, occupied
from leadscore.dictionary import Dictionary
from leadscore.files import replace_file
from leadscore.training.dataset import load
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.plots.style import BLUE, GREEN, GREY, ORANGE, STYLE

HERE = ROOT / "benchmarks"
MARK = "<!-- the scale, written by benchmarks/scale.py -->"

SCORING = (10_000, 100_000, 1_000_000, 10_000_000)
TRAINING = (10_000, 100_000, 1_000_000)
MILLION = 1_000_000
ROUNDS = 3  # below a million rows
SAMPLE = 0.2  # seconds between two looks at memory
MB = 1e6

ONE, TWO, PANDAS, TRAIN = "one worker", "two workers", "pandas", "training"
STYLES = {ONE: (GREY, "o"), TWO: (BLUE, "s"), PANDAS: (ORANGE, "^"), TRAIN: (GREEN, "D")}
WORKERS = {ONE: 1, TWO: 2}

# What people write; it gets the columns' names, aliases and missing markers from the data dictionary.
SCRIPT = """
import json, sys, joblib, pandas as pd

model, source, target, dictionary = sys.argv[1:]
names, aliases, missing = json.loads(dictionary)
pipeline = joblib.load(model)
leads = pd.read_csv(source, keep_default_na=False, na_values=["", *missing])
features = leads[list(names)].rename(columns=names)
texts = features.columns[features.dtypes.map(pd.api.types.is_string_dtype)]
features[texts] = features[texts].fillna("").replace(aliases)
leads["probability"] = pipeline.predict_proba(features)[:, 1]
leads.to_csv(target, index=False)
"""


@dataclass(frozen=True)
class Run:
    """A way to handle so many rows: its seconds, and at most so many bytes of memory at a time."""

    way: str
    rows: int
    seconds: float
    memory: int


def main() -> None:
    """Measure, or read what was measured; print it, write it."""
    arguments = _arguments()
    if arguments.report:
        document = json.loads((HERE / "scale.json").read_text())
    else:
        runs = measured(arguments.scoring, arguments.training)
        document = {
            "cores": os.cpu_count(),
            "versions": _versions(),
            "runs": [asdict(run) for run in runs],
        }
    print("\n".join(report(document)))
    if arguments.report or arguments.write:
        replace_file(HERE / "scale.json", (json.dumps(document, indent=1) + "\n").encode())
        replace_file(HERE / "SCALE.md", ("\n".join(report(document)) + "\n").encode())
        draw(runs_of(document), HERE / "scale.png")
        fill(MARK, summary(document))


def measured(scoring: Sequence[int], training: Sequence[int]) -> list[Run]:
    """Every run that is reported, in inputs and outputs of a folder that vanishes."""
    found: list[Run] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows in sorted(scoring):
            found += _scored(rows, folder)
        for rows in sorted(training):
            found.append(_trained(rows, folder))
    return found


def repeated(rows: int, path: Path) -> Path:
    """A CSV of so many rows: those of the shipped leads, over and over."""
    header, *leads = LEADS.read_bytes().splitlines(keepends=True)
    with path.open("wb") as stream:
        stream.write(header)
        stream.writelines(islice(cycle(leads), rows))
    return path


def commands(rows: int, folder: Path) -> dict[str, list[str]]:
    """Way -> how it scores `folder`/leads.csv to a file that is named after it."""
    source = str(folder / "leads.csv")
    score = [sys.executable, "predict.py", "score", source, "--reasons", "0"]
    found = {
        way: [*score, "--workers", str(number), "-o", str(folder / f"{way}.csv")]
        for way, number in WORKERS.items()
        if number > 1 or rows <= MILLION
    }
    if rows <= MILLION:
        found[PANDAS] = [sys.executable, "-c", SCRIPT, *_script_arguments(source, folder)]
    return found


def measure(command: Sequence[str]) -> tuple[float, int]:
    """Seconds and bytes of memory of a command; exits with what it said if it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEADSCORE_")}
    most = 0
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                most = max(most, sum(map(occupied, [process.pid, *descendants(process.pid)])))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(SAMPLE)
            seconds = time.perf_counter() - started
        finally:
            process.terminate()
            process.wait()
        if process.returncode:
            log.seek(0)
            sys.exit(f"{command[1]} failed:\n{log.read().decode(errors='replace')}")
    return seconds, most


def exponent(runs: Sequence[Run]) -> float:
    """The power of rows that seconds grow with: the slope of a line through their logarithms."""
    rows, seconds = (np.log([getattr(run, name) for run in runs]) for name in ("rows", "seconds"))
    return float(np.polyfit(rows, seconds, 1)[0])


def report(document: dict[str, Any]) -> list[str]:
    """The lines of SCALE.md."""
    runs = runs_of(document)
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    return [
        "# Cost against size",
        "",
        "Written by `python -m benchmarks.scale --write`, whose first lines say what is measured.",
        f"{document['cores']} cores; {versions}.",
        "",
        "| | rows | seconds | rows a second | MB |",
        "| --- | --- | --- | --- | --- |",
        *(_row(run) for series in runs.values() for run in series),
        "",
        "Time is given as a power of rows, memory as a ratio. A short run is mostly a start, so the",
        "last tenfold tells more than a line through all:",
        "",
        "| | power, all sizes | power, the last two | memory, largest to smallest size |",
        "| --- | --- | --- | --- |",
        *(_growth(way, series) for way, series in runs.items() if len(series) > 1),
        "",
        *_ratios(runs),
        "",
        "![Seconds and memory against rows, both axes logarithmic](scale.png)",
    ]


def summary(document: dict[str, Any]) -> list[str]:
    """Its short form: the sizes from a million rows on, or the largest of a way; ratios; powers."""
    runs = runs_of(document)
    return [
        "| | rows | seconds | rows a second | MB |",
        "| --- | --- | --- | --- | --- |",
        *(
            _row(run)
            for series in runs.values()
            for run in series
            if run.rows >= MILLION or run is series[-1]
        ),
        "",
        *_ratios(runs),
        *(
            f"From {tail[0].rows:,} to {tail[-1].rows:,} rows, the time of {way} grows with their "
            f"number to the power of {exponent(tail):.2f}."
            for way, tail in ((way, series[-2:]) for way, series in runs.items())
            if way in {TWO, TRAIN} and len(tail) > 1
        ),
    ]


def draw(runs: dict[str, list[Run]], path: Path) -> None:
    """Seconds and memory against rows, all logarithmic."""
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 4.2))
        panels = figure.subplots(1, 2)
        for way, series in runs.items():
            rows = [run.rows for run in series]
            colour, marker = STYLES[way]
            label = f"{way}, power {exponent(series[-2:]):.2f}" if len(series) > 1 else way
            seconds, megabytes = [run.seconds for run in series], [run.memory / MB for run in series]
            for axes, values in zip(panels, (seconds, megabytes), strict=True):
                axes.plot(rows, values, color=colour, marker=marker, markersize=5, label=label)
        for axes, title in zip(panels, ("Seconds", "Megabytes, at most"), strict=True):
            axes.set(title=title, xlabel="rows", xscale="log", yscale="log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:,g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=4, title="power: of the last two sizes"
        )
        figure.savefig(path)


def runs_of(document: dict[str, Any]) -> dict[str, list[Run]]:
    """Way -> its runs, from few rows to many."""
    found: dict[str, list[Run]] = {way: [] for way in STYLES}
    for entry in document["runs"]:
        found[entry["way"]].append(Run(**entry))
    return {way: sorted(runs, key=lambda run: run.rows) for way, runs in found.items() if runs}


def _scored(rows: int, folder: Path) -> list[Run]:
    source = repeated(rows, folder / "leads.csv")
    ways = commands(rows, folder)
    found: dict[str, list[Run]] = defaultdict(list)
    for _ in range(ROUNDS if rows < MILLION else 1):
        for way, command in ways.items():
            found[way].append(_run(way, rows, command))
            (folder / f"{way}.csv").unlink()
    source.unlink()
    return [sorted(runs, key=lambda run: run.seconds)[len(runs) // 2] for runs in found.values()]


def _trained(rows: int, folder: Path) -> Run:
    drawn = folder / "drawn.csv"
    _show(f"drawing {rows:,} leads to train on")
    size, output = ("--rows", str(rows)), ("--output", str(drawn))
    measure([sys.executable, "data/synthesize.py", str(LEADS), *size, *output])
    models = str(folder / f"models-{rows}")
    command = [sys.executable, "train.py", "--data", str(drawn), "--output", models]
    return _run(TRAIN, rows, command)


def _run(way: str, rows: int, command: Sequence[str]) -> Run:
    run = Run(way, rows, *measure(command))
    _show(_row(run))
    return run


def _script_arguments(source: str, folder: Path) -> list[str]:
    dictionary = Dictionary.load(COLUMNS).known_at("capture")
    model = folder / "pipeline.joblib"
    if not model.exists():
        pipeline = CANDIDATES[SERVED](dictionary.features, 0)
        leads = load(LEADS, dictionary)
        joblib.dump(pipeline.fit(leads.features, leads.target), model)
    names = {column.source: column.name for column in dictionary.features}
    aliases = {column.name: dict(column.aliases) for column in dictionary.features if column.aliases}
    missing = sorted(dictionary.columns[0].missing)
    described = json.dumps([names, aliases, missing])
    return [str(model), source, str(folder / f"{PANDAS}.csv"), described]


def _row(run: Run) -> str:
    rate = run.rows / run.seconds
    return f"| {run.way} | {run.rows:,} | {run.seconds:,.1f} | {rate:,.0f} | {run.memory / MB:,.0f} |"


def _growth(way: str, runs: Sequence[Run]) -> str:
    memory = runs[-1].memory / runs[0].memory
    return f"| {way} | {exponent(runs):.2f} | {exponent(runs[-2:]):.2f} | {memory:.2f} |"


def _ratios(runs: dict[str, list[Run]]) -> list[str]:
    """Each number of workers beside pandas, on the most rows that both scored."""
    found = []
    for way in WORKERS:
        ours, theirs = ({run.rows: run for run in runs.get(name, ())} for name in (way, PANDAS))
        if both := ours.keys() & theirs.keys():
            our, their = ours[max(both)], theirs[max(both)]
            found.append(
                f"On {our.rows:,} rows, {way}: {their.seconds / our.seconds:.1f} times as fast as "
                f"`pandas.read_csv`, the pipeline from joblib and `to_csv`, in "
                f"{our.memory / their.memory:.2f} of its memory."
            )
    return found


def _versions() -> dict[str, str]:
    names = ("numpy", "onnxruntime", "pandas", "scikit-learn", "xgboost-cpu")
    return {"Python": python_version(), **{name: version(name) for name in names}}


def _show(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, sizes in (("scoring", SCORING), ("training", TRAINING)):
        shown = f"rows (default: {', '.join(f'{rows:,}' for rows in sizes)}; none: no {name})"
        parser.add_argument(f"--{name}", type=int, nargs="*", default=sizes, metavar="ROWS", help=shown)
    where = "scale.json, SCALE.md and scale.png here, and the lines of its page"
    parser.add_argument("--write", action="store_true", help=f"write {where}")
    parser.add_argument("--report", action="store_true", help="do so from scale.json, without a run")
    arguments = parser.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        parser.error("memory is read from /proc, so this needs Linux")
    return arguments


if __name__ == "__main__":
    main()
