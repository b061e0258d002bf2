"""Counts for Prometheus: requests by route and status, and how long they took. No path, address or name of anybody."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CONTENT_TYPE_LATEST", "Metrics", "MetricsMiddleware"]

BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 1, 3, 10)


class Metrics:
    """The counts of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "brapped_requests", "Requests by route and status.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "brapped_first_byte_seconds",
            "Until an answer begins.",
            ("route",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def as_text(self) -> bytes:
        """In Prometheus's text format, CONTENT_TYPE_LATEST."""
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Counts each request under the pattern of its route; what has none counts as `none`."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started_s = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                self.metrics.requests.labels(scope["method"][:10], route, message["status"]).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - started_s)
            await send(message)

        return await self.app(scope, receive, counted)
