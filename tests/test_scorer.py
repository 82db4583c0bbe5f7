"""One ONNX file -> probabilities: the file is verified before it scores anything."""

import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from leadscore.card import METADATA_KEY
from leadscore.columns import LARGEST, clean
from leadscore.scorer import ModelError, Scorer
from tests.conftest import MODEL, ROOT

TRAINING_ONLY = ("joblib", "onnx", "pandas", "rich", "scipy", "sklearn", "xgboost")


def _changed_card(**changes: object) -> bytes:
    model = onnx.load(MODEL)
    document = json.loads(model.metadata_props[0].value)
    helper.set_model_props(model, {METADATA_KEY: json.dumps({**document, "version": "", **changes})})
    return model.SerializeToString()


def test_equal_leads_score_equal_wherever_they_stand(scorer: Scorer) -> None:
    """A ranking has no order among leads that are the same, alone or in any batch: to the last bit."""
    leads = [clean(golden.lead, scorer.card.dictionary) for golden in scorer.card.golden]
    together = zip(leads, *scorer.explain(leads), strict=True)
    for lead, expected, shares in together:
        for size in (1, 2, 7, 33, 100):
            probability, contributions = scorer.explain([lead] * size)
            assert set(probability.tolist()) == {expected}
            assert (contributions == shares).all()


def test_no_leads_give_no_scores(scorer: Scorer) -> None:
    """An empty batch is no error inside."""
    assert scorer.probability([]).shape == (0,)


def test_threads_share_a_scorer(scorer: Scorer) -> None:
    """Concurrent requests get what they would get alone."""
    leads = [clean(golden.lead, scorer.card.dictionary) for golden in scorer.card.golden]
    expected = scorer.probability(leads)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: scorer.probability(leads), range(200)):
            assert np.array_equal(found, expected)


def test_threshold_itself_converts(scorer: Scorer) -> None:
    """The decision is 'at least the threshold', as the card's figures were measured."""
    value = scorer.card.threshold.value
    assert scorer.converts(np.array([value, np.nextafter(value, 0)])).tolist() == [True, False]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "lead_source": st.text(max_size=50),
            "lead_origin": st.sampled_from(["API", "Lead Add Form", "", "Select"]),
            "city": st.none() | st.text(max_size=20),
            "total_visits": st.none() | st.floats(0, LARGEST) | st.integers(0, 10**30),
            "page_views_per_visit": st.floats(0, 100),
        },
    )
)
def test_any_lead_gets_a_probability(lead: dict[str, object]) -> None:
    """No readable lead scores NaN or leaves [0, 1]."""
    (probability,) = SCORER.probability([clean(lead, SCORER.card.dictionary)])
    assert 0 <= probability <= 1
    assert math.isfinite(probability)


SCORER = Scorer(MODEL)


def test_absent_model_is_named(tmp_path: Path) -> None:
    """A wrong path is no stack trace and no stand-in model."""
    with pytest.raises(ModelError, match=r"no_such\.onnx: cannot be read"):
        Scorer(tmp_path / "no_such.onnx")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_model_is_refused(share: float) -> None:
    """A copy that broke off does not load."""
    content = MODEL.read_bytes()
    with pytest.raises(ModelError):
        Scorer(content[: int(len(content) * share)])


def test_model_without_a_card_is_refused() -> None:
    """An ONNX file from elsewhere is not taken for a lead model."""
    model = onnx.load(MODEL)
    del model.metadata_props[:]
    with pytest.raises(ModelError, match="no card at the end"):
        Scorer(model.SerializeToString())


def test_graph_and_card_that_disagree_are_refused(scorer: Scorer) -> None:
    """A card of another model, with other columns, is noticed."""
    document = scorer.card.to_dict()["dictionary"]
    columns = [block for block in document["column"] if block["name"] != "city"]
    with pytest.raises(ModelError, match="the graph reads"):
        Scorer(_changed_card(dictionary={**document, "column": columns}))


@pytest.mark.parametrize("probability", [0.0, 1.0, float("nan")])
def test_runtime_that_computes_something_else_is_refused(scorer: Scorer, probability: float) -> None:
    """A golden lead that comes out different stops the start."""
    golden = [vars(entry) for entry in scorer.card.golden]
    golden[3] = {**golden[3], "probability": probability}
    with pytest.raises(ModelError, match="golden lead 3 is off by"):
        Scorer(_changed_card(golden=golden))


def test_card_without_golden_leads_is_refused() -> None:
    """What cannot be verified is not served."""
    with pytest.raises(ModelError, match="no golden leads"):
        Scorer(_changed_card(golden=[]))


def test_tampered_table_is_refused() -> None:
    """Changed values in the graph are noticed by the golden leads, whatever the seal says."""
    model = onnx.load_from_string(_changed_card())
    values = next(constant for constant in model.graph.initializer if constant.name == "values")
    tampered = onnx.numpy_helper.to_array(values) * np.int32(2)
    values.CopyFrom(onnx.numpy_helper.from_array(tampered, "values"))
    with pytest.raises(ModelError, match="golden lead"):
        Scorer(model.SerializeToString())


@pytest.mark.parametrize("place", ["graph", "card"])
def test_one_changed_bit_is_refused(place: str) -> None:
    """Also where no golden lead comes by."""
    content = MODEL.read_bytes()
    card = content.rindex(b'{"format"')
    for share in np.linspace(0.05, 0.95, 50):
        start, size = (0, card) if place == "graph" else (card, len(content) - card)
        changed = bytearray(content)
        changed[start + int(share * size)] ^= 1 << int(share * 8)
        with pytest.raises(ModelError):
            Scorer(bytes(changed))


def test_golden_leads_without_contributions_are_refused(scorer: Scorer) -> None:
    """Both outputs are verified, not the probability alone."""
    golden = [{**vars(entry), "contributions": []} for entry in scorer.card.golden]
    with pytest.raises(ModelError, match="contributions each"):
        Scorer(_changed_card(golden=golden))


def test_contributions_add_up_to_the_probability(scorer: Scorer) -> None:
    """The card's base plus a lead's contributions are its log-odds."""
    leads = [clean(golden.lead, scorer.card.dictionary) for golden in scorer.card.golden]
    probability, contributions = scorer.explain(leads)
    log_odds = scorer.card.base + contributions.sum(axis=1)
    assert np.log(probability / (1 - probability)) == pytest.approx(log_odds, abs=1e-4)


def test_scoring_needs_nothing_of_what_trained() -> None:
    """The scorer works where no training library can be imported."""
    program = (
        "import sys\n"
        f"for name in {TRAINING_ONLY}: sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from leadscore.columns import clean\n"
        "from leadscore.scorer import Scorer\n"
        f"scorer = Scorer(Path({str(MODEL)!r}))\n"
        "print(scorer.probability([clean({}, scorer.card.dictionary)])[0])\n"
        "import predict; predict.app\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.splitlines()[0]) < 1


def test_scoring_reports_to_nobody(tmp_path: Path) -> None:
    """onnxruntime's telemetry, on by default, is off: no thread of its own, no file."""
    program = (
        "from pathlib import Path\n"
        "from leadscore.scorer import Scorer\n"
        f"Scorer(Path({str(MODEL)!r}))\n"
        "print(len(list(Path('/proc/self/task').iterdir())) if Path('/proc/self').exists() else 1)\n"
    )
    # onnxruntime is silent under CI, and this process has asked it to be.
    watched = {k: v for k, v in os.environ.items() if k not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**watched, **home},
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
    assert int(done.stdout) == 1


def test_number_training_has_never_missed_counts_as_usual(scorer: Scorer) -> None:
    """A lead of whom nothing is known is no good lead because trees were never asked about it."""
    dictionary, reference = scorer.card.dictionary, scorer.card.reference
    (name,) = (
        c.name for c in dictionary.features if c.kind == "number" and not reference[c.name]["missing"]
    )
    usual = {name: reference[name]["quantiles"][5]}
    nothing, known = scorer.probability([clean(lead, dictionary) for lead in ({}, usual)])
    assert nothing == known < scorer.card.threshold.value
