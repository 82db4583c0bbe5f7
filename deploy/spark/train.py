"""Train on leads that one machine does not hold: Parquet, or CSV with commas and a header.

    python -m zipfile -c leadscore.zip leadscore
    spark-submit --py-files leadscore.zip deploy/spark/train.py leads.parquet --columns leads.toml

The trees learn from all leads, on as many tasks as the cluster has cores (spark.default.parallelism).
All else needs no more than a sample of them, which comes to the driver: levels, calibration, threshold,
the comparison of models, every figure, and parity. What comes out is what train.py makes, whose options
these are; `python train.py --help` says what its exit codes mean. Each machine has the environment that
`make .venv-spark/installed` makes; output is a folder of the driver's.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from rich.console import Console

from leadscore.tables.spark import read
from leadscore.training.cells import DataError
from leadscore.training.errors import TrainingError
from leadscore.training.exits import exit_code
from leadscore.training.options import add_options, chosen
from leadscore.training.progress import STEPS, progress
from leadscore.training.run import run
from leadscore.training.spark import Cluster
from leadscore.training.summary import summarise

SAMPLE: Final = 200_000
"""Leads: twice those of which one fold is enough for calibration and threshold."""


def main() -> int:
    """Train, publish and report; returns the exit code."""
    options = _options()
    interrupted = f"Interrupted: {options.output} is as it was."
    return exit_code(lambda: train(options), "Not trained.", interrupted, options.columns)


def train(options: argparse.Namespace) -> int:
    """Check the options, train and report; returns 0."""
    rule, dictionary = chosen(options)
    source = options.leads
    session = SparkSession.builder.appName(f"leadscore {source}").getOrCreate()
    try:
        if session.conf.get("spark.dynamicAllocation.enabled", "false") == "true":
            raise TrainingError(
                "expected spark.dynamicAllocation.enabled=false: trees need all tasks at once"
            )
        with progress(Console(stderr=True, highlight=False), STEPS) as step:
            step(f"reading {source}")
            leads = read(session, source)
            name = source.rstrip("/").rpartition("/")[2]
            known, sample, decimal = options.known, options.sample, options.decimal
            cluster = Cluster(leads, name, dictionary, known, sample, decimal)
            metrics = run(cluster.sample, options, rule, dictionary, step, cluster.fit)
    except (AnalysisException, DataError) as error:
        raise DataError(f"{source}: {error}") from None
    except Py4JJavaError as error:
        raise TrainingError(f"Spark says: {error.java_exception.getMessage()}") from error
    finally:
        session.stop()
    summarise(metrics, options.output)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("leads", help="Parquet, or CSV if it ends in .csv or .csv.gz")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help="leads (%(default)s)")
    add_options(parser, Path())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
