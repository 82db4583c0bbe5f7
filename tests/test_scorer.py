"""One ONNX file -> probabilities: the file is verified before it scores anything."""

import math
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from leadscore.card import METADATA_KEY, SEAL_KEY, UNSEALED, seal
from leadscore.columns import LARGEST, ColumnError
from leadscore.scorer import ModelError, Scorer
from tests.conftest import MODEL, PYTHON, ROOT
from tests.models import rewritten


def _score(scorer: Scorer, *leads: dict[str, object]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return scorer.run(scorer.inputs(leads))


def _golden(scorer: Scorer) -> list[dict[str, object]]:
    return [dict(golden.lead) for golden in scorer.card.golden]


def test_equal_leads_score_equal_wherever_they_stand(scorer: Scorer) -> None:
    """A ranking has no order among leads that are the same, alone or in any batch: to the last bit."""
    leads = _golden(scorer)
    for lead, expected, shares in zip(leads, *_score(scorer, *leads), strict=True):
        for size in (1, 2, 7, 33, 100):
            probability, contributions = _score(scorer, *[lead] * size)
            assert set(probability.tolist()) == {expected}
            assert (contributions == shares).all()


def test_no_leads_give_no_scores(scorer: Scorer) -> None:
    """An empty batch is no error inside."""
    probability, contributions = _score(scorer)
    assert probability.shape == (0,)
    assert contributions.shape == (0, len(scorer.card.dictionary.features))


def test_threads_share_a_scorer(scorer: Scorer) -> None:
    """Concurrent requests get what they would get alone."""
    leads = _golden(scorer)
    expected, _ = _score(scorer, *leads)
    with ThreadPoolExecutor(8) as pool:
        for found, _ in pool.map(lambda _: _score(scorer, *leads), range(200)):
            assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("lead", "message"),
    [
        ({"total_visits": "many"}, "total_visits: got 'many', expected a number"),
        ({"city": 5}, "city: got 5, expected text"),
        ({"TotalVisits": 5}, "TotalVisits: got 5, expected one of the features lead_origin"),
        ({"tags": "x"}, "tags: got 'x', expected one of the features"),
    ],
)
def test_no_value_is_dropped_silently(scorer: Scorer, lead: dict[str, object], message: str) -> None:
    """Whoever calls the scorer by itself is told of a wrong value, and of a key it does not know."""
    with pytest.raises(ColumnError, match=message):
        scorer.inputs([{}, lead])


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
    (probability,), _ = _score(SCORER, lead)
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


def test_model_from_elsewhere_is_refused() -> None:
    """An ONNX file without our metadata is not taken for a lead model."""
    model = onnx.load(MODEL)
    del model.metadata_props[:]
    with pytest.raises(ModelError, match="no seal"):
        Scorer(model.SerializeToString())


def test_removed_seal_is_refused() -> None:
    """Who takes the seal away to change a card has a file that is not scored with."""
    model = onnx.load(MODEL)
    kept = [entry for entry in model.metadata_props if entry.key != SEAL_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    with pytest.raises(ModelError, match="no seal: damaged, or not a model made by export_onnx"):
        Scorer(model.SerializeToString())


def test_seal_that_was_never_set_is_refused() -> None:
    """A file that an export did not finish says so."""
    content = rewritten()
    start = content.index(UNSEALED[:20].encode())
    unsealed = content[:start] + UNSEALED.encode() + content[start + len(UNSEALED) :]
    with pytest.raises(ModelError, match="changed since it was sealed"):
        Scorer(unsealed)
    assert Scorer(seal(unsealed)).card.version


@pytest.mark.parametrize("old", [b'"rule": "', b'"at_least": 0.', b'"known": "capture"'])
def test_changed_card_is_refused(old: bytes) -> None:
    """A threshold, a grade or a column that was changed in the file, its length or not."""
    content = MODEL.read_bytes()
    start = content.index(old) + len(old) - 1
    for new in (b"1", b"z"):
        changed = content[:start] + new + content[start + 1 :]
        assert changed != content
        with pytest.raises(ModelError, match="changed since it was sealed"):
            Scorer(changed)


def test_second_seal_does_not_stand_for_the_first() -> None:
    """A file with two seals, one of them right for a part, is refused."""
    content = MODEL.read_bytes()
    with pytest.raises(ModelError, match="changed since it was sealed"):
        Scorer(content + UNSEALED.encode())


def test_sealed_file_without_a_card_is_refused() -> None:
    """A seal alone makes no model of ours."""
    model = onnx.load(MODEL)
    kept = [entry for entry in model.metadata_props if entry.key != METADATA_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    with pytest.raises(ModelError):
        Scorer(_resealed(model))


def _resealed(model: onnx.ModelProto) -> bytes:
    for entry in model.metadata_props:
        if entry.key == SEAL_KEY:
            entry.value = UNSEALED
    return seal(model.SerializeToString())


def test_graph_and_card_that_disagree_are_refused(scorer: Scorer) -> None:
    """A card of another model, with other columns, is noticed."""
    document = scorer.card.to_dict()["dictionary"]
    columns = [block for block in document["column"] if block["name"] != "city"]
    with pytest.raises(ModelError, match="the graph reads"):
        Scorer(rewritten(dictionary={**document, "column": columns}))


@pytest.mark.parametrize("probability", [0.0, 1.0, float("nan")])
def test_runtime_that_computes_something_else_is_refused(scorer: Scorer, probability: float) -> None:
    """A golden lead that comes out different stops the start."""
    golden = [vars(entry) for entry in scorer.card.golden]
    golden[3] = {**golden[3], "probability": probability}
    with pytest.raises(ModelError, match="golden lead 3 is off by"):
        Scorer(rewritten(golden=golden))


def test_card_without_golden_leads_is_refused() -> None:
    """What cannot be verified is not served."""
    with pytest.raises(ModelError, match="no golden leads"):
        Scorer(rewritten(golden=[]))


def test_tampered_table_is_refused() -> None:
    """Changed values in the graph are noticed by the golden leads, also where the seal is right."""
    model = onnx.load(MODEL)
    values = next(constant for constant in model.graph.initializer if constant.name == "table")
    tampered = onnx.numpy_helper.to_array(values) * np.int32(2)
    values.CopyFrom(onnx.numpy_helper.from_array(tampered, "table"))
    with pytest.raises(ModelError, match="golden lead"):
        Scorer(_resealed(model))


def test_graph_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds the service says so, instead of never starting; no thread runs on."""
    monkeypatch.setattr("leadscore.scorer.VERIFY_SECONDS", 0.5)
    threads = threading.active_count()
    with pytest.raises(ModelError, match=r"not verified within 0.5 s, its graph may never end"):
        Scorer(_resealed(_endless(onnx.load(MODEL))))
    deadline = time.monotonic() + 20
    while threading.active_count() > threads:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _endless(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, but for a loop before its probability."""
    make, kinds = onnx.helper, onnx.TensorProto
    for node in model.graph.node:
        node.output[:] = ["ended" if name == "probability" else name for name in node.output]
    values: dict[str, tuple[int, list[int] | None]] = {
        "i": (kinds.INT64, []),
        "more": (kinds.BOOL, []),
        "p": (kinds.FLOAT, None),
    }
    again: dict[str, tuple[int, list[int] | None]] = {
        "more again": (kinds.BOOL, []),
        "p again": (kinds.FLOAT, None),
    }
    body = make.make_graph(
        [
            make.make_node("Identity", ["more"], ["more again"]),
            make.make_node("Neg", ["p"], ["p again"]),
        ],
        "body",
        [make.make_tensor_value_info(name, *of) for name, of in values.items()],
        [make.make_tensor_value_info(name, *of) for name, of in again.items()],
    )
    loop = make.make_node("Loop", ["times", "", "ended"], ["probability"], body=body)
    model.graph.initializer.append(make.make_tensor("times", kinds.INT64, [], [2**62]))
    model.graph.node.append(loop)
    return model


def test_graph_that_fails_is_refused(scorer: Scorer) -> None:
    """What onnxruntime loads but cannot run is a refusal like any other, not an error of its own."""
    model = onnx.load(MODEL)
    (output,) = (entry for entry in model.graph.output if entry.name == "contributions")
    model.graph.output.remove(output)
    with pytest.raises(ModelError, match="golden leads cannot be scored"):
        Scorer(_resealed(model))


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
        Scorer(rewritten(golden=golden))


def test_contributions_add_up_to_the_probability(scorer: Scorer) -> None:
    """The card's base plus a lead's contributions are its log-odds."""
    probability, contributions = _score(scorer, *_golden(scorer))
    log_odds = scorer.card.base + contributions.sum(axis=1)
    assert np.log(probability / (1 - probability)) == pytest.approx(log_odds, abs=1e-4)


def test_scoring_reports_to_nobody(tmp_path: Path) -> None:
    """onnxruntime's telemetry, on by default, is off: no thread of its own, no file."""
    program = (
        "from pathlib import Path\n"
        "from leadscore.scorer import Scorer\n"
        "import time\n"
        f"Scorer(Path({str(MODEL)!r}))\n"
        "time.sleep(0.1)  # the thread that verified it has ended\n"
        "print(len(list(Path('/proc/self/task').iterdir())) if Path('/proc/self').exists() else 1)\n"
    )
    # onnxruntime is silent under CI, and this process has asked it to be.
    watched = {k: v for k, v in os.environ.items() if k not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [PYTHON, "-c", program],
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
    (nothing, known), _ = _score(scorer, {}, usual)
    assert nothing == known < scorer.card.threshold.value


@pytest.mark.parametrize(
    "entries",
    [
        {"version": ""},
        {"version": 5},
        {"grades": []},
        {"grades": [{"grade": "A", "at_least": 0.5, "share": 1, "conversion_rate": None}]},
        {"reference": {}},
        {"drift": {}},
        {"drift": {"features": {}, "score": {}}},
    ],
    ids=str,
)
def test_card_nobody_could_serve_by_is_refused(entries: dict[str, object]) -> None:
    """However well it is sealed: the service does not start, and a reload keeps the model in use."""
    with pytest.raises(ModelError, match="card"):
        Scorer(rewritten(**entries))
