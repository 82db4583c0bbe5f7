"""Draw a statistical twin of the Kaggle "Lead Scoring" CSV: data/leads.csv.

    python data/synthesize.py "Lead Scoring.csv"
    python data/synthesize.py "Lead Scoring.csv" --rows 1000000 --output /tmp/million.csv

Without --output it writes data/leads.csv and its figures, data/twin.json.

Nobody has established the right to redistribute the original, so the repository ships this twin.

Sequential CART synthesis (Nowok, Raab and Dibben 2016, synthpop, doi:10.18637/jss.v074.i11): a lead's
position in time is given, its outcome is drawn from the leads around that position, and then column by
column a tree is fitted on the columns before it, the new lead is dropped down the tree, and a value is
drawn from those of the original leads in the same leaf. Blank and 'Select' are values like any other, so
their patterns carry over. Ids are new.
"""

import argparse
import csv
import hashlib
import io
import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from leadscore.columns import Column
from leadscore.dictionary import Dictionary
from leadscore.files import replace_file
from leadscore.training import dataset, models
from leadscore.training.cells import DataError
from leadscore.training.evaluation.figures import log_loss, roc_auc

ROOT = Path(__file__).resolve().parent.parent
SEED = 5

# Original leads a value is drawn from, at least: fewer would copy leads, more would blur them. The later
# columns describe a lead so narrowly that they need more, or too many rows would equal an original one.
LEAF = {"capture": 8, "engaged": 50, "contacted": 50}
OUTCOME_LEAF = 200  # original leads around a position in time whose outcomes are drawn from
FIRST_ID = 1_000_000  # above every original lead number, so no twin id is an original one
LARGEST_GAP = 17  # between two lead numbers; as dense as in the original on average

Cells = dict[str, NDArray[np.object_]]
"""CSV header -> its cells as text, oldest lead first."""


def synthesize(original: Cells, dictionary: Dictionary, rows: int, seed: int = SEED) -> Cells:
    """Draw `rows` leads, oldest first; the same seed gives the same cells."""
    rng = np.random.default_rng(seed)
    size = len(original[dictionary.target.source])
    position, drawn_position = _positions(size), _positions(rows)
    target = original[dictionary.target.source]
    outcome = DecisionTreeClassifier(min_samples_leaf=OUTCOME_LEAF, random_state=seed)
    twin = {
        dictionary.target.source: _draw(outcome, position, target, drawn_position, target, rng),
    }
    known, drawn = [position], [drawn_position]
    previous = dictionary.target
    for column in track(_drawn_columns(dictionary), "Drawing columns"):
        encode = _encoder(original[previous.source], previous)
        known.append(encode(original[previous.source]))
        drawn.append(encode(twin[previous.source]))
        cells = original[column.source]
        tree, values = _tree(column, cells, seed)
        twin[column.source] = _draw(tree, np.hstack(known), values, np.hstack(drawn), cells, rng)
        previous = column
    twin |= _new_ids(dictionary, rows, rng)
    return twin


def _positions(rows: int) -> NDArray[np.float32]:
    positions = (np.arange(rows, dtype=np.float32) + np.float32(0.5)) / np.float32(rows)
    return positions.reshape(-1, 1)


def _drawn_columns(dictionary: Dictionary) -> list[Column]:
    return [column for column in dictionary.columns if column.role in ("feature", "excluded")]


def _encoder(cells: NDArray[np.object_], column: Column) -> Any:
    """How a column's cells become a later tree's input, shape (n, columns): numbers (-1 where there is
    none), or one indicator a level.
    """
    if column.kind == "number":
        return lambda cells: _numbers(cells).reshape(-1, 1)
    levels = np.unique(cells.astype(str))
    return lambda cells: (cells.astype(str)[:, None] == levels).astype(np.float32)


def _numbers(cells: NDArray[np.object_]) -> NDArray[np.float32]:
    return np.array([float(cell) if cell else -1 for cell in cells], dtype=np.float32)


def _tree(column: Column, cells: NDArray[np.object_], seed: int) -> tuple[Any, NDArray[Any]]:
    """An unfitted tree for a column, and what it is fitted to."""
    if column.kind == "category":
        return DecisionTreeClassifier(min_samples_leaf=LEAF[column.known], random_state=seed), cells
    # Ranks, or the few leads in the long tails would decide every split.
    ranks = pd.Series(_numbers(cells)).rank().to_numpy()
    return DecisionTreeRegressor(min_samples_leaf=LEAF[column.known], random_state=seed), ranks


def _draw(
    tree: Any,
    known: NDArray[np.float32],
    values: NDArray[Any],
    drawn: NDArray[np.float32],
    cells: NDArray[np.object_],
    rng: np.random.Generator,
) -> NDArray[np.object_]:
    """For each row of `drawn`, one of the cells of the original leads in its leaf.

    The rows in a leaf take turns through its shuffled original leads, which keeps the share of each
    value closer to the original's than independent draws would.
    """
    tree.fit(known, values)
    donors = pd.DataFrame({"leaf": tree.apply(known), "cell": cells})
    donors = donors.iloc[rng.permutation(len(donors))]
    donors["turn"] = donors.groupby("leaf").cumcount()
    takers = pd.DataFrame({"leaf": tree.apply(drawn)})
    turns = takers["leaf"].map(donors["leaf"].value_counts())
    takers["turn"] = takers.groupby("leaf").cumcount() % turns
    taken = takers.merge(donors, on=["leaf", "turn"], how="left", validate="many_to_one")
    drawn_cells: NDArray[np.object_] = taken["cell"].to_numpy(dtype=object)
    return drawn_cells


def _new_ids(dictionary: Dictionary, rows: int, rng: np.random.Generator) -> Cells:
    numbers = FIRST_ID + np.cumsum(rng.integers(1, LARGEST_GAP + 1, rows))
    ids: Cells = {}
    for column in dictionary.ids:
        text = (
            [str(number) for number in numbers]
            if column.clock
            else [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(rows)]
        )
        ids[column.source] = np.array(text, dtype=object)
    return ids


def read(path: Path, dictionary: Dictionary) -> tuple[list[str], Cells]:
    """The header and the raw cells of a CSV that `dataset.load` accepts, oldest lead first."""
    dataset.load(path, dictionary)
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *body = csv.reader(file)
    assert dictionary.clock
    clock = header.index(dictionary.clock.source)
    body.sort(key=lambda row: float(row[clock]))
    return header, dict(zip(header, np.array(body, dtype=object).T, strict=True))


def text(header: Sequence[str], twin: Cells) -> str:
    """The CSV, newest lead first as in the original."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*(twin[name][::-1] for name in header), strict=True))
    return stream.getvalue()


def compare(original: Path, twin: Path, dictionary: Dictionary) -> dict[str, Any]:
    """How close the twin is to its original, as the figures of data/twin.json."""
    paths = {"original": original, "twin": twin}
    cells = {name: read(path, dictionary)[1] for name, path in paths.items()}
    content = [column.source for column in dictionary.columns if column.role != "id"]
    rows = {name: list(zip(*(c[k] for k in content), strict=True)) for name, c in cells.items()}
    seen = set(rows["original"])
    return {
        "sha256": {n: hashlib.sha256(path.read_bytes()).hexdigest() for n, path in paths.items()},
        "trained_on": _trained_on(original, twin, dictionary.known_at("capture")),
        "repeated_rows": {
            "within_original": round(1 - len(seen) / len(rows["original"]), 4),
            "twin_in_original": round(sum(r in seen for r in rows["twin"]) / len(rows["twin"]), 4),
        },
        "converted_by_fifth_of_time": {n: _drift(c, dictionary) for n, c in cells.items()},
        "blank": {n: _blank(c, cells["original"], content) for n, c in cells.items()},
        "marked": {n: _marked(c, dictionary) for n, c in cells.items()},
        "quantiles": {n: _tails(c, dictionary) for n, c in cells.items()},
    }


def _trained_on(original: Path, twin: Path, dictionary: Dictionary) -> dict[str, dict[str, float]]:
    """The served model trained on either file's oldest leads, tested on the original's newest."""
    test, outcome = dataset.load(original, dictionary).newest()
    figures = {}
    for name, path in (("original", original), ("twin", twin)):
        model = models.CANDIDATES[models.SERVED](dictionary.features, 0)
        probability = models.probability(model.fit(*dataset.load(path, dictionary).oldest()), test)
        figures[name] = {
            "roc_auc": round(roc_auc(outcome, probability), 4),
            "log_loss": round(log_loss(outcome, probability), 4),
        }
    return figures


def _drift(cells: Cells, dictionary: Dictionary) -> list[float]:
    converted = cells[dictionary.target.source] == dictionary.target.positive[0]
    return [round(float(part.mean()), 3) for part in np.array_split(converted, 5)]


def _blank(cells: Cells, original: Cells, content: Sequence[str]) -> dict[str, int]:
    """Leads in which all columns are blank that are blank in the same leads of the original."""
    together: dict[bytes, list[str]] = {}
    for name in content:
        if (blank := original[name] == "").any():
            together.setdefault(blank.tobytes(), []).append(name)
    return {
        " + ".join(names): int(np.all([cells[name] == "" for name in names], axis=0).sum())
        for names in together.values()
    }


def _marked(cells: Cells, dictionary: Dictionary) -> dict[str, int]:
    """Leads that hold a missing marker, by column."""
    counts = {
        column.source: int(np.isin(cells[column.source], list(column.missing)).sum())
        for column in _drawn_columns(dictionary)
    }
    return {name: count for name, count in counts.items() if count}


def _tails(cells: Cells, dictionary: Dictionary) -> dict[str, list[float]]:
    """Median, 90 %, 99 % and largest value of each number."""
    return {
        column.source: [
            round(float(q), 2) for q in np.quantile(_numbers(cells[column.source]), (0.5, 0.9, 0.99, 1))
        ]
        for column in _drawn_columns(dictionary)
        if column.kind == "number"
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Read the options, draw, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("original", type=Path, help="the Kaggle CSV")
    parser.add_argument("--rows", type=int, help="leads to draw (default: as many as the original)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=ROOT / "data" / "leads.csv")
    options = parser.parse_args(argv)
    dictionary = Dictionary.load(ROOT / "data" / "columns.toml")
    try:
        header, original = read(options.original, dictionary)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    rows = options.rows or len(original[dictionary.target.source])
    twin = synthesize(original, dictionary, rows, options.seed)
    replace_file(options.output, text(header, twin).encode())
    print(f"{options.output}: {rows} leads")
    if options.output == ROOT / "data" / "leads.csv":
        figures = compare(options.original, options.output, dictionary)
        replace_file(ROOT / "data" / "twin.json", (json.dumps(figures, indent=1) + "\n").encode())
        print(json.dumps(figures["trained_on"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
