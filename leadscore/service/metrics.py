"""Metrics for Prometheus: requests, leads, the model, and its drift.

With several workers prometheus-client keeps the numbers of all of them in the folder that the
environment names as PROMETHEUS_MULTIPROC_DIR, which must be set before this module is imported. A worker
that follows one that died, which WORKER_PLACE tells, counts on in the files of that one.
"""

import os
from collections.abc import Iterator, Set
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

import numpy as np
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import MultiProcessValue

from leadscore import __version__
from leadscore.card import Card
from leadscore.scoring.engine import Scored
from leadscore.service.drift import Window
from leadscore.service.middleware import logs

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
PLACE: Final = "WORKER_PLACE"
EXPOSITION: Final = CONTENT_TYPE_LATEST

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

if FOLDER in os.environ and (place := os.environ.get(PLACE)):
    values.ValueClass = MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
disable_created_metrics()  # type: ignore[no-untyped-call]
_registry = CollectorRegistry()
ProcessCollector(registry=_registry)
_requests = Counter("leadscore_requests", "Requests answered.", ["route", "status"], registry=_registry)
_seconds = Histogram(
    "leadscore_request_seconds", "Time to answer.", ["route"], buckets=SECONDS, registry=_registry
)
_errors = Counter("leadscore_errors", "Requests refused or failed.", ["status"], registry=_registry)
_leads = Counter("leadscore_leads", "Leads scored.", ["grade"], registry=_registry)
_expected = Counter(
    "leadscore_expected_conversions", "Sum of the probabilities given.", registry=_registry
)
_warnings = Counter("leadscore_warnings", "Values training has not met.", ["column"], registry=_registry)
_reloads = Counter("leadscore_reloads", "Model files read again.", ["outcome"], registry=_registry)


def folder() -> Path | None:
    """Where several workers keep their numbers, if there are several."""
    return Path(os.environ[FOLDER]) if FOLDER in os.environ else None


def forget(worker: int) -> None:
    """Remove the part of a dead worker that no other takes over: its window of drift."""
    for path in found.glob(f"*.{worker}") if (found := folder()) else ():
        path.unlink(missing_ok=True)


def note_request(record: logs.Record) -> None:
    """Count an answered request. What no route takes is one route: paths are without number."""
    requests, seconds = _of_route(record.route or "none", record.status)
    requests.inc()
    seconds.observe(record.seconds)
    if record.status >= HTTPStatus.BAD_REQUEST:
        _errors.labels(str(record.status)).inc()


def note_reload(outcome: str) -> None:
    """Count an attempt to read the model file again."""
    _reloads.labels(outcome).inc()


@cache
def _of_route(route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(route, str(status)), _seconds.labels(route)


class Served:
    """The leads one model scores: counted, and watched for drift."""

    def __init__(self, card: Card, window: int) -> None:
        self._card = card
        for column in card.dictionary.features:
            _warnings.labels(column.name)
        self._grades = {entry.grade: _leads.labels(entry.grade) for entry in card.grades}
        self.window = Window(card, window, folder())

    def add(self, scored: Scored, wrong: Set[int] = frozenset()) -> None:
        """Take in scored leads, but for those with an error."""
        inputs, probability, grades = scored.inputs, scored.probability, scored.grade
        if wrong:
            right = np.array([lead for lead in range(len(grades)) if lead not in wrong], np.intp)
            inputs = {name: values[right] for name, values in inputs.items()}
            probability, grades = probability[right], [grades[lead] for lead in right]
        if record := logs.current.get():
            record.rows += len(grades)
        for grade in set(grades):
            self._grades[grade].inc(grades.count(grade))
        _expected.inc(sum(probability.tolist()))
        for lead, cautions in scored.cautions.items():
            for column, _ in cautions:
                if column is not None and lead not in wrong:
                    _warnings.labels(column).inc()
        self.window.add(inputs, probability)

    def document(self) -> bytes:
        """The answer to GET /metrics."""
        derived = CollectorRegistry()
        derived.register(_Derived(self._card, self.window))
        drift = generate_latest(derived)  # first: it counts what waits to be counted
        counted = _registry
        if folder():
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + drift


class _Derived(Collector):
    """What is computed when it is asked for."""

    def __init__(self, card: Card, window: Window) -> None:
        self._card, self._window = card, window

    def collect(self) -> Iterator[Metric]:
        """The model, and the drift of the leads it has scored."""
        model = {"name": self._card.name, "version": self._card.version, "known": self._card.known}
        yield InfoMetricFamily("leadscore_model", "The model that answers.", model)
        yield InfoMetricFamily("leadscore_app", "The service itself.", {"version": __version__})
        yield GaugeMetricFamily(
            "leadscore_drift_leads", "Leads in the window.", value=self._window.leads()
        )
        psi = GaugeMetricFamily(
            "leadscore_drift_psi", "Population stability index against training.", labels=["column"]
        )
        for name, value in self._window.psi().items():
            psi.add_metric([name], value)
        yield psi
