"""Spark: the same answers from a real cluster, none lost and none doubled when a part of it dies."""

import csv
import io
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.csv import read_csv

from leadscore.dictionary import Dictionary
from tests.cluster import CLUSTER, below, finished, needed, send, submitted
from tests.conftest import MODEL, PYTHON, ROOT, TWIN, Server

pytestmark = needed

FILES = 16  # each is a task of the cluster


def _scored_by_predict(content: bytes, *options: str) -> list[dict[str, str]]:
    command = [PYTHON, "predict.py", "score", "-", *options]
    done = subprocess.run(command, cwd=ROOT, input=content, capture_output=True, check=True)
    return list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))


def _text(value: Any) -> str:
    """A typed value as predict.py writes it into a CSV."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6f}"
    return "" if value is None else str(value)


def test_csv_is_scored_as_predict_scores_it(tmp_path: Path) -> None:
    """Every cell is that of `predict.py score`, also of a column of another name; a line that is no row
    has an error and nothing else.
    """
    header, rest = TWIN.read_bytes().split(b"\n", 1)
    header = header.replace(b"Total Time Spent on Website", b"Seconds here")
    options = ("--map", "Seconds here=total_time_spent_on_website")
    names = header.decode().split(",")
    wrong = dict.fromkeys(names, "") | {"TotalVisits": "many", "City": "Atlantis"}
    short = b"too,short"
    content = b"\n".join([header, ",".join(wrong.values()).encode(), short, rest])
    (tmp_path / "leads.csv").write_bytes(content)
    target = tmp_path / "scored"
    command = (ROOT / "deploy" / "spark" / "score.py", tmp_path / "leads.csv", target, *options)
    with submitted(tmp_path, "local[2]", "--files", MODEL, *command) as process:
        said = finished(process, tmp_path)
    expected = _scored_by_predict(content, *options)
    rows = pq.read_table(target).to_pylist()
    assert [list(row) for row in rows[:1]] == [list(row) for row in expected[:1]]
    found = [{name: _text(value) for name, value in row.items()} for row in rows]
    (broken,) = (row for row in found if row[names[0]] == "too")
    (theirs,) = (row for row in expected if row[names[0]] == "too")
    assert "not as many cells" in broken.pop("error")
    assert theirs.pop("error")
    assert broken == theirs
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert "Columns: 11 of the 11 the model reads." in said
    assert "Read under another name: Seconds here is Total Time Spent on Website." in said
    assert "Known to the model and left out on purpose" in said
    assert "Scored 9,240 leads" in said
    assert "2 could not be scored" in said


@pytest.fixture(scope="module")
def twin() -> pa.Table:
    """The shipped leads, and one with a wrong value."""
    table = read_csv(TWIN)
    place = table.column_names.index("TotalVisits")
    visits = pa.array([*table["TotalVisits"].to_pylist()[:-1], -1], table["TotalVisits"].type)
    return table.set_column(place, "TotalVisits", visits)


def test_killed_executor_loses_and_doubles_nothing(
    twin: pa.Table, tmp_path: Path, client: Server, capture: Dictionary
) -> None:
    """Python workers, then an executor die midway: each row is there once, scored as by the service."""
    source, target = tmp_path / "leads", tmp_path / "scored"
    source.mkdir()
    for file in range(FILES):
        rows = pa.array(range(file * len(twin), (file + 1) * len(twin)))
        pq.write_table(twin.append_column("row", rows), source / f"{file}.parquet")
    command = (ROOT / "deploy" / "spark" / "score.py", source, target, "--model", MODEL)
    one_task_a_file = ("--conf", f"spark.sql.files.minPartitionNum={FILES}")
    with submitted(tmp_path, CLUSTER, *one_task_a_file, *command) as process:
        _wait_for_tasks(2, target, process)
        workers = [
            p for p, line in below(process.pid).items() if "pyspark.daemon" in line and not below(p)
        ]
        for pid in workers:
            send(pid, signal.SIGSTOP)
        time.sleep(2)  # whichever was between two tasks holds its next one now
        for pid in workers:
            send(pid, signal.SIGKILL)
        _wait_for_tasks(5, target, process)
        executors = [p for p, line in below(process.pid).items() if "ExecutorBackend" in line]
        assert len(executors) == 2
        send(executors[0], signal.SIGKILL)
        said = finished(process, tmp_path)
    events = [json.loads(line) for line in next(tmp_path.glob("app-*")).read_text().splitlines()]
    lost = _index(events, "SparkListenerExecutorRemoved")
    outcomes = [e["Task End Reason"]["Reason"] for e in events if e["Event"] == "SparkListenerTaskEnd"]
    assert "ExceptionFailure" in outcomes  # of the workers that were killed
    assert "SparkListenerTaskStart" in [event["Event"] for event in events[lost:]]
    scored = pq.read_table(target).sort_by("row")
    assert scored["row"].to_pylist() == list(range(FILES * len(twin)))
    assert scored.select([*twin.column_names]).equals(pa.concat_tables([twin] * FILES))
    expected = _answers(twin, client, capture)
    found = scored["probability"].to_pylist()
    for start in range(0, len(found), len(twin)):
        assert found[start : start + len(twin) - 1] == pytest.approx(expected, abs=1e-6)
        assert found[start + len(twin) - 1] is None
    errors = [text for text in scored["error"].to_pylist() if text]
    assert errors == ["TotalVisits: got -1, expected a number of at least 0 or null"] * FILES
    assert f"Scored {FILES * (len(twin) - 1):,} leads" in said
    assert f"{FILES} could not be scored" in said


def _wait_for_tasks(count: int, target: Path, process: subprocess.Popen[str]) -> None:
    """Wait until so many tasks have handed in their part, while others are at work."""
    deadline = time.monotonic() + 240
    while len(list(target.glob("_temporary/0/task_*"))) < count:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _index(events: list[dict[str, Any]], kind: str) -> int:
    return next(index for index, event in enumerate(events) if event["Event"] == kind)


def _answers(leads: pa.Table, client: Server, capture: Dictionary) -> list[float]:
    """What the service answers to these leads, but for the last."""
    features = [column.source for column in capture.features]
    rows = leads.select(features).slice(0, len(leads) - 1).to_pylist()
    answer = client.post("/predict/batch", json={"leads": rows}).raise_for_status().json()
    return [prediction["probability"] for prediction in answer["predictions"]]


SESSION = """
import json, os, sys
from pathlib import Path
import pyarrow as pa
from pyspark.sql import SparkSession
from leadscore.scorer import ModelError
from leadscore.tables import spark
from leadscore.tables.mapping import TableError

session = SparkSession.builder.getOrCreate()
model = Path(sys.argv[1])
leads = session.range(200).selectExpr("id", "'Pune' AS City", "DECIMAL(id) AS TotalVisits")
leads = leads.repartition(8)
leads = leads.withColumnRenamed("TotalVisits", "Hits")
options = {"mapping": {"Hits": "total_visits"}, "partial": True}
scored = spark.score(spark.score(leads, model, **options), model, reasons=0, **options)
count = scored.where("probability = probability_2 AND probability BETWEEN 0 AND 1").count()

def refused(leads, model, reasons, **options):
    try:
        spark.score(leads, model, reasons, **{"partial": True, **options})
    except (ModelError, TableError) as error:
        return str(error)

def workers(batches):
    for _ in batches:
        info = spark.loaded.cache_info()
        yield pa.record_batch({"pid": [os.getpid()], "misses": [info.misses], "hits": [info.hits]})

rows = leads.mapInArrow(workers, "pid long, misses long, hits long").collect()

found = {
    "count": count,
    "columns": scored.columns,
    "types": [kind for _, kind in scored.dtypes],
    "workers": [(row.pid, row.misses, row.hits) for row in rows],
    "refused": [
        refused(leads.select("id"), model, 3),
        refused(leads.selectExpr("array(City) AS City"), model, 3),
        refused(leads, model, 12),
        refused(leads, Path("no_such.onnx"), 3),
        refused(leads, model, 3, partial=False),
        refused(leads, model, 3, mapping={"Hits": "no such"}),
    ],
}
print("found:", json.dumps(found))
session.stop()
"""


def test_function_scores_a_table_of_a_session(tmp_path: Path) -> None:
    """A Python worker loads the model once for all tasks; what cannot be scored is refused before."""
    program = tmp_path / "program.py"
    program.write_text(SESSION)
    with submitted(tmp_path, "local[2]", program, MODEL) as process:
        said = finished(process, tmp_path)
    match = re.search("^found: (.*)$", said, re.MULTILINE)
    assert match, said
    found = json.loads(match[1])
    assert found["count"] == 200
    assert {misses for _, misses, _ in found["workers"]} == {1}
    assert max(hits for _, _, hits in found["workers"]) > 1
    added = ["probability", "score", "grade", "converts", "action", "reason_1", "reason_2", "reason_3"]
    added += ["warnings", "error", "model_version"]
    again = ["probability_2", "score_2", "grade_2", "converts_2", "action_2", "warnings_2", "error_2"]
    again += ["model_version_2"]
    assert found["columns"] == ["id", "City", "Hits", *added, *again]
    assert found["types"][3:7] == ["double", "bigint", "string", "boolean"]
    for message, expected in zip(
        found["refused"],
        (
            *("no column the model reads", "city holds lists", "got 12 reasons", "cannot be read"),
            *("the file lacks columns worth", "'Hits' cannot be 'no such'"),
        ),
        strict=True,
    ):
        assert expected in message
