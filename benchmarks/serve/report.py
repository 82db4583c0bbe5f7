"""What was measured, as benchmarks/RESULTS.md and as the short table of docs/performance.md."""

from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.serve.bench import CLOSE
from benchmarks.serve.loads import BATCHES, LOADS, SINGLE, UNHURRIED, Load
from benchmarks.serve.servers import SERVERS, named

RESULTS: Final = Path(__file__).parent.with_name("RESULTS.md")
TEMPLATE: Final = Path(__file__).with_name("results.template")
MARK: Final = "<!-- serving, written by benchmarks/serve -->"

Figures = dict[str, Any]
"""serve.json: of each round, of each server, of each load, a rate and ours just after it."""


def results(figures: Figures) -> str:
    """RESULTS.md."""
    beside_pipelines, beside_graphs = named("ours") + named("pipeline"), ["ours", *named("graph")]
    return TEMPLATE.read_text(encoding="utf-8").format(
        **figures["machine"],
        model=figures["model"],
        rounds=len(figures["rounds"]),
        seconds=figures["seconds"],
        close=f"{CLOSE:g}",
        singles=SINGLE.connections,
        batches=BATCHES[0].connections,
        pipeline_singles=_singles(figures, beside_pipelines),
        pipeline_batches=_batches(figures, beside_pipelines, BATCHES),
        graph_singles=_singles(figures, beside_graphs),
        graph_batches=_batches(figures, beside_graphs, BATCHES),
        limits=_batches(figures, ["ours", *named("limit")], (SINGLE, *BATCHES)),
        servers=_table("server | set up", {server.name: [server.about] for server in SERVERS}),
        versions=_table(
            "environment | packages",
            {name: [", ".join(pins).replace("==", " ")] for name, pins in figures["versions"].items()},
        ),
    )


def summary(figures: Figures) -> list[str]:
    """The short table, and what a million predictions take."""
    # The one that ours leads least.
    best = min(named("pipeline"), key=lambda name: median(_ratios(figures, name, SINGLE)))
    loads = (SINGLE, *BATCHES[1:])
    shown = {
        "FastAPI, scikit-learn pipeline": "FastAPI",
        f"{best}, scikit-learn pipeline: the best of its kind": best,
        "FastAPI, untyped, our ONNX file": "FastAPI, untyped",
        "FastAPI that only echoes": "echo",
    }
    rows = {"**ours**": [f"{_rate(figures, 'ours', load):,.0f}" for load in loads]}
    rows |= {label: [_cell(figures, name, load) for load in loads] for label, name in shown.items()}
    single, many = (_rate(figures, "ours", load) for load in (SINGLE, BATCHES[-1]))
    server, graph = (single / _rate(figures, name, SINGLE) for name in ("empty", "`session.run`"))
    return [
        *_table(" | single leads a second | in batches of 100 | of 1,000", rows).splitlines(),
        "",
        f"A million predictions take {1e6 / single / 60:.1f} minutes of one core as single requests,",
        f"{1e6 / many:.0f} seconds in batches of 1,000.",
        f"Of a single request the HTTP server takes {server:.0%} and the graph {graph:.0%};",
        "the rest is Python that reads, validates, words, counts and logs.",
    ]


def line(measured: dict[str, Any]) -> str:
    """One server, in a line of the terminal."""
    return "; ".join(
        f"{load.name} {load.leads * one['rate']:,.0f} leads/s, ours {one['ours'] / one['rate']:.2f} x"
        for load, one in ((load, measured[load.name]) for load in LOADS)
    )


def _singles(figures: Figures, names: list[str]) -> str:
    head = (
        "server | requests/s | p50 ms | p99 ms | unhurried p50 ms | p99 ms | bytes answered | memory MB"
    )
    rows = {}
    for name in names:
        measured = [one[name] for one in figures["rounds"]]
        times = [
            f"{1e3 * median(one[load.name][key] for one in measured):,.{digits}f}"
            for load, digits in ((SINGLE, 1), (UNHURRIED, 2))
            for key in ("p50", "p99")
        ]
        answered = median(one[SINGLE.name]["bytes"] / one[SINGLE.name]["answers"] for one in measured)
        memory, start = (median(one[key] for one in measured) for key in ("memory", "start"))
        cells = [f"{answered:,.0f}", f"{memory / 1e6:,.0f}", f"{start:.1f}"]
        rows[name] = [_cell(figures, name, SINGLE), *times, *cells]
    return _table(f"{head} | first answer s", rows)


def _batches(figures: Figures, names: list[str], loads: tuple[Load, ...]) -> str:
    head = " | ".join(["server", *(f"{load.name}: leads/s" for load in loads)])
    return _table(head, {name: [_cell(figures, name, load) for load in loads] for name in names})


def _table(head: str, rows: dict[str, list[str]]) -> str:
    rule = "| --- " * (head.count("|") + 1) + "|"
    return "\n".join([f"| {head} |".replace("|  |", "| |"), rule, *(_row(*row) for row in rows.items())])


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _cell(figures: Figures, name: str, load: Load) -> str:
    """Leads a second, and how many times as fast ours is."""
    ratios = _ratios(figures, name, load)
    spread = f"{median(ratios):.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
    return f"{_rate(figures, name, load):,.0f}: {spread}"


def _rate(figures: Figures, name: str, load: Load) -> float:
    """Leads a second."""
    return load.leads * median(float(one[name][load.name]["rate"]) for one in figures["rounds"])


def _ratios(figures: Figures, other: str, load: Load) -> list[float]:
    """Our rate, measured just after another's, as a multiple of it, in each round."""
    measured = [one[other][load.name] for one in figures["rounds"]]
    return [one["ours"] / one["rate"] for one in measured]
