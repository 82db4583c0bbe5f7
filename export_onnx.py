"""Turn a fitted pipeline and its card into one ONNX file, and refuse what does not match the pipeline.

    python export_onnx.py models/pipeline.joblib out.onnx
    python export_onnx.py models/pipeline.joblib out.onnx --data "Lead Scoring.csv"
    python export_onnx.py models/pipeline.joblib plain.onnx --plain

The graph reads raw columns: missing values, unseen levels, encoding, trees and exact reasons are all
inside. `--plain` writes the graph that onnxmltools makes of trees of any depth: label and probabilities,
no reasons and no card, so this project does not serve it. Either is converted by skl2onnx, and written
only if it computes what the pipeline does.

Only load a pipeline.joblib you trust: it is a pickle, and loading one runs code.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leadscore.files import replace_file
from leadscore.training import cells
from leadscore.training.errors import RefusedError, TrainingError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from leadscore.training.dataset import Dataset


class PipelineError(ValueError):
    """The file holds no pipeline to export; the message names it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Read the options, export, write; returns the exit code."""
    options = _options(argv)
    try:
        for path in (options.pipeline, options.data):
            cells.content(path)  # a wrong path is told before the libraries are loaded
        write = export_plain if options.plain else export
        print(write(options.pipeline, options.data, options.output))
    except (OSError, PipelineError, TrainingError, RefusedError) as error:
        print(f"nothing written: {error}", file=sys.stderr)
        return 1
    return 0


def export(saved: Path, data: Path, output: Path) -> str:
    """Write the model file of a saved pipeline, with parity proved on these leads; what came of it."""
    from leadscore.training.onnx import model_file  # noqa: PLC0415  (as in `_loaded`)

    pipeline, leads = _loaded(saved, data)
    model, card = model_file.export(pipeline, pipeline.card_, leads.features)
    replace_file(output, model)
    return (
        f"{output}: model {card.version}, {len(model) / 1e6:.2f} MB. Largest difference to "
        f"the pipeline: {card.parity['largest_difference']:.1e} over {card.parity['leads']} leads and "
        f"{card.parity['adversarial_leads']} adversarial ones."
    )


def export_plain(saved: Path, data: Path, output: Path) -> str:
    """Write the plain graph of a saved pipeline, with parity proved in the same way; what came of it."""
    from leadscore.training.onnx import model_file  # noqa: PLC0415  (as in `_loaded`)

    pipeline, leads = _loaded(saved, data)
    model, difference = model_file.export_plain(pipeline, pipeline.card_, leads.features)
    replace_file(output, model)
    return (
        f"{output}: plain graph, {len(model) / 1e6:.2f} MB, without reasons. Largest difference to the "
        f"pipeline: {difference:.1e}."
    )


def _loaded(path: Path, data: Path) -> tuple["Pipeline", "Dataset"]:
    """The pipeline, and the leads that parity is checked on."""
    # Here and not above: they load scikit-learn and the like, and `--help` does not need seconds.
    import joblib  # noqa: PLC0415
    from sklearn.pipeline import Pipeline  # noqa: PLC0415

    from leadscore.training.dataset import load  # noqa: PLC0415

    try:
        pipeline = joblib.load(path)
    except Exception as error:
        # Unpickling what is no pipeline raises anything.
        raise PipelineError(f"{path}: cannot be read ({error!r})") from error
    if not isinstance(pipeline, Pipeline) or not hasattr(pipeline, "card_"):
        raise PipelineError(f"{path}: expected a pipeline that train.py saved")
    return pipeline, load(data, pipeline.card_.dictionary)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline", type=Path, help="the pipeline.joblib that train.py saved")
    parser.add_argument("output", type=Path, help="the ONNX file to write")
    parser.add_argument("--plain", action="store_true", help="the ordinary graph, without reasons")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(__file__).with_name("data") / "leads.csv",
        metavar="FILE",
        help="leads to compare graph and pipeline on (data/leads.csv)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
