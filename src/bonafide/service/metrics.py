"""What Prometheus is told: counts and times, nothing about anybody."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
SCORES = tuple(i / 20 for i in range(1, 21))

Metric = TypeVar("Metric", Counter, Histogram)
MOST_LABELLED = 4096
"""Labels are routes, statuses, codes, stages and decisions: a few dozen of all."""


@lru_cache(MOST_LABELLED)
def labelled(metric: Metric, *labels: str) -> Metric:
    """``metric.labels(*labels)``, looked up once: the library checks and locks every time."""
    return metric.labels(*labels)


class Metrics:
    """The service's own registry."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "bonafide_requests", "Answered requests.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "bonafide_request_seconds", "From head to answer.", ["route"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.refusals = Counter("bonafide_refusals", "By code.", ["code"], registry=registry)
        self.verdicts = Counter(
            "bonafide_verdicts", "Verdicts.", ["kind", "decision"], registry=registry
        )
        self.reasons = Counter(
            "bonafide_reasons", "Reasons given with verdicts.", ["code"], registry=registry
        )
        self.scores = Histogram(
            "bonafide_score", "Scores, to watch for drift.", ["kind"],
            buckets=SCORES, registry=registry,
        )  # fmt: skip
        self.stages = Histogram(
            "bonafide_stage_seconds", "Time in a worker.", ["stage"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.lost = Counter(
            "bonafide_workers_lost", "Workers lost and replaced.", ["cause"], registry=registry
        )
        self.ready = Gauge("bonafide_workers_ready", "Workers alive.", registry=registry)
        self.inside = Gauge(
            "bonafide_requests_inside", "Requests uploading, waiting or judged.", registry=registry
        )

    def page(self) -> bytes:
        """The text that GET /metrics gives."""
        return generate_latest(self._registry)
