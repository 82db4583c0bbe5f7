"""Exact reasons: the compiled graph computes SHAP values, as defined, as XGBoost and as shap do."""

import itertools
import math
import re
import warnings

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from leadscore.training.dataset import Dataset, frame, inputs
from leadscore.training.distributions import reference
from leadscore.training.models import probability
from leadscore.training.onnx import shap_table
from leadscore.training.onnx.parity import adversarial
from leadscore.training.onnx.shap_table import ShapleyError, Table, compile_pipeline, compile_trees
from leadscore.training.onnx.shap_values import contributions
from leadscore.training.onnx.trees import Split, Tree, encoded_columns
from tests.conftest import ROOT

# On a number (0) twice, and on two of three levels (1, 2, 3) of one category (column 1).
TREE = Tree(
    split=[
        *(Split(0, 1.0, True), Split(1, 0.5, False), Split(0, 3.0, False), None, Split(2, 0.5, False)),
        *(None, None, None, None),
    ],
    left=[1, 3, 5, -1, 7, -1, -1, -1, -1],
    right=[2, 4, 6, -1, 8, -1, -1, -1, -1],
    value=[0, 0, 0, 0.5, 0, -1.0, 2.0, 0.25, -0.75],
    cover=[10, 6, 4, 2, 4, 1, 3, 1, 3],
)
COLUMNS = np.array([0, 1, 1, 1])


def _run(table: Table, encoded: np.ndarray) -> np.ndarray:
    """What the table holds for encoded features: contributions and, last, their sum."""
    values, unit = table.integers()
    steps = np.vstack([table.steps, np.zeros_like(table.steps[:1])])
    rows = sum(steps[_states(table, feature, column)] for feature, column in enumerate(encoded.T))
    units = values[rows].sum(axis=1)
    return np.column_stack([units, units.sum(axis=1)]) * unit


def _states(table: Table, feature: int, column: np.ndarray) -> np.ndarray:
    """The state of each lead; -1 where it is that of another level."""
    own = [(place, state.value) for place, state in enumerate(table.states) if state.feature == feature]
    first = own[0][0]
    if len(own) == 1:
        return np.where(column == 1, first, -1)
    thresholds = np.array([value for _, value in own[1:-1]], np.float32)
    place = np.searchsorted(thresholds, column, side="right")
    return first + np.where(np.isnan(column), len(own) - 1, place)


def _mean(tree: Tree, lead: np.ndarray, known: set[int], node: int = 0) -> float:
    """The tree's mean when only some features of a lead are known (Lundberg et al., algorithm 1)."""
    if (split := tree.split[node]) is None:
        return tree.value[node]
    left, right = tree.left[node], tree.right[node]
    if split.feature in known:
        value = lead[split.feature]
        below = split.missing_goes_left if math.isnan(value) else value < split.threshold
        return _mean(tree, lead, known, left if below else right)
    sides = [tree.cover[child] * _mean(tree, lead, known, child) for child in (left, right)]
    return sum(sides) / tree.cover[node]


def _by_definition(tree: Tree, lead: np.ndarray) -> np.ndarray:
    """Shapley values as the mean over all orders in which the features become known."""
    values = np.zeros(len(lead))
    orders = list(itertools.permutations(range(len(lead))))
    for order in orders:
        known: set[int] = set()
        for feature in order:
            before = _mean(tree, lead, known)
            known.add(feature)
            values[feature] += (_mean(tree, lead, known) - before) / len(orders)
    return values


LEADS = np.array(
    [
        [number, *levels]
        for number in (-5, 0.999, 1, 2.999, 3, 99, np.nan, np.inf)
        for levels in ((0, 0, 1), (1, 0, 0), (0, 1, 0))
    ]
)


def test_compiled_tree_gives_shapley_values_by_definition() -> None:
    """Brute force over all orders, for every kind of lead: below, on and above each split, missing."""
    found = _run(compile_trees([TREE], COLUMNS, 2, 0.0), LEADS)[:, :-1]
    values = np.array([_by_definition(TREE, lead) for lead in LEADS])
    expected = np.column_stack([values[:, 0], values[:, 1:].sum(axis=1)])
    assert found == pytest.approx(expected, abs=1e-6)


def test_worked_example_of_the_documents() -> None:
    """The table in docs/reasons.md is what its tree compiles to."""
    tree = Tree(
        split=[Split(0, 300.0, True), Split(1, 0.5, False), Split(0, 900.0, True), *[None] * 4],
        left=[1, 3, 5, -1, -1, -1, -1],
        right=[2, 4, 6, -1, -1, -1, -1],
        value=[0, 0, 0, -0.8, -0.2, 0.4, 1.0],
        cover=[100, 60, 40, 40, 20, 30, 10],
    )
    table = compile_trees([tree], np.array([0, 1, 1]), 2, 0.0)
    text = (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
    rows = [
        line.strip("| ").split(" | ")[3:] for line in text.splitlines() if re.match(r"\| \d \| ", line)
    ]
    expected = np.array(rows, float)
    assert table.base == pytest.approx(-0.14)
    assert table.values == pytest.approx(expected[:, :2])
    assert table.base + table.values.sum(axis=1) == pytest.approx(expected[:, 2])
    assert table.steps[:, 0].tolist() == [0, 2, 4, 0, 0, 1]  # time, missing time, Google, other


def test_base_and_contributions_add_up_to_the_prediction() -> None:
    """The mean of the trees, the margin and the shares of the columns make the log-odds."""
    table = compile_trees([TREE, TREE], COLUMNS, 2, 0.3)
    found = _run(table, LEADS)
    assert found[:, -1] == pytest.approx(found[:, :-1].sum(axis=1), abs=1e-6)
    total = table.base + found[:, -1]
    expected = [0.3 + 2 * _mean(TREE, lead, {0, 1, 2, 3}) for lead in LEADS]
    assert total == pytest.approx(np.array(expected), abs=1e-6)


def test_trees_together_give_what_they_give_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grouping changes the speed and nothing else."""
    together = compile_trees([TREE, TREE], COLUMNS, 2, 0.0)
    assert len(together.starts) == 1
    monkeypatch.setattr(shap_table, "MOST_PATTERNS", len(together.values))
    other = Tree(**{**vars(TREE), "split": [Split(0, 2.0, True), *TREE.split[1:]]})
    apart = compile_trees([TREE, other], COLUMNS, 2, 0.0)
    assert len(apart.starts) == 2
    monkeypatch.undo()
    joined = compile_trees([TREE, other], COLUMNS, 2, 0.0)
    assert _run(joined, LEADS) == pytest.approx(_run(apart, LEADS), abs=1e-6)


def test_tree_without_a_split_has_no_reasons() -> None:
    """A bare leaf moves the base alone."""
    leaf = Tree([None], [-1], [-1], [0.7], [5.0])
    table = compile_trees([leaf, leaf], COLUMNS, 2, 0.1)
    assert table.base == pytest.approx(1.5)
    assert not _run(table, LEADS).any()


def test_sums_are_exact_whatever_is_added_first() -> None:
    """Values are integers, with room for the sum of any rows and of their columns."""
    table = compile_trees([TREE] * 40, COLUMNS, 2, 0.0)
    values, unit = table.integers()
    largest = np.maximum.reduceat(np.abs(values.astype(np.int64)).sum(axis=1), table.starts).sum()
    assert 2**28 < largest < 2**31
    assert np.abs(values * unit - table.values).max() <= unit / 2


def test_too_many_patterns_are_refused_by_tree() -> None:
    """The message says which tree, how many, and what to do."""
    wide = Tree(
        split=[Split(n, 0.5, False) for n in range(10)] + [None] * 11,
        left=[*range(1, 10), 10, *[-1] * 11],
        right=[*range(11, 21), *[-1] * 11],
        value=[0.0] * 21,
        cover=[float(20 - n) for n in range(10)] + [1.0] * 11,
    )
    with pytest.raises(
        ShapleyError, match=r"tree 1 has 1024 patterns of turns, at most 512 .* 8 leaves.*--plain"
    ):
        compile_trees([TREE, wide], np.arange(10), 10, 0.0)


def _compiled(pipeline: Pipeline, leads: Dataset) -> tuple[Table, list[str]]:
    names = [column.name for column in leads.dictionary.features]
    return compile_pipeline(pipeline, names), names


def test_every_lead_has_xgboost_s_own_values(pipeline: Pipeline, leads: Dataset) -> None:
    """Over every row, missing values included: `pred_contribs`, folded to raw columns, to 1e-5."""
    table, _ = _compiled(pipeline, leads)
    found = _run(table, pipeline["encode"].transform(leads.features))[:, :-1]
    assert np.abs(found - contributions(pipeline, leads.features)).max() <= 1e-5


def test_every_lead_s_reasons_add_up(pipeline: Pipeline, leads: Dataset) -> None:
    """Over every row and over adversarial ones: base plus contributions is the logit, to 1e-4."""
    table, _ = _compiled(pipeline, leads)
    levels = reference(leads.features, leads.dictionary)
    hostile = adversarial(pipeline, leads.dictionary, levels, seed=2)
    for batch in (inputs(leads.features, leads.dictionary), hostile):
        rows = frame(batch)
        p = probability(pipeline, rows)
        total = table.base + _run(table, pipeline["encode"].transform(rows))[:, :-1].sum(axis=1)
        assert np.abs(total - np.log(p / (1 - p))).max() <= 1e-4


@pytest.mark.slow
def test_shap_package_agrees(pipeline: Pipeline, leads: Dataset) -> None:
    """The reference implementation gives the same values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
        encoded = pipeline["encode"].transform(leads.features.iloc[:500])
        values = shap.TreeExplainer(pipeline["model"]).shap_values(encoded)
    table, names = _compiled(pipeline, leads)
    folded = values @ np.eye(len(names))[encoded_columns(pipeline, names)]
    assert np.abs(_run(table, encoded)[:, :-1] - folded).max() <= 1e-4


def test_calibration_scales_the_reasons(pipeline: Pipeline, leads: Dataset) -> None:
    """With a sigmoid the contributions still add up to the probability that is served."""
    sample = leads.features.iloc[:1000]
    model = pipeline["model"]
    try:
        model.slope, model.intercept = 0.8, -0.3
        table, _ = _compiled(pipeline, leads)
        total = table.base + _run(table, pipeline["encode"].transform(sample))[:, :-1].sum(axis=1)
        p = probability(pipeline, sample)
    finally:
        del model.slope, model.intercept
    assert np.abs(total - np.log(p / (1 - p))).max() <= 1e-4
