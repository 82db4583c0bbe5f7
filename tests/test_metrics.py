"""Metrics: what a scrape tells is what was asked."""

import re

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscore.scorer import Scorer
from tests.conftest import ROOT, Serve, Server


def _samples(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = httpx2.get(f"{server.base_url}/metrics", timeout=30).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_scrape_tells_what_was_asked(serve: Serve, scorer: Scorer, workers: str) -> None:
    """Requests, time, leads, errors, scores, warnings, the model and drift, over all workers."""
    with serve(LEADSCORE_WORKERS=workers) as server:

        def post(path: str, json: object) -> httpx2.Response:
            return httpx2.post(f"{server.base_url}/{path}", json=json, timeout=30)

        for _ in range(20):
            post("predict", {"total_visits": 5})
        post("predict/batch", {"leads": [{"city": "Atlantis"}] * 600})
        post("predict", {"total_visits": -1})
        post("no/such/route", {})
        samples = _samples(server)

    def value(sample: str, **labels: str) -> float:
        return samples[sample, frozenset(labels.items())]

    assert value("leadscore_requests_total", route="/predict", status="200") == 20
    assert value("leadscore_requests_total", route="none", status="404") == 1
    assert value("leadscore_request_seconds_count", route="/predict") == 21
    assert value("leadscore_errors_total", status="422") == 1
    assert value("leadscore_leads_total") == 620
    assert value("leadscore_score_count") == 620
    assert value("leadscore_warnings_total", column="city") == 600
    assert value("leadscore_drift_psi", column="city") > 0.25
    assert value("leadscore_drift_leads") >= 600
    model = {"name": "lead_conversion", "version": scorer.card.version, "known": scorer.card.known}
    assert value("leadscore_model_info", **model) == 1


def test_what_is_refused_is_no_lead(serve: Serve) -> None:
    """Rows with an error and a request without an answer count neither as leads nor as drift."""
    rows = "TotalVisits,City\n5,Mumbai\n5\n5,Mumbai,x\nmany,Pune\n1,Pune\n"
    tensor = {"name": "total_visits", "shape": [1], "datatype": "FP32", "data": [5]}
    asked = {"inputs": [tensor], "outputs": [{"name": "grade"}]}
    with serve() as server:
        server.post(
            "/predict/csv", content=rows, headers={"content-type": "text/csv"}
        ).raise_for_status()
        assert server.post("/v2/models/lead_conversion/infer", json=asked).status_code == 422
        samples = _samples(server)
    for name in ("leadscore_leads_total", "leadscore_score_count", "leadscore_drift_leads"):
        assert samples[name, frozenset()] == 2


def test_dashboard_shows_metrics_that_exist(client: Server) -> None:
    """Every metric of the Grafana dashboard is one the service gives."""
    client.post("/predict/batch", json={"leads": [{"city": "Atlantis"}] * 600})
    client.get("/nowhere")
    known = {name for name, _ in _samples(client)}
    text = (ROOT / "deploy" / "grafana-dashboard.json").read_text()
    names = set(re.findall(r"leadscore_[a-z_]+", text))
    assert len(names) > 8
    assert names <= known | {"leadscore_reloads_total"}
