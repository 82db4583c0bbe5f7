"""The leads, what the model says of them, and how a server is measured with them."""

import contextlib
import csv
import http
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np

from benchmarks import LEADS, MODEL
from benchmarks.serve import BUILD
from benchmarks.serve.loads import DICTIONARY, LOADS, SINGLE, Load
from benchmarks.serve.running import LOAD_CORE, PIPELINE, Running, memory, post, run, started
from benchmarks.serve.servers import MODULE, OURS, Server
from leadscore.files import replace_file
from leadscore.scorer import Scorer
from leadscore.scoring.phrases import missing
from leadscore.training.dataset import load
from leadscore.training.models import CANDIDATES, SERVED

SCRIPT: Final = Path(__file__).parent.with_name("serve.lua")
CLOSE: Final = 1e-4  # two runtimes' probabilities
COMPARED: Final = 2000  # leads, in at most 100 requests
WARM_UP: Final = 1  # seconds of load before what is measured


class Bench:
    """Measures servers, each load in turn with ours."""

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
        self.prepared = False
        self.ours: Running | None = None
        (BUILD / "empty").mkdir(parents=True, exist_ok=True)
        replace_file(BUILD / "leads.json", json.dumps(self.leads).encode())
        leads = load(LEADS, DICTIONARY)
        pipeline = CANDIDATES[SERVED](DICTIONARY.features, 0).fit(leads.features, leads.target)
        joblib.dump(pipeline, PIPELINE)  # as the served model is fitted, on all leads

    @contextlib.contextmanager
    def beside_ours(self) -> Iterator[None]:
        """Ours is running, to be loaded in turn with whatever is measured."""
        with started(OURS, self.leads[0]) as self.ours:
            self.compare(OURS, self.ours.port, 1)
            yield
        self.ours = None

    def measure(self, server: Server) -> dict[str, Any]:
        """Start, compare, load and stop a server."""
        if server.form is None:
            return self.loop(server)
        if server.environment == "mlflow" and not self.prepared:
            run(server, MODULE + "mlflow_model {build}/mlflow")
            self.prepared = True
        with started(server, self.leads[0], self.ours) as running:
            measured: dict[str, Any] = {"start": running.start}
            self.compare(server, running.port, 1)
            self.load(server, running.port, SINGLE, WARM_UP)
            for one in LOADS:
                if one.leads > 1:
                    self.compare(server, running.port, one.leads)
                measured[one.name] = self.load(server, running.port, one, self.seconds)
                measured[one.name]["ours"] = self.load_ours(one)
                if one is SINGLE:
                    measured["memory"] = memory(self.ours)
        return measured

    def loop(self, server: Server) -> dict[str, Any]:
        """Let a program measure itself."""
        measured = {}
        for one in LOADS:
            command = f"{server.command} {{build}}/leads.json {self.seconds} {one.leads}"
            measured[one.name] = {"rate": json.loads(run(server, command)), "ours": self.load_ours(one)}
        return measured

    def compare(self, server: Server, port: int, size: int) -> None:
        """Raise RuntimeError unless the server answers what the model says."""
        for begin in range(0, min(COMPARED, 100 * size), size):
            status, answer = post(port, *server.request(self.leads[begin : begin + size]))
            if status != http.HTTPStatus.OK:
                raise RuntimeError(f"{server.name} answers {status}: {answer[:1000]!r}")
            if server.read:
                expected = self.expected[begin : begin + size]
                found = np.array(server.read(json.loads(answer)))
                if found.shape != expected.shape or not np.all(np.abs(found - expected) <= CLOSE):
                    raise RuntimeError(f"{server.name} does not answer what the model says")

    def load_ours(self, one: Load) -> float:
        """The rate of ours, which is running beside."""
        assert self.ours
        return self.load(OURS, self.ours.port, one, self.seconds)["rate"]

    def load(self, server: Server, port: int, one: Load, seconds: int) -> dict[str, float]:
        """Load the server and return what came of it; times in seconds."""
        starts = range(0, len(self.leads) - one.leads + 1, one.leads)
        sent = [server.request(self.leads[begin : begin + one.leads]) for begin in starts]
        bodies = BUILD / "bodies.jsonl"
        bodies.write_text("".join(json.dumps(document) + "\n" for _, document in sent))
        wrk = ["taskset", "--cpu-list", str(LOAD_CORE), "wrk", "--threads", "1", "--timeout", "60s"]
        wrk += ["--connections", str(one.connections), "--script", str(SCRIPT)]
        wrk += ["--duration", f"{seconds}s", f"http://127.0.0.1:{port}{sent[0][0]}", "--", str(bodies)]
        done = subprocess.run(wrk, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        if figures.pop("failed"):
            raise RuntimeError(f"{server.name} answered errors: {done.stdout}")
        figures["rate"] = figures["answers"] / figures["seconds"]
        return figures
