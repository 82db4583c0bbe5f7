"""A column may have any name: none meets a name inside a graph."""

import re

import numpy as np
import onnx
import pandas as pd
import pytest

from leadscore.columns import Column, Kind, Role
from leadscore.dictionary import Dictionary
from leadscore.scorer import Scorer
from leadscore.training.dataset import Dataset, inputs
from leadscore.training.models import CANDIDATES, SERVED, probability
from leadscore.training.onnx import model_file, plain_graph, table_graph
from tests.training.cards import draft

COUNT = 600
MISSING = frozenset({"Select"})


def _leads(names: list[str]) -> Dataset:
    """Made-up leads whose columns, categories and numbers in turn, have these names."""
    rng = np.random.default_rng(0)
    columns, features = [], {}
    for place, name in enumerate(names):
        kind: Kind = "number" if place % 2 else "category"
        columns.append(
            Column(name, f"Header {place}", "feature", kind, "capture", "A test's.", missing=MISSING)
        )
        texts = rng.choice(["web", "fair", ""], COUNT).astype(object)
        features[name] = rng.normal(size=COUNT).astype(np.float32) if place % 2 else texts
    others: list[tuple[Role, str]] = [("id", "the_clock"), ("target", "the_outcome")]
    for role, name in others:
        columns.append(
            Column(
                name, name, role, "category", "capture", "A test's.",
                clock=role == "id", positive=("1",), negative=("0",), missing=MISSING,
            )
        )  # fmt: skip
    target = rng.integers(0, 2, COUNT).astype(np.int8)
    return Dataset(Dictionary(tuple(columns)), pd.DataFrame(features), target, "made up", "")


def _names(leads: Dataset) -> set[str]:
    """Every name in both graphs that a column can have."""
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(leads.features, leads.target)
    found: set[str] = set()
    for graph in (
        table_graph.convert(pipeline, leads.dictionary)[0].graph,
        plain_graph.convert(pipeline, leads.dictionary).graph,
    ):
        found |= {name for node in graph.node for name in (node.name, *node.input, *node.output)}
        found |= {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    return {name for name in found if re.fullmatch(r"[a-z][a-z0-9_]*", name)}


def test_columns_named_like_everything_in_the_graph() -> None:
    """Of every node, value and output of both graphs, and some that were met elsewhere."""
    names = _names(_leads(["first", "second"]))
    assert {"probability", "contributions", "probabilities", "rows", "first_level"} <= names
    leads = _leads(sorted({*names, "units", "company", "company_state", "leads"}))
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(leads.features, leads.target)
    content, _ = model_file.export(pipeline, draft(leads), leads.features)
    scorer = Scorer(content)
    found, contributions = scorer.run(inputs(leads.features, leads.dictionary))
    assert found == pytest.approx(probability(pipeline, leads.features), abs=1e-5)
    assert contributions.shape == (COUNT, len(leads.dictionary.features))
    outputs = [value.name for value in onnx.load_from_string(content).graph.output]
    assert not {*outputs} & {*leads.features}


def test_outputs_keep_their_names_where_no_column_has_them() -> None:
    """Whoever reads the file in another language finds `probability` and `contributions`."""
    leads = _leads(["probability", "visits"])
    pipeline = CANDIDATES[SERVED](leads.dictionary.features, 0).fit(leads.features, leads.target)
    graph, _ = table_graph.convert(pipeline, leads.dictionary)
    assert [value.name for value in graph.graph.output] == ["probability_", "contributions"]
    assert [value.name for value in graph.graph.input] == ["probability", "visits"]
