"""What scoring a CSV costs beside its graph: microseconds of one core a lead, and as ratios.

    python -m benchmarks.table            # half a minute; prints the table
    python -m benchmarks.table --write    # and writes it into its page

The best of some rounds, each over the whole file; reasons are three for each lead.
"""

import argparse
import gc
import io
import itertools
import time
from collections import defaultdict

from benchmarks import LEADS, MODEL
from benchmarks.documents import fill
from leadscore.scorer import Scorer
from leadscore.scoring.engine import Engine
from leadscore.settings import Settings
from leadscore.tables.block import REASONS
from leadscore.tables.csv_answers import CsvScorer
from leadscore.tables.csv_file import CsvFile, Rows

MARK = "<!-- the parts of a file, written by benchmarks/table.py -->"
ROWS = 50_000
ROUNDS = 9
GRAPH = "the graph"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the table into its page")
    options = parser.parse_args()
    header, _, body = LEADS.read_bytes().partition(b"\n")
    content = header + b"\n" + body * (1 + ROWS // body.count(b"\n"))
    leads = content.count(b"\n") - 1
    engine = Engine(Scorer(MODEL), Settings.max_text)
    gc.freeze()
    rounds = [spent(content, engine) for _ in range(ROUNDS)]
    best = {part: 1e6 * min(one[part] for one in rounds) / leads for part in rounds[0]}
    rows = ["| part | us a lead |", "| --- | --- |"]
    rows += [f"| {part} | {found:.1f} ({found / best[GRAPH]:.1f}) |" for part, found in best.items()]
    print("\n".join(rows))
    if options.write:
        fill(MARK, rows)


def spent(content: bytes, engine: Engine) -> dict[str, float]:
    """Part of the way from text to text -> seconds of processor time; the last is all of it."""
    found: dict[str, float] = defaultdict(float)
    file = CsvFile(io.BytesIO(content), engine.card.dictionary)
    table = CsvScorer(engine, file.dialect, file.columns, REASONS)
    blocks, times = file.blocks(), [time.process_time()]
    while records := next(blocks, None):
        times.append(time.process_time())
        rows = Rows.of(records, file.dialect, file.columns)
        leads = engine.read(rows.columns, len(rows.texts))
        times.append(time.process_time())
        scored = engine.score(leads, REASONS)
        times.append(time.process_time())
        engine.scorer.run(scored.inputs)
        times.append(time.process_time())
        table.score(records)
        times.append(time.process_time())
        text, read, score, graph, whole = (b - a for a, b in itertools.pairwise(times))
        found["text to records"] += text
        found["records to meanings"] += read
        found[GRAPH] += graph
        found["ranking, reasons, cautions"] += score - graph
        found["answers to text"] += whole - read - score
        found["text to text"] += text + whole
        times = times[-1:]
    return found


if __name__ == "__main__":
    main()
