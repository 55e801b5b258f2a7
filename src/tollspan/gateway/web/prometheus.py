"""`GET /metrics`: what the gateway counts about itself, for Prometheus. No label names a tenant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from tollspan.gateway.web.parts import Parts, parts_of


class GatewayCollector:
    """The counters of the service, and how much is under way, as they are when it is asked."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """All families of metrics."""
        yield from self._counters()
        yield GaugeMetricFamily(
            "tollspan_store_pending_items",
            "Items that were received and have no outcome yet.",
            value=self._parts.store.ledger.pending(),
        )
        yield GaugeMetricFamily(
            "tollspan_store_disk_free_bytes",
            "What is free on the disk of the telemetry.",
            value=self._parts.store.disk_free_bytes(),
        )
        yield GaugeMetricFamily(
            "tollspan_live_watchers", "Open live streams.", value=self._parts.hub.watchers
        )

    def _counters(self) -> Iterator[Metric]:
        samples = defaultdict(list)
        for (name, labels), amount in self._parts.counters.snapshot().items():
            samples[name].append((dict(labels), amount))
        for name, found in sorted(samples.items()):
            names = sorted({label for own, _ in found for label in own})
            family = CounterMetricFamily(name, "As the OpenTelemetry Collector counts it.", labels=names)
            for own, amount in found:
                family.add_metric([own.get(label, "") for label in names], amount)
            yield family


async def show_metrics(request: Request) -> Response:
    """Show the gateway's own metrics in Prometheus' format."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(GatewayCollector(parts_of(request)))
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": media_type})
