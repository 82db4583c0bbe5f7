"""Metrics: what a scrape tells is what was asked."""

import os
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscore import __version__
from leadscore.scorer import Scorer
from tests.conftest import ROOT, Serve, Server

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _samples(server: Server) -> Samples:
    answer = server.anew.get("/metrics").raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def _sum(samples: Samples, name: str) -> float:
    return sum(value for (found, _), value in samples.items() if found == name)


@pytest.mark.parametrize("workers", ["2", pytest.param("1", marks=pytest.mark.slow)])
def test_scrape_tells_what_was_asked(serve: Serve, scorer: Scorer, workers: str) -> None:
    """Requests, time, leads by grade, errors, warnings, the model and drift, over all workers."""
    answers: list[dict[str, Any]] = []
    with serve(LEADSCORE_WORKERS=workers) as server:

        def post(path: str, json: object) -> httpx2.Response:
            return server.anew.post(path, json=json)

        answers.extend(post("/predict", {"total_visits": visits}).json() for visits in range(20))
        batch = post("/predict/batch", {"leads": [{"city": "Atlantis"}] * 600})
        answers.extend(batch.json()["predictions"])
        post("/predict", {"total_visits": -1})
        post("/no/such/route", {})
        samples = _samples(server)

    def value(sample: str, **labels: str) -> float:
        return samples[sample, frozenset(labels.items())]

    assert value("leadscore_requests_total", route="/predict", status="200") == 20
    assert value("leadscore_requests_total", route="none", status="404") == 1
    assert value("leadscore_request_seconds_count", route="/predict") == 21
    assert value("leadscore_errors_total", status="422") == 1
    for entry in scorer.card.grades:
        given = sum(answer["grade"] == entry.grade for answer in answers)
        assert samples.get(("leadscore_leads_total", frozenset({("grade", entry.grade)})), 0) == given
    expected = sum(float(answer["probability"]) for answer in answers)
    assert value("leadscore_expected_conversions_total") == pytest.approx(expected)
    assert value("leadscore_warnings_total", column="city") == 600
    assert value("leadscore_drift_psi", column="city") > 0.25
    assert value("leadscore_drift_leads") >= 600
    model = {"name": "lead_conversion", "version": scorer.card.version, "known": scorer.card.known}
    assert value("leadscore_model_info", **model) == 1
    assert value("leadscore_app_info", version=__version__) == 1


def test_what_is_refused_is_no_lead(serve: Serve) -> None:
    """Rows with an error and requests without an answer count neither as leads nor as drift."""
    rows = "TotalVisits,City\n5,Atlantis\n5\n5,Atlantis,x\nmany,Atlantis\n1,Mumbai\n"
    tensor = {"name": "total_visits", "shape": [1], "datatype": "FP32", "data": [5]}
    asked = {"inputs": [tensor], "outputs": [{"name": "grade"}]}
    with serve() as server:
        csv = {"content-type": "text/csv"}
        server.post("/predict/csv?partial=1", content=rows, headers=csv).raise_for_status()
        assert server.post("/v2/models/lead_conversion/infer", json=asked).status_code == 422
        leads = {"leads": [{"city": "Atlantis"}, {"city": 5}]}
        assert server.post("/predict/batch", json=leads).status_code == 422
        samples = _samples(server)
    assert _sum(samples, "leadscore_leads_total") == 2
    assert _sum(samples, "leadscore_drift_leads") == 2
    assert 0 < _sum(samples, "leadscore_expected_conversions_total") < 2
    assert _sum(samples, "leadscore_warnings_total") == 1


def test_dashboard_shows_metrics_that_exist(client: Server) -> None:
    """Every metric of the Grafana dashboard, with every label it asks for, is one the service gives."""
    client.post("/predict/batch", json={"leads": [{"city": "Atlantis"}] * 600})
    client.get("/nowhere")
    samples = _samples(client)
    text = (ROOT / "deploy" / "grafana-dashboard.json").read_text()
    names = set(re.findall(r"leadscore_[a-z_]+", text))
    assert len(names) > 8
    assert names <= {name for name, _ in samples} | {"leadscore_reloads_total"}
    for label, name in re.findall(r"by \((\w+)\) \((?:rate|increase)?\(?(leadscore_[a-z_]+)", text):
        if name != "leadscore_reloads_total" and label != "instance":
            assert any(found == name and label in dict(labels) for found, labels in samples), name


def test_preloaded_workers_count_drift_once(serve: Serve, tmp_path: Path) -> None:
    """gunicorn --preload makes the app before it forks: each worker still counts for itself."""
    if "SERVE_PYTHON" in os.environ:
        pytest.skip("gunicorn is optional and not in requirements-serve.txt")
    command = ("-m", "gunicorn", "--preload", "-w", "2", "-k", "uvicorn_worker.UvicornWorker")
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with serve(*command, "-b", "127.0.0.1:0", "predict:app", **shared) as server:
        for _ in range(6):
            server.anew.post("/predict/batch", json=[{}] * 300).raise_for_status()
        assert _samples(server)["leadscore_drift_leads", frozenset()] == 1800
