"""The ONNX file without a server: `session.run` in a loop, on tensors made before. Prints runs a second.

python -m benchmarks.peers.session_run LEADS.json SECONDS SIZE
"""

import itertools
import json
import sys
import time
from pathlib import Path

from benchmarks.peers.graph import session, tensors

if __name__ == "__main__":
    leads = json.loads(Path(sys.argv[1]).read_text())
    seconds, size = map(int, sys.argv[2:])
    starts = range(0, len(leads) - size + 1, size)
    made = itertools.cycle([tensors(leads[begin : begin + size]) for begin in starts])
    run = session().run
    count, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        run(["probability"], next(made))
        count += 1
    print(count / passed)
