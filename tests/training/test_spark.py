"""Training on a cluster: the same model within chance, and no lead it may not learn from."""

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
from pyarrow.csv import read_csv

from leadscore.scorer import Scorer
from leadscore.training import gate
from tests.cluster import CLUSTER, finished, needed, submitted
from tests.conftest import MODEL, ROOT, TWIN

pytestmark = needed

COLUMNS = ROOT / "data" / "columns.toml"


def test_cluster_of_two_trains_as_one_machine_does(tmp_path: Path) -> None:
    """From files of typed columns, with levels, threshold and figures of a sample, comes a model that is
    no worse than the one that one machine has published, proved equal to its pipeline.
    """
    source, output = tmp_path / "leads", tmp_path / "models"
    source.mkdir()
    output.mkdir()
    table = read_csv(TWIN)
    for file in range(4):
        pq.write_table(table.slice(file * len(table) // 4, len(table) // 4), source / f"{file}.parquet")
    for published in (MODEL, MODEL.with_name(gate.EVALUATED)):
        shutil.copy(published, output)
    options = ("--columns", COLUMNS, "--output", output, "--sample", "4000", "--no-refit")
    command = (ROOT / "deploy" / "spark" / "train.py", source, *options)
    with submitted(tmp_path, CLUSTER, *command) as process:
        said = finished(process, tmp_path)
    card = Scorer(output / MODEL.name).card
    assert card.version != Scorer(MODEL).card.version
    assert card.data["sample_of"] == len(table)
    assert 3500 < card.data["leads"] < 4500
    assert card.parity["flipped_decisions"] == 0
    metrics = json.loads((output / "metrics.json").read_text())
    here, there = (metrics["models"][name]["newest"] for name in ("xgboost_on_sample", "xgboost"))
    assert here != there
    claim = "learned on a cluster. Of 9,240 leads, they learned from those older than the "
    assert claim in said
    assert claim in (output / "CARD.md").read_text()


SESSION = """
import json, sys
from pathlib import Path
import numpy as np
from pyspark.sql import SparkSession
from pyspark.sql.functions import array, col, lit, when
from leadscore.dictionary import Dictionary
from leadscore.tables.spark import BROKEN, read
from leadscore.training.cells import DataError
from leadscore.training.evaluation.figures import roc_auc
from leadscore.training.models import CANDIDATES, SERVED, probability
from leadscore.training.spark import Cluster

session = SparkSession.builder.getOrCreate()
twin, short, timed, untimed = sys.argv[1:]
leads = read(session, twin).drop(BROKEN).persist()
number = col("Lead Number").cast("int")
one = number == int(leads.first()["Lead Number"])

def cluster(leads, columns=timed, most=2000):
    return Cluster(leads, "leads", Dictionary.load(Path(columns)), "capture", most)

def tested(cluster, left_out=None):
    sample = cluster.sample.narrow(Dictionary.load(Path(timed)).known_at("capture"))
    (learned, outcomes), (features, target) = sample.oldest(), sample.newest()
    if left_out:
        out = left_out(sample.features)
        (learned, outcomes), (features, target) = sample.select(~out), sample.select(out)
    model = CANDIDATES[SERVED](sample.dictionary.features, seed=0)
    cluster.fit(model, learned, outcomes)
    return roc_auc(target, probability(model, features))

def of_many_visits(leads):
    return leads["total_visits"].to_numpy() == 1000

def refused(leads, use=cluster):
    try:
        use(leads)
    except DataError as error:
        return str(error)

boundary = int(np.quantile(leads.select(number).toPandas(), 0.8))
turned = leads.withColumns({
    "Converted": when(number > boundary, 1 - col("Converted").cast("int")).otherwise(col("Converted")),
    "TotalVisits": when(number > boundary, "1000").otherwise(col("TotalVisits")),
})
same = {name: lit("1") for name in leads.columns if name not in ("Prospect ID", "Converted")}
alike = leads.drop("Prospect ID").withColumns(same)
without_time = cluster(leads, untimed)
found = {
    "newest turned": tested(cluster(turned, most=10_000)),
    "untimed": tested(without_time),
    "turned left out": tested(cluster(turned, untimed, 10_000), left_out=of_many_visits),
    "drawn": [without_time.sample.sha256, cluster(leads.repartition(3, "City"), untimed).sample.sha256],
    "refused": [
        refused(leads.withColumn("TotalVisits", when(one, "many").otherwise(lit("1")))),
        refused(leads.union(leads.where(one))),
        refused(leads.withColumn("City", array("City"))),
        refused(read(session, short)),
        refused(leads.drop("Converted")),
        refused(alike, lambda leads: cluster(leads, untimed)),
        refused(leads.withColumn("Lead Number", lit("7")), lambda leads: tested(cluster(leads))),
    ],
}
print("found:", json.dumps(found))
session.stop()
"""


def test_nothing_is_learned_from_leads_to_test_on_or_from_bad_ones(tmp_path: Path) -> None:
    """Leads of which the opposite holds teach nothing if they are newer or left out; leads without a
    clock train, too; the sample does not depend on where leads lie; what cannot be trained on is
    refused, wherever it is.
    """
    (tmp_path / "program.py").write_text(SESSION)
    short, untimed = tmp_path / "short.csv", tmp_path / "untimed.toml"
    short.write_text("\n".join([*TWIN.read_text().splitlines()[:3], "too,short"]))
    untimed.write_text(COLUMNS.read_text().replace("\nclock = true", "").replace("\nkey = true", ""))
    command = (tmp_path / "program.py", TWIN, short, COLUMNS, untimed)
    with submitted(tmp_path, "local[2]", *command) as process:
        said = finished(process, tmp_path)
    match = re.search("^found: (.*)$", said, re.MULTILINE)
    assert match, said
    found = json.loads(match[1])
    assert found["newest turned"] < 0.3
    assert found["turned left out"] < 0.3
    assert found["untimed"] > 0.7
    first, second = found["drawn"]
    assert first == second
    for message, expected in zip(
        found["refused"],
        (
            "leads, column 'TotalVisits', row",
            "' stands ",
            "column 'City': got array<string>, expected text",
            "got the line 'too,short', expected as many cells as the header has",
            "missing columns ['Converted']",
            "many leads are equal in every cell, expected a column that tells them apart",
            "the clock is the same for too many",
        ),
        strict=True,
    ):
        assert expected in message
