"""What a dock does, in numbers for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from learnware.server.api import PREFIX
from learnware.server.dock import Dock

#: The content type of the text that `Metrics.text` returns.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0, 30.0)


class Metrics:
    """Counts requests, and tells what is in a dock when it is asked.

    Parameters
    ----------
    dock : Dock
    """

    def __init__(self, dock: Dock) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("learnware_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "learnware_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._registry.register(_Holdings(dock))

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all numbers in the format that Prometheus reads."""
        return generate_latest(self._registry)


class _Holdings(Collector):
    def __init__(self, dock: Dock) -> None:
        self._dock = dock

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("learnware_learnwares", "Learnwares in the market.", value=len(self._dock.store))
        states = GaugeMetricFamily("learnware_submissions", "Submissions by state.", labels=["state"])
        for state, n in self._dock.queue.counts().items():
            states.add_metric([state], n)
        yield states


class Measured:
    """An ASGI app whose requests are counted.

    Parameters
    ----------
    app : ASGI app
    metrics : Metrics
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            # The route's own path, since addresses are without number; unknown paths count together.
            route = _path_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            self._metrics.note(method, route, status, time.perf_counter() - start)


def _path_of(scope: Scope) -> str:
    path: str = getattr(scope.get("route"), "path", "(none)")
    # A route that was included under a prefix may know only what comes after it.
    within = scope["path"].startswith(PREFIX) and not path.startswith((PREFIX, "("))
    return PREFIX + path if within else path


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
