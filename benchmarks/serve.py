"""Our service beside others that serve the same model: requests a second, latency, memory, start.

    python -m benchmarks.serve                                # all; writes serve.json and RESULTS.md
    python -m benchmarks.serve --resume                       # goes on where it was interrupted
    python -m benchmarks.serve --only ours echo --rounds 1    # a quick look; writes nothing
    python -m benchmarks.serve --report                       # the documents again, from serve.json

Needs Linux with two cores, `taskset`, and `wrk` (a Debian package). Makes an environment below
build/peers for each framework, at the first run. Each server runs on core 0, with everything that
belongs to it, and the load on core 1. A round starts every server, compares its probabilities with the
model's, loads it with each size of request, each time followed by the same load on ours, which runs
all the time, and stops it; the next round begins with another server.
A figure is the median of its rounds, a ratio the median of the rounds' ratios of two such neighbours.
"""

import argparse
import contextlib
import csv
import ctypes
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from platform import python_version
from statistics import median
from typing import Any

import joblib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from benchmarks import COLUMNS, LEADS, MODEL, ROOT
from benchmarks.documents import fill
from benchmarks.processes import descendants, free_port, occupied
from leadscore.dictionary import Dictionary
from leadscore.files import replace_file
from leadscore.scorer import Scorer
from leadscore.scoring.phrases import missing
from leadscore.training.dataset import load as load_leads
from leadscore.training.models import CANDIDATES, SERVED

HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "serve"
PEERS = ROOT / "build" / "peers"
RESULTS, FIGURES, PLOT = HERE / "RESULTS.md", HERE / "serve.json", HERE / "serve.svg"
MARK = "<!-- serving, written by benchmarks/serve.py -->"
SERVER_CORE, LOAD_CORE = 0, 1
PATIENCE = 120  # seconds for a server to answer first
CLOSE = 1e-4  # two runtimes' probabilities
WARM_UP = 1  # seconds of load before what is measured
COMPARED = 2000  # leads, in at most 100 requests
SUBREAPER = 36  # prctl's PR_SET_CHILD_SUBREAPER

# What each environment holds; a name without a version has the one of requirements.txt.
FITTED = ("scikit-learn", "xgboost-cpu", "pandas", "numpy", "joblib", "onnxruntime", "pydantic")
UVICORN = ("uvicorn", "httptools")
REQUIREMENTS = {
    "fastapi": ("fastapi", "uvloop", *UVICORN, *FITTED),
    # Its worker processes do not start with a later uvloop.
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop==0.21.0", *UVICORN, *FITTED),
    "bentoml": ("bentoml==1.4.39", "uvloop", *UVICORN, *FITTED),
    "mlflow": ("mlflow==3.17.2", "uvloop", *UVICORN, *FITTED),
    "litserve": ("litserve==0.2.19", "pyzmq==27.3.0", "uvloop", *UVICORN, *FITTED),
    "ray": ("ray[serve]==2.60.0", "uvloop", *UVICORN, *FITTED),
}

DICTIONARY = Dictionary.load(COLUMNS).known_at("capture")
# What stands for a missing value in a table, where none can be left out.
MISSING = {column.name: None if column.kind == "number" else "" for column in DICTIONARY.features}

Lead = dict[str, Any]
Route = tuple[str, Any]
"""Path and document of a request."""


@dataclass(frozen=True)
class Load:
    """Requests of one size, from so many connections at once."""

    name: str
    leads: int
    connections: int


LOADS = (
    Load("unhurried", 1, 1),
    Load("single", 1, 16),
    Load("batch of 10", 10, 4),
    Load("batch of 100", 100, 4),
    Load("batch of 1,000", 1000, 4),
)


def routes(leads: list[Lead]) -> Route:
    """A route for one lead and one for many."""
    return ("/predict", leads[0]) if len(leads) == 1 else ("/predict/batch", {"leads": leads})


def always_many(leads: list[Lead]) -> Route:
    """One route, one lead is a batch of one."""
    return "/predict", {"leads": leads}


def probabilities(answer: Any) -> list[float]:
    """What the apps of benchmarks/peers answer."""
    return list(answer["probabilities"])


def predictions(answer: Any) -> list[float]:
    """What we answer."""
    return [one["probability"] for one in answer.get("predictions", [answer])]


def split(leads: list[Lead]) -> Route:
    """MLflow's form of a table."""
    data = [[lead.get(name, value) for name, value in MISSING.items()] for lead in leads]
    return "/invocations", {"dataframe_split": {"columns": list(MISSING), "data": data}}


def second(answer: Any) -> list[float]:
    """What MLflow answers: the probabilities of both outcomes."""
    return [both[1] for both in answer["predictions"]]


def tensors(leads: list[Lead]) -> Route:
    """The Open Inference Protocol: a tensor for each column."""
    inputs = [
        {
            "name": column.name,
            "shape": [len(leads), 1],
            **(
                {"datatype": "FP32"}
                if column.kind == "number"
                else {"datatype": "BYTES", "parameters": {"content_type": "str"}}
            ),
            "data": [lead.get(column.name, MISSING[column.name]) for lead in leads],
        }
        for column in DICTIONARY.features
    ]
    return "/v2/models/lead_conversion/infer", {"inputs": inputs}


def our_tensors(leads: list[Lead]) -> Route:
    """The same, with the probability alone in the answer."""
    path, document = tensors(leads)
    return path, {**document, "outputs": [{"name": "probability"}]}


def first_tensor(answer: Any) -> list[float]:
    """What we answer to it."""
    return list(answer["outputs"][0]["data"])


def every_second(answer: Any) -> list[float]:
    """What MLServer answers to it: the probabilities of both outcomes, one after the other."""
    return first_tensor(answer)[1::2]


@dataclass(frozen=True)
class Server:
    """A way to serve the model. `kind`: ours, pipeline, graph or limit.

    In its command and variables {bin} stands for its environment's programs, {port} for its port.
    Without a route it is a program that measures itself.
    """

    name: str
    kind: str
    environment: str
    command: str
    route: Callable[[list[Lead]], Route] | None = routes
    read: Callable[[Any], list[float]] | None = probabilities
    variables: dict[str, str] = field(default_factory=dict)
    about: str = ""

    def request(self, leads: list[Lead]) -> Route:
        """The path and the document of a request."""
        assert self.route, f"{self.name} has no route"
        return self.route(leads)


_OURS = "{bin}/python predict.py --port {port}"
_UVICORN = "{bin}/uvicorn --port {port} --no-access-log --log-level warning benchmarks.peers."
_BENTOML = "{bin}/bentoml serve --host 127.0.0.1 --port {port} benchmarks.peers."
_MLSERVER = "{bin}/mlserver start {build}/empty"
_MLFLOW = "{bin}/mlflow models serve --env-manager local --port {port} --model-uri {build}/mlflow"
_MODULE = "{bin}/python -m benchmarks.peers."
_BATCHING = {"BATCHING": "1"}
_TOGETHER = "; requests that wait are scored together"

SERVERS = (
    Server("ours", "ours", "serve", _OURS, read=predictions, about="`python predict.py`, nothing set"),
    Server(
        "ours, `LEADSCORE_LOG_REQUESTS=0`",
        "ours",
        "serve",
        _OURS,
        read=predictions,
        variables={"LEADSCORE_LOG_REQUESTS": "0"},
        about="no line in the log for each request",
    ),
    Server(
        "ours, `/v2/.../infer`",
        "ours",
        "serve",
        _OURS,
        our_tensors,
        first_tensor,
        about="the Open Inference Protocol in JSON, probability alone",
    ),
    Server(
        "FastAPI",
        "pipeline",
        "fastapi",
        _UVICORN + "fastapi_pipeline:app",
        about="a typed pydantic model, a DataFrame, `predict_proba`, as in tutorials; `async def`",
    ),
    Server(
        "MLServer",
        "pipeline",
        "mlserver",
        _MLSERVER,
        tensors,
        every_second,
        about="its scikit-learn runtime, the Open Inference Protocol, one worker process as it comes",
    ),
    Server(
        "MLServer, no workers",
        "pipeline",
        "mlserver",
        _MLSERVER,
        tensors,
        every_second,
        {"MLSERVER_PARALLEL_WORKERS": "0"},
        about="`parallel_workers` 0",
    ),
    Server(
        "MLServer, no workers, batching",
        "pipeline",
        "mlserver",
        _MLSERVER,
        tensors,
        every_second,
        {
            "MLSERVER_PARALLEL_WORKERS": "0",
            "MLSERVER_MODEL_MAX_BATCH_SIZE": "16",
            "MLSERVER_MODEL_MAX_BATCH_TIME": "0.005",
        },
        about="`max_batch_size` 16, `max_batch_time` 5 ms" + _TOGETHER,
    ),
    Server(
        "BentoML",
        "pipeline",
        "bentoml",
        _BENTOML + "bentoml_pipeline:Served",
        always_many,
        list,
        about="a typed pydantic model, one worker, no access log",
    ),
    Server(
        "BentoML, batching",
        "pipeline",
        "bentoml",
        _BENTOML + "bentoml_pipeline:Served",
        always_many,
        list,
        _BATCHING,
        about="`batchable=True`" + _TOGETHER,
    ),
    Server(
        "MLflow",
        "pipeline",
        "mlflow",
        _MLFLOW,
        split,
        second,
        about="`mlflow models serve`, the model saved with a signature; `dataframe_split`",
    ),
    Server(
        "LitServe",
        "pipeline",
        "litserve",
        _MODULE + "litserve_pipeline {port}",
        always_many,
        about="a typed pydantic model, one worker, `fast_queue=True`",
    ),
    Server(
        "LitServe, batching",
        "pipeline",
        "litserve",
        _MODULE + "litserve_pipeline {port}",
        always_many,
        variables=_BATCHING,
        about="`max_batch_size` 16, `batch_timeout` 5 ms" + _TOGETHER,
    ),
    Server(
        "Ray Serve",
        "pipeline",
        "ray",
        _MODULE + "ray_pipeline {port}",
        always_many,
        about="a typed pydantic model, one replica, one proxy, no dashboard",
    ),
    Server(
        "FastAPI, untyped",
        "graph",
        "fastapi",
        _UVICORN + "fastapi_graph:app",
        about="a `dict`, a bare session; `async def`",
    ),
    Server(
        "BentoML, untyped",
        "graph",
        "bentoml",
        _BENTOML + "bentoml_graph:Served",
        always_many,
        list,
        about="a list of `dict`, otherwise as above",
    ),
    Server(
        "LitServe, untyped",
        "graph",
        "litserve",
        _MODULE + "litserve_graph {port}",
        always_many,
        about="a `dict`, otherwise as above",
    ),
    Server(
        "LitServe, untyped, batching",
        "graph",
        "litserve",
        _MODULE + "litserve_graph {port}",
        always_many,
        variables=_BATCHING,
        about="as above" + _TOGETHER,
    ),
    Server(
        "echo",
        "limit",
        "serve",
        _UVICORN + "echo:app",
        read=None,
        about="FastAPI reads typed leads and answers them, nothing else",
    ),
    Server(
        "empty",
        "limit",
        "serve",
        _UVICORN + "empty:app",
        read=None,
        about="uvicorn reads the request and answers a fixed JSON document",
    ),
    Server(
        "`session.run`",
        "limit",
        "serve",
        _MODULE + "session_run",
        None,
        about="no server: the ONNX file in a loop, its tensors made before",
    ),
)


@dataclass(frozen=True)
class Target:
    """Ours is to be `times` as fast as the best of `others` under a load."""

    load: str
    times: float
    label: str
    others: tuple[str, ...]


OURS = SERVERS[0]


def _named(kind: str, start: str = "") -> tuple[str, ...]:
    return tuple(s.name for s in SERVERS if s.kind == kind and s.name.startswith(start))


TARGETS = (
    Target("single", 40, "FastAPI with the pipeline", ("FastAPI",)),
    Target("single", 28, "the best other server with the pipeline", _named("pipeline")),
    Target("single", 0.8, "echo", ("echo",)),
    Target("batch of 100", 9, "FastAPI with the pipeline", ("FastAPI",)),
    Target("batch of 100", 0.6, "echo", ("echo",)),
    Target("batch of 1,000", 9, "FastAPI with the pipeline", ("FastAPI",)),
    Target("batch of 1,000", 0.6, "echo", ("echo",)),
    Target("single", 3, "LitServe with the ONNX file", _named("graph", "LitServe")),
    Target("single", 6, "BentoML with the ONNX file", _named("graph", "BentoML")),
    Target("single", 1.2, "FastAPI, untyped, with the ONNX file", _named("graph", "FastAPI")),
    Target("batch of 100", 2, "LitServe with the ONNX file", _named("graph", "LitServe")),
    Target("batch of 100", 2, "BentoML with the ONNX file", _named("graph", "BentoML")),
    Target("batch of 100", 2, "FastAPI, untyped, with the ONNX file", _named("graph", "FastAPI")),
)


def main() -> None:
    """Measure and report."""
    arguments = _arguments()
    if not arguments.report:
        servers = [s for s in SERVERS if not arguments.only or any(o in s.name for o in arguments.only)]
        figures = measure(servers, arguments)
        if arguments.only:
            return
        replace_file(FIGURES, (json.dumps(figures, indent=1) + "\n").encode())
    figures = json.loads(FIGURES.read_text())
    replace_file(RESULTS, results(figures).encode())
    draw(figures)
    fill(MARK, summary(figures))


def measure(servers: list[Server], arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure servers in turn, keeping what is measured in a file to go on from."""
    os.sched_setaffinity(0, {LOAD_CORE})
    # What a server leaves behind becomes our child, so that it can be found and ended.
    ctypes.CDLL(None).prctl(SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for environment in {server.environment for server in servers} & set(REQUIREMENTS):
        _install(environment)
    bench = Bench(arguments.seconds)
    kept = BUILD / "measured.json"
    rounds = json.loads(kept.read_text()) if arguments.resume and kept.exists() else []
    for turn in range(arguments.rounds):
        begin = turn * len(servers) // arguments.rounds
        if turn == len(rounds):
            rounds.append({})
        left = [s for s in servers[begin:] + servers[:begin] if s.name not in rounds[turn]]
        if not left:
            continue
        with bench.beside_ours():
            for server in left:
                rounds[turn][server.name] = bench.measure(server)
                print(f"{turn + 1}  {server.name:32}", _line(rounds[turn][server.name]), flush=True)
                if not arguments.only:
                    replace_file(kept, json.dumps(rounds).encode())
    return {
        "machine": _machine(),
        "model": bench.version,
        "seconds": arguments.seconds,
        "versions": _versions(),
        "rounds": rounds[: arguments.rounds],
    }


def results(figures: dict[str, Any]) -> str:
    """RESULTS.md."""
    machine, versions = figures["machine"], figures["versions"]
    kinds = {kind: [s.name for s in SERVERS if s.kind == kind] for kind in ("ours", "pipeline", "graph")}
    limits = [s.name for s in SERVERS if s.kind == "limit"]
    return "\n".join(
        [
            "# How fast it serves",
            "",
            "Written by `python -m benchmarks.serve` (`make bench-serve`) from [serve.json](serve.json).",
            "",
            f"The same leads, the same fitted model (version {figures['model']}), one server after another, each with all its processes on one core and the load (wrk) on another. Every server's probabilities were compared with the model's, to {CLOSE:g}, before it was timed. Medians of {len(figures['rounds'])} interleaved rounds of {figures['seconds']} s for each size; after a colon how many times as fast ours was, loaded in turn with it: the median of the rounds' ratios, the lowest and the highest. In our own row this compares two processes of ours: what chance alone does.",
            "",
            f"{machine['processor']}, {machine['cores']} cores; Python {machine['python']}; wrk {machine['wrk']}. Single requests come from {LOADS[1].connections} connections, unhurried ones from one, batches from {LOADS[2].connections}. Memory is that of all processes, what they share counted once, after the single requests. The first answer is counted from the start of the process.",
            "",
            f"![Leads a second]({PLOT.name})",
            "",
            "## Targets",
            "",
            "Set before the first run, from measurements on another machine.",
            "",
            *_targets(figures),
            "",
            "## Single leads: the fitted pipeline in other servers",
            "",
            *_singles(figures, kinds["ours"] + kinds["pipeline"]),
            "",
            "## Batches: the fitted pipeline in other servers",
            "",
            *_batches(figures, kinds["ours"] + kinds["pipeline"]),
            "",
            "## The same ONNX file in other servers",
            "",
            "There without validation, reasons, grades, warnings, metrics or limits.",
            "",
            *_singles(figures, ["ours", *kinds["graph"]]),
            "",
            *_batches(figures, ["ours", *kinds["graph"]]),
            "",
            "## Limits",
            "",
            *_batches(figures, ["ours", *limits], LOADS[1:]),
            "",
            "## What each does",
            "",
            "Ours validates every value, and answers probability, score, grade, decision, warnings and, to a single lead, three reasons in words; it counts metrics and drift, and writes a line of log for each request unless told otherwise. All others answer the probability alone and log no requests where that can be switched off. Each has one worker, uvloop and httptools where it uses uvicorn, and one thread for arithmetic.",
            "",
            "| server | set up |",
            "| --- | --- |",
            *(f"| {server.name} | {server.about} |" for server in SERVERS),
            "",
            "## Versions",
            "",
            "| environment | packages |",
            "| --- | --- |",
            *(f"| {name} | {', '.join(pins).replace('==', ' ')} |" for name, pins in versions.items()),
            "",
        ]
    )


def summary(figures: dict[str, Any]) -> list[str]:
    """The short table: requests and leads a second, and how many times as fast ours is."""
    best = _best(figures, _named("pipeline"), "single")
    loads = (LOADS[1], *LOADS[3:])
    shown = {
        "FastAPI, scikit-learn pipeline": "FastAPI",
        f"{best}, scikit-learn pipeline: the best of its kind": best,
        "FastAPI, untyped, our ONNX file": "FastAPI, untyped",
        "FastAPI that only echoes": "echo",
    }
    ours = [f"{load.leads * _median(figures, 'ours', load.name):,.0f}" for load in loads]
    cells = {label: [_cell(figures, name, load) for load in loads] for label, name in shown.items()}
    return [
        "| | single leads a second | in batches of 100 | of 1,000 |",
        "| --- | --- | --- | --- |",
        f"| **ours** | {' | '.join(ours)} |",
        *(f"| {label} | {' | '.join(found)} |" for label, found in cells.items()),
        "",
        *_cost(figures),
    ]


def _cost(figures: dict[str, Any]) -> list[str]:
    """What a million predictions take, and what takes it."""
    single, many = (load.leads * _median(figures, "ours", load.name) for load in (LOADS[1], LOADS[4]))
    server, graph = (single / _median(figures, name, "single") for name in ("empty", "`session.run`"))
    return [
        f"A million predictions take {1e6 / single / 60:.1f} minutes of one core as single requests,",
        f"{1e6 / many:.0f} seconds in batches of 1,000.",
        f"Of a single request the HTTP server takes {server:.0%} and the graph {graph:.0%};",
        "the rest is Python that reads, validates, words, counts and logs.",
    ]


def draw(figures: dict[str, Any]) -> None:
    """The plot: leads a second of every server, single and in batches of 100."""
    names = [server.name for server in SERVERS if server.name != "empty"]
    plt.rcParams.update({"svg.hashsalt": "leadscore", "svg.fonttype": "none", "font.size": 8})
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True, layout="constrained")
    colours = {"ours": "#1b6e53", "pipeline": "#8c8c8c", "graph": "#5b84b1", "limit": "#d9d9d9"}
    for axis, load in zip(axes, (LOADS[1], LOADS[3]), strict=True):
        rates = [load.leads * _median(figures, name, load.name) for name in names]
        bars = axis.barh(
            [name.replace("`", "") for name in names],
            rates,
            color=[colours[s.kind] for s in SERVERS if s.name in names],
        )
        axis.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2)
        axis.set(xscale="log", title=f"{load.name}: leads a second, one core", xlim=(10, 4 * max(rates)))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in colours.values()]
    labels = ["ours", "the fitted pipeline", "our ONNX file, bare", "limits"]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(PLOT, metadata={"Date": None})
    plt.close(figure)


def _targets(figures: dict[str, Any]) -> list[str]:
    rows = ["| ours, times | load | at least | found | reached |", "| --- | --- | --- | --- | --- |"]
    for target in TARGETS:
        best = _best(figures, target.others, target.load)
        found = _ratios(figures, best, target.load)
        against = f"{target.label} ({best})" if len(target.others) > 1 else target.label
        rows.append(
            f"| {against} | {target.load} | {target.times:g} | {_spread(found)} | "
            f"{'yes' if median(found) >= target.times else '**no**'} |"
        )
    return rows


def _singles(figures: dict[str, Any], names: list[str]) -> list[str]:
    rows = [
        "| server | requests/s | p50 ms | p99 ms | unhurried p50 ms | p99 ms | bytes answered | memory MB | first answer s |",
        "| --- " * 9 + "|",
    ]
    for name in names:
        times = [
            f"{1e3 * _median(figures, name, load, key):,.{digits}f}"
            for load, digits in (("single", 1), ("unhurried", 2))
            for key in ("p50", "p99")
        ]
        answered = [
            one[name]["single"]["bytes"] / one[name]["single"]["answers"] for one in figures["rounds"]
        ]
        memory, start = (
            median(one[name][key] for one in figures["rounds"]) for key in ("memory", "start")
        )
        cells = [_cell(figures, name, LOADS[1]), *times, f"{median(answered):,.0f}"]
        rows.append(f"| {name} | {' | '.join(cells)} | {memory / 1e6:,.0f} | {start:.1f} |")
    return rows


def _batches(
    figures: dict[str, Any], names: list[str], loads: tuple[Load, ...] = LOADS[2:]
) -> list[str]:
    heads = [f"{load.name}: leads/s" for load in loads]
    rows = [f"| server | {' | '.join(heads)} |", "| --- " * (1 + len(loads)) + "|"]
    cells = {name: [_cell(figures, name, load) for load in loads] for name in names}
    return [*rows, *(f"| {name} | {' | '.join(found)} |" for name, found in cells.items())]


def _cell(figures: dict[str, Any], name: str, load: Load) -> str:
    """Leads a second, and how many times as fast ours is."""
    rate = f"{load.leads * _median(figures, name, load.name):,.0f}"
    return f"{rate}: {_spread(_ratios(figures, name, load.name))}"


def _median(figures: dict[str, Any], name: str, load: str, key: str = "rate") -> float:
    return median(float(one[name][load][key]) for one in figures["rounds"])


def _ratios(figures: dict[str, Any], other: str, load: str) -> list[float]:
    """Our rate, measured just after another's, as a multiple of it, in each round."""
    return [one[other][load]["ours"] / one[other][load]["rate"] for one in figures["rounds"]]


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.3g} ({min(ratios):.3g} to {max(ratios):.3g})"


def _best(figures: dict[str, Any], names: tuple[str, ...], load: str) -> str:
    """The one that ours leads least, or that leads ours."""
    return min(names, key=lambda name: median(_ratios(figures, name, load)))


def _line(measured: dict[str, Any]) -> str:
    """One server, in a line of the terminal."""
    rates = {load: measured[load.name] for load in LOADS}
    return "; ".join(
        f"{load.name} {load.leads * one['rate']:,.0f} leads/s, ours {one['ours'] / one['rate']:.2f} times"
        for load, one in rates.items()
    )


@dataclass(frozen=True)
class Running:
    """A running server: its port, its first process, and seconds until it answered first."""

    port: int
    pid: int
    start: float


class Bench:
    """The leads, what the model says of them, and a way to measure a server with them."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        scorer = Scorer(MODEL)
        with LEADS.open(encoding="utf-8", newline="") as file:
            read = [
                {c.name: c.read(row[c.source]) for c in DICTIONARY.features}
                for row in csv.DictReader(file)
            ]
        self.expected, _ = scorer.run(scorer.inputs(read))
        self.version = scorer.card.version
        # What is missing is left out.
        self.leads = [{k: v for k, v in lead.items() if not missing(v)} for lead in read]
        self.pipeline, self.prepared = BUILD / "pipeline.joblib", False
        self.ours: Running | None = None
        (BUILD / "empty").mkdir(parents=True, exist_ok=True)
        replace_file(BUILD / "leads.json", json.dumps(self.leads).encode())
        oldest = load_leads(LEADS, DICTIONARY).oldest()
        joblib.dump(CANDIDATES[SERVED](DICTIONARY.features, 0).fit(*oldest), self.pipeline)

    @contextlib.contextmanager
    def beside_ours(self) -> Iterator[None]:
        """Ours is running, to be loaded in turn with whatever is measured."""
        with self.started(OURS) as self.ours:
            self.compare(OURS, self.ours.port, 1)
            yield
        self.ours = None

    def measure(self, server: Server) -> dict[str, Any]:
        """Start, compare, load and stop a server."""
        if server.route is None:
            return self.loop(server)
        if server.environment == "mlflow" and not self.prepared:
            self.run(server, _MODULE + "mlflow_model {build}/mlflow")
            self.prepared = True
        with self.started(server) as running:
            measured: dict[str, Any] = {"start": running.start}
            self.compare(server, running.port, 1)
            self.load(server, running.port, LOADS[1], WARM_UP)
            for one in LOADS:
                if one.leads > 1:
                    self.compare(server, running.port, one.leads)
                measured[one.name] = self.load(server, running.port, one, self.seconds)
                measured[one.name]["ours"] = self.load_ours(one)
                if one.name == "single":
                    measured["memory"] = sum(map(occupied, _processes(self.ours)))
        return measured

    def loop(self, server: Server) -> dict[str, Any]:
        """Let a program measure itself."""
        measured = {}
        for one in LOADS:
            command = f"{server.command} {{build}}/leads.json {self.seconds} {one.leads}"
            rate = json.loads(self.run(server, command))
            measured[one.name] = {"rate": rate, "ours": self.load_ours(one)}
        return measured

    def run(self, server: Server, command: str) -> str:
        """Run a program in a server's environment and return what it prints."""
        done = subprocess.run(
            self.words(server, command),
            cwd=ROOT,
            env=self.variables(server, 0),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command}:\n{done.stderr}")
        return done.stdout

    def words(self, server: Server, command: str, port: int = 0) -> list[str]:
        """A command on the server's core."""
        filled = command.format(port=port, bin=_folder(server.environment) / "bin", build=BUILD)
        return ["taskset", "--cpu-list", str(SERVER_CORE), *filled.split()]

    def variables(self, server: Server, port: int) -> dict[str, str]:
        """The environment variables of a server."""
        return {
            **os.environ,
            "PATH": f"{_folder(server.environment) / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PIPELINE": str(self.pipeline),
            "MODEL": str(MODEL),
            "MISSING": json.dumps({c.name: c.read(None) for c in DICTIONARY.features}),
            "OMP_NUM_THREADS": "1",
            # Nothing is told to anyone, nothing is left elsewhere.
            "DO_NOT_TRACK": "1",
            "BENTOML_HOME": str(BUILD / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "RAY_USAGE_STATS_ENABLED": "0",
            # MLServer reads nothing else.
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": str(port),
            "MLSERVER_GRPC_PORT": "0",
            "MLSERVER_METRICS_PORT": "0",
            "MLSERVER_DEBUG": "false",
            "MLSERVER_MODEL_NAME": "lead_conversion",
            "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
            "MLSERVER_MODEL_URI": str(self.pipeline),
            "MLSERVER_MODEL_CONTENT_TYPE": "pd",
            "MLSERVER_MODEL_EXTRA": '{"predict_fn": "predict_proba"}',
            **server.variables,
        }

    @contextlib.contextmanager
    def started(self, server: Server) -> Iterator[Running]:
        """A server, from its first answer on; ended with all its processes."""
        port, spared = free_port(), self.ours
        said = BUILD / ("server.log" if spared else "ours.log")
        begun = time.perf_counter()
        with said.open("wb") as log:
            process = subprocess.Popen(
                self.words(server, server.command, port),
                cwd=ROOT,
                env=self.variables(server, port),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while not self._answers(server, port):
                if process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                    raise RuntimeError(f"{server.name} does not start:\n{said.read_text()[-4000:]}")
                time.sleep(0.02)
            yield Running(port, process.pid, time.perf_counter() - begun)
        finally:
            _end(process, spared)

    def _answers(self, server: Server, port: int) -> bool:
        try:
            status, _ = _post(port, *server.request(self.leads[:1]))
        except (OSError, http.client.HTTPException):
            return False
        return status == http.HTTPStatus.OK

    def load_ours(self, one: Load) -> float:
        """The rate of ours, which is running beside."""
        assert self.ours
        return self.load(OURS, self.ours.port, one, self.seconds)["rate"]

    def compare(self, server: Server, port: int, size: int) -> None:
        """Raise RuntimeError unless the server answers what the model says."""
        for begin in range(0, min(COMPARED, 100 * size), size):
            status, answer = _post(port, *server.request(self.leads[begin : begin + size]))
            if status != http.HTTPStatus.OK:
                raise RuntimeError(f"{server.name} answers {status}: {answer[:1000]!r}")
            if server.read:
                expected = self.expected[begin : begin + size]
                found = np.array(server.read(json.loads(answer)))
                if found.shape != expected.shape or not np.all(np.abs(found - expected) <= CLOSE):
                    raise RuntimeError(f"{server.name} does not answer what the model says")

    def load(self, server: Server, port: int, one: Load, seconds: int) -> dict[str, float]:
        """Load the server and return what came of it; times in seconds."""
        starts = range(0, len(self.leads) - one.leads + 1, one.leads)
        sent = [server.request(self.leads[begin : begin + one.leads]) for begin in starts]
        bodies = BUILD / "bodies.jsonl"
        bodies.write_text("".join(json.dumps(document) + "\n" for _, document in sent))
        wrk = ["taskset", "--cpu-list", str(LOAD_CORE), "wrk", "--threads", "1", "--timeout", "60s"]
        wrk += ["--connections", str(one.connections), "--script", str(HERE / "serve.lua")]
        wrk += ["--duration", f"{seconds}s", f"http://127.0.0.1:{port}{sent[0][0]}", "--", str(bodies)]
        done = subprocess.run(wrk, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        if figures.pop("failed"):
            raise RuntimeError(f"{server.name} answered errors: {done.stdout}")
        figures["rate"] = figures["answers"] / figures["seconds"]
        return figures


def _post(port: int, path: str, document: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(
            "POST", path, json.dumps(document).encode(), {"content-type": "application/json"}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _processes(spared: Running | None) -> list[int]:
    """The processes of what was started last: all of ours but one server."""
    return [pid for pid in descendants(os.getpid()) if not spared or pid != spared.pid]


def _end(process: subprocess.Popen[bytes], spared: Running | None) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    while left := _processes(spared):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    process.poll()


def _folder(environment: str) -> Path:
    return PEERS / environment if environment in REQUIREMENTS else ROOT / f".venv-{environment}"


def _pinned(requirement: str) -> str:
    if "==" in requirement:
        return requirement
    text = (ROOT / "requirements.txt").read_text()
    return f"{requirement}=={re.findall(rf'^{re.escape(requirement)}==([^ ;]+)', text, re.MULTILINE)[0]}"


def _install(environment: str) -> None:
    """Make an environment, unless it is there as it should be."""
    wanted = "\n".join(map(_pinned, REQUIREMENTS[environment]))
    folder = _folder(environment)
    installed = folder / "installed"
    if installed.exists() and installed.read_text() == wanted:
        return
    print(f"Installing {environment} ...", flush=True)
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    install = [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*install, *wanted.split()], check=True)
    installed.write_text(wanted)


def _versions() -> dict[str, list[str]]:
    """Environment -> its packages with their versions."""
    ours = ("fastapi", "uvloop", *UVICORN, "pydantic", "numpy", "onnxruntime")
    return {name: list(map(_pinned, wanted)) for name, wanted in {"ours": ours, **REQUIREMENTS}.items()}


def _machine() -> dict[str, Any]:
    processors = Path("/proc/cpuinfo").read_text()
    wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "processor": re.findall(r"model name\s*: (.*)", processors)[0],
        "cores": os.cpu_count(),
        "python": python_version(),
        "wrk": wrk.split()[1].removeprefix("debian/"),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="servers whose name holds one of these"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=1, help="for each size (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="keep what an interrupted run measured")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
