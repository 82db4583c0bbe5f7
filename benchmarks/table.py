"""What scoring a CSV costs beside its graph: microseconds of one core a lead, and as ratios.

    python benchmarks/table.py [leads.csv]

Compared: the graph alone, with reasons; reading the CSV up to the model's tensors; everything, from CSV
text to CSV text with three reasons in words. Rounds are interleaved; a figure is the best of its rounds.
"""

import gc
import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from leadscore.scorer import Scorer  # noqa: E402
from leadscore.serving.csv_text import CsvScorer, CsvText  # noqa: E402
from leadscore.serving.table import TableScorer  # noqa: E402

ROWS = 50_000
ROUNDS = 9


def main() -> None:
    """Print microseconds a lead, and times the graph."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "data" / "leads.csv"
    header, _, body = source.read_bytes().partition(b"\n")
    content = header + b"\n" + body * (1 + ROWS // body.count(b"\n"))
    leads = content.count(b"\n") - 1
    scorer = Scorer(ROOT / "models" / "lead_conversion.onnx")
    table = TableScorer(scorer, 3, 1000)

    def text() -> CsvText:
        return CsvText(io.BytesIO(content), scorer.card.dictionary)

    def encoded() -> Iterator[NDArray[np.intp]]:
        opened = text()
        for records in CsvScorer(table, opened.header, 3).records(opened.pieces()):
            yield records.codes

    blocks = [table.inputs(codes) for codes in encoded()]

    def graph() -> None:
        for block in blocks:
            scorer.run(block)

    def reading() -> None:
        for codes in encoded():
            table.inputs(codes)

    def whole() -> None:
        opened = text()
        for _ in CsvScorer(table, opened.header, 3).blocks(opened.pieces()):
            pass

    parts = {"the graph, with reasons": graph, "text to tensors": reading, "text to text": whole}
    gc.freeze()
    best = dict.fromkeys(parts, float("inf"))
    for _ in range(ROUNDS):
        for name, part in parts.items():
            best[name] = min(best[name], _seconds(part) / leads)
    for name, seconds in best.items():
        ratio = seconds / best["the graph, with reasons"]
        print(
            f"{name:24} {1e6 * seconds:5.1f} us a lead ({ratio:.1f}), {1 / seconds:9,.0f} leads a second"
        )


def _seconds(part: Callable[[], None]) -> float:
    """Seconds of processor time."""
    started = time.process_time()
    part()
    return time.process_time() - started


if __name__ == "__main__":
    main()
