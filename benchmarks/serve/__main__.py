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
import json

from benchmarks.documents import fill
from benchmarks.serve import BUILD, FIGURES, environments, report, running
from benchmarks.serve.bench import Bench
from benchmarks.serve.servers import SERVERS, Server
from leadscore.files import replace_file

KEPT = BUILD / "measured.json"


def main() -> None:
    """Measure and report."""
    options = _options()
    if not options.report:
        servers = [s for s in SERVERS if not options.only or any(o in s.name for o in options.only)]
        figures = measure(servers, options)
        if options.only:
            return
        replace_file(FIGURES, (json.dumps(figures, indent=1) + "\n").encode())
    figures = json.loads(FIGURES.read_text())
    replace_file(report.RESULTS, report.results(figures).encode())
    fill(report.MARK, report.summary(figures))


def measure(servers: list[Server], options: argparse.Namespace) -> report.Figures:
    """Measure servers in turn, keeping what is measured in a file to go on from."""
    running.prepare()
    for environment in {server.environment for server in servers}:
        environments.install(environment)
    bench = Bench(options.seconds)
    rounds = json.loads(KEPT.read_text()) if options.resume and KEPT.exists() else []
    for turn in range(options.rounds):
        begin = turn * len(servers) // options.rounds
        if turn == len(rounds):
            rounds.append({})
        left = [s for s in servers[begin:] + servers[:begin] if s.name not in rounds[turn]]
        if not left:
            continue
        with bench.beside_ours():
            for server in left:
                rounds[turn][server.name] = bench.measure(server)
                print(
                    f"{turn + 1}  {server.name:32}", report.line(rounds[turn][server.name]), flush=True
                )
                if not options.only:
                    replace_file(KEPT, json.dumps(rounds).encode())
    return {
        "machine": environments.machine(),
        "model": bench.version,
        "seconds": options.seconds,
        "versions": environments.versions(),
        "rounds": rounds[: options.rounds],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", nargs="+", metavar="NAME", help="servers whose name holds one of these")
    add("--rounds", type=int, default=3, help="default: %(default)s")
    add("--seconds", type=int, default=1, help="for each size (%(default)s)")
    add("--resume", action="store_true", help="keep what an interrupted run measured")
    add("--report", action="store_true", help="measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
