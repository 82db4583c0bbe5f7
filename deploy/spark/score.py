"""Score a table of leads on Apache Spark: Parquet, or CSV with commas and a header, into Parquet.

    python -m zipfile -c leadscore.zip leadscore
    spark-submit --py-files leadscore.zip deploy/spark/score.py data/leads.csv scored

On a cluster add `--files models/lead_conversion.onnx`; source and target lie where every executor finds
them. Each machine has Python 3.11 or newer with requirements-serve.txt, pyarrow and pandas. A cell of a
CSV may not hold a line break, so that Spark can split the file.

In a notebook: `leadscore.tables.spark.score(leads, Path("lead_conversion.onnx"))` returns a DataFrame.
"""

import argparse
import sys
import time
from pathlib import Path

from pyspark import SparkFiles
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import coalesce, col, count, count_if, lit, when
from pyspark.sql.functions import sum as total

from leadscore.card import MODEL
from leadscore.commands import add_mapping
from leadscore.scorer import ModelError, Scorer
from leadscore.tables.block import REASONS, Totals
from leadscore.tables.job import ending, report, say, summary
from leadscore.tables.mapping import ColumnMap
from leadscore.tables.spark import BROKEN, read, score


def main() -> None:
    """Read the options, score, say what was done."""
    arguments = _arguments()
    session = SparkSession.builder.appName(f"leadscore {arguments.source}").getOrCreate()
    started = time.monotonic()
    try:
        with ending(arguments.source, arguments.target):
            totals = run(session, arguments)
    except (ModelError, AnalysisException) as error:
        sys.exit(f"{arguments.source}: {error}")
    finally:
        session.stop()
    say(summary(totals, time.monotonic() - started))


def run(session: SparkSession, arguments: argparse.Namespace) -> Totals:
    """Score the source into Parquet files at the target, which must not exist.

    Raises ModelError, TableError, and AnalysisException for what Spark cannot read or write.
    """
    model, reasons = found(arguments.model), arguments.reasons
    leads, mapping = read(session, arguments.source), dict(arguments.mapping or ())
    names = [name for name in leads.columns if name != BROKEN]
    card = Scorer(model).card
    columns = ColumnMap.of(names, card.dictionary, mapping)
    report(columns, card)
    scored = score(leads, model, reasons, mapping=mapping, partial=arguments.partial)
    added = columns.added(reasons)
    if BROKEN in leads.columns:
        scored = without_broken(scored, added)
    scored.write.parquet(arguments.target)
    return totals(session.read.parquet(arguments.target), added)


def found(model: Path) -> Path:
    """The model file here, or where the cluster has put what --files names."""
    places = (model, Path(model.name), Path(SparkFiles.get(model.name)))
    return next((path for path in places if path.exists()), model)


def without_broken(scored: DataFrame, added: list[str]) -> DataFrame:
    """A lead that was guessed from half a line has nothing but an error."""
    *answers, error, _ = added
    good = col(BROKEN).isNull()
    why = lit("this line has not as many cells as the header, or a quote that is not closed")
    return scored.withColumns(
        {name: when(good, col(name)) for name in answers}
        | {error: when(good, col(error)).otherwise(why)}
    ).drop(BROKEN)


def totals(scored: DataFrame, added: list[str]) -> Totals:
    """What was written, counted there: a task that runs twice would count twice."""
    probability, _, _, converts, *_, error, _ = added
    row = scored.agg(
        count(lit(1)),
        count(error),
        count_if(col(converts)),
        coalesce(total(probability), lit(0.0)),
    ).first()
    return Totals(*row)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="leads", help="Parquet, or CSV if it ends in .csv or .csv.gz")
    parser.add_argument("target", help="a folder that does not exist yet")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("models", f"{MODEL}.onnx"),
        help="a file here or among --files; default: %(default)s",
    )
    parser.add_argument("--reasons", type=int, default=REASONS, help="columns of reasons (%(default)s)")
    add_mapping(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
