"""One ONNX file -> probabilities. Needs numpy and onnxruntime, nothing of what trained the model."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from leadscore.card import METADATA_KEY, Card, CardError, check_seal
from leadscore.columns import ColumnError, Tensors, tensor

VERIFY_SECONDS: Final = 20.0
"""In which a model file must be verified, which takes a fraction of one: a graph may never end."""
VERIFYING: Final = "verification"
"""The thread in which it is; left behind if it does not end."""

# Largest difference between two runtimes' probabilities or contributions that counts as rounding.
TOLERANCE: Final = 1e-5


class ModelError(RuntimeError):
    """The model file cannot be used; the message says why."""


class Scorer:
    """A loaded and verified model.

    >>> scorer = Scorer(Path("models/lead_conversion.onnx"))
    >>> leads = [{"total_visits": 5, "lead_source": "Google"}, {}]
    >>> probability, contributions = scorer.run(scorer.inputs(leads))
    >>> log_odds = scorer.card.base + contributions.sum(axis=1)
    >>> np.allclose(probability, 1 / (1 + np.exp(-log_odds)))
    True

    Safe to share between threads. Raises ModelError when the file is absent, damaged, carries no
    readable card, does not match its card, is not as it was sealed, or does not reproduce its golden
    leads here within VERIFY_SECONDS.
    """

    def __init__(self, model: Path | bytes) -> None:
        where = str(model) if isinstance(model, Path) else "the model"
        try:
            content = model.read_bytes() if isinstance(model, Path) else model
        except OSError as error:
            raise ModelError(f"{where}: cannot be read ({error.strerror})") from None
        try:
            # Before it is loaded: a tree with one changed bit may never end.
            check_seal(content)
            self._load_in_time(content)
        except (CardError, ModelError) as error:
            raise ModelError(f"{where}: {error}") from None

    def run(
        self, inputs: Tensors, options: ort.RunOptions | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score model inputs, an (n, 1) array per feature.

        Returns probabilities of shape (n,), in [0, 1], and contributions of shape (n, features) in
        log-odds. The card's base plus a lead's contributions are the log-odds of its probability.
        `options` lets another thread stop it, and costs a fifth of a single lead's run.
        """
        probability, contributions = self._session.run(None, inputs, options)
        return np.asarray(probability, np.float64), np.asarray(contributions, np.float64)

    def inputs(self, leads: Sequence[Mapping[str, object]]) -> Tensors:
        """Raw leads, keyed by feature names, as model inputs.

        ColumnError for a value that its column does not take, and for a key that is no feature.
        """
        features = {column.name: column for column in self.card.dictionary.features}
        for lead in leads:
            if unknown := lead.keys() - features.keys():
                key = min(unknown)
                raise ColumnError(key, lead[key], f"one of the features {', '.join(features)}")
        return {
            name: tensor(column, [column.read(lead.get(name)) for lead in leads])
            for name, column in features.items()
        }

    def converts(self, probability: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each probability reaches the card's threshold."""
        return probability >= self.card.threshold.value

    def _load_in_time(self, content: bytes) -> None:
        """Load and verify, in a thread that can be left behind."""
        options = ort.RunOptions()
        failures: list[Exception] = []

        def load() -> None:
            try:
                self._load(content, options)
            except (CardError, ModelError) as error:
                failures.append(error)
            except Exception as error:  # noqa: BLE001  (onnxruntime's share no documented base)
                failures.append(ModelError(f"golden leads cannot be scored ({type(error).__name__})"))

        thread = threading.Thread(target=load, name=VERIFYING, daemon=True)
        thread.start()
        thread.join(VERIFY_SECONDS)
        if thread.is_alive():
            options.terminate = True  # ends what onnxruntime can end
            raise ModelError(f"not verified within {VERIFY_SECONDS:g} s, its graph may never end")
        if failures:
            raise failures[0]

    def _load(self, content: bytes, options: ort.RunOptions) -> None:
        self._session = _session(content)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.card = Card.from_json(metadata.get(METADATA_KEY, ""))
        self._verify(options)

    def _verify(self, options: ort.RunOptions) -> None:
        self.card.check()
        golden = self.card.golden
        read = {node.name for node in self._session.get_inputs()}
        if read != (names := {column.name for column in self.card.dictionary.features}):
            raise ModelError(f"the graph reads {sorted(read)}, its card says {sorted(names)}")
        if not golden:
            raise ModelError("the card holds no golden leads to verify it by")
        probability, contributions = self.run(self.inputs([entry.lead for entry in golden]), options)
        found = np.column_stack([probability, contributions])
        expected = np.array([(entry.probability, *entry.contributions) for entry in golden])
        if found.shape != expected.shape:
            raise ModelError(f"golden leads have {expected.shape[1] - 1} contributions each")
        difference = np.abs(found - expected).max(axis=1)
        if not np.all(difference <= TOLERANCE):  # also catches NaN
            worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
            raise ModelError(
                f"golden lead {worst} is off by {difference[worst]:.2g} (at most {TOLERANCE:g}): "
                f"onnxruntime {ort.__version__} does not compute what was trained"
            )


def _session(content: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # A request's graph runs for microseconds: a second thread costs more than it saves, and idle
    # threads that spin would take the core from the server.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # its errors become ModelError
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  (onnxruntime's exceptions share no documented base)
        raise ModelError(f"not a model onnxruntime can load ({type(error).__name__})") from None
