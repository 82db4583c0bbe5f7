"""The ONNX file without a server: `session.run` in a loop, on tensors made before. Prints runs a second.

python -m benchmarks.peers.session_run LEADS.json SECONDS SIZE...
"""

import itertools
import json
import sys
import time
from pathlib import Path

from benchmarks.peers.graph import session, tensors

if __name__ == "__main__":
    source, seconds, *sizes = sys.argv[1:]
    leads = json.loads(Path(source).read_text())
    run = session().run
    rates = {}
    for size in map(int, sizes):
        starts = range(0, len(leads) - size + 1, size)
        made = itertools.cycle([tensors(leads[begin : begin + size]) for begin in starts])
        count, begun = 0, time.perf_counter()
        while (passed := time.perf_counter() - begun) < float(seconds):
            run(["probability"], next(made))
            count += 1
        rates[size] = count / passed
    print(json.dumps(rates))
