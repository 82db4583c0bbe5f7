"""A picture of both graphs that a pipeline becomes, docs/graphs.png: `python -m docs.graphs`.

Of three columns, so that it stays small: more columns are more boxes in the upper rows.
"""

from pathlib import Path
from typing import Final, NamedTuple

import onnx
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leadscore.dictionary import Dictionary
from leadscore.training.dataset import load
from leadscore.training.models import CANDIDATES, SERVED
from leadscore.training.onnx import plain_graph, table_graph

FILE: Final = Path(__file__).with_suffix(".png")
DATA: Final = Path(__file__).resolve().parent.parent / "data"
COLUMNS: Final = ("lead_source", "do_not_email", "total_time_spent_on_website")
FILLS: Final = {"input": "#dfe7ee", "output": "#dfe7ee", "ai.onnx.ml": "#cfe8d5", "": "#f4ead0"}


class Box(NamedTuple):
    """A text, a kind as in FILLS, and the boxes it reads, by the names of the values they give."""

    text: str
    kind: str
    read: list[str]


def main() -> None:
    """Fit on the shipped leads, convert, draw."""
    dictionary = Dictionary.load(DATA / "columns.toml").known_at("capture")
    features = tuple(c for c in dictionary.columns if c.role != "feature" or c.name in COLUMNS)
    leads = load(DATA / "leads.csv", dictionary).narrow(Dictionary(features))
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(*leads.oldest())
    served, _ = table_graph.convert(pipeline, leads.dictionary)
    plain = plain_graph.convert(pipeline, leads.dictionary)
    draw({"served: probability and reasons": served, "plain: probability": plain}).savefig(FILE, dpi=110)


def draw(models: dict[str, onnx.ModelProto]) -> Figure:
    """The graphs side by side, each read from top to bottom; constants are left out."""
    figure = Figure(figsize=(13, 8), layout="tight")
    for axes, (title, model) in zip(figure.subplots(1, len(models)), models.items(), strict=True):
        axes.set_title(title)
        axes.axis("off")
        _draw(axes, _boxes(model.graph))
    return figure


def _boxes(graph: onnx.GraphProto) -> dict[str, Box]:
    """By the value that each gives first; what is read stands before what reads it."""
    boxes = {value.name: Box(value.name, "input", []) for value in graph.input}
    giver = {name: name for name in boxes}
    for node in graph.node:
        text = node.op_type if node.name == node.op_type else f"{node.op_type}\n{node.name}"
        read = [giver[name] for name in node.input if name in giver]
        boxes[node.output[0]] = Box(text, node.domain, read)
        giver |= dict.fromkeys(node.output, node.output[0])
    for value in graph.output:
        boxes[f"output {value.name}"] = Box(value.name, "output", [giver[value.name]])
    return boxes


def _draw(axes: Axes, boxes: dict[str, Box]) -> None:
    places = _places(boxes)
    for name, box in boxes.items():
        for other in box.read:
            axes.annotate(
                "",
                places[name],
                places[other],
                arrowprops={"arrowstyle": "-", "color": "#888"},
                zorder=1,
            )
        style = {"boxstyle": "round", "facecolor": FILLS[box.kind], "edgecolor": "#888"}
        axes.text(*places[name], box.text, ha="center", va="center", fontsize=8, bbox=style, zorder=2)
    across, down = zip(*places.values(), strict=True)
    axes.set_xlim(min(across) - 0.6, max(across) + 0.6)
    axes.set_ylim(min(down) - 0.5, 0.5)


def _places(boxes: dict[str, Box]) -> dict[str, tuple[float, float]]:
    """A row below all that is read, in it a place below its middle."""
    rows: dict[str, int] = {}
    for name, box in boxes.items():
        rows[name] = max((rows[other] + 1 for other in box.read), default=0)
    places: dict[str, tuple[float, float]] = {}

    def middle(name: str) -> float:
        read = boxes[name].read
        return sum(places[other][0] for other in read) / len(read) if read else 0.0

    for row in range(max(rows.values()) + 1):
        members = sorted((name for name in boxes if rows[name] == row), key=middle)
        start = (len(members) - 1) / 2
        places |= {name: (place - start, -float(row)) for place, name in enumerate(members)}
    return places


if __name__ == "__main__":
    main()
