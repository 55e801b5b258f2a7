"""`GET /metrics`: what the gateway counts about itself, for Prometheus.

No label names a tenant, unless the scrape carries credentials: then its own tenant's accounts
are shown by dataset too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from tollspan.collector.http_server import read_headers
from tollspan.collector.ledger import Account
from tollspan.errors import MissingTokenError
from tollspan.gateway.web.access import READ_TRACES, Reach, read_reach
from tollspan.gateway.web.parts import Parts, Telemetry, parts_of

Accounts = Mapping[tuple[str, ...], Account]
"""By the values of their labels."""

BY_SIGNAL = ("signal",)
BY_DATASET = ("tenant", "dataset", "signal")


class GatewayCollector:
    """The counters of the service, and how much is under way, as they are when it is asked."""

    def __init__(self, parts: Parts, reach: Reach | None) -> None:
        self._parts = parts
        self._reach = reach

    def collect(self) -> Iterator[Metric]:
        """All families of metrics."""
        yield from self._counters()
        yield from self._accounts()
        if self._parts.telemetry is not None:
            yield from _telemetry_gauges(self._parts.telemetry)

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

    def _accounts(self) -> Iterator[Metric]:
        ledger, reach = self._parts.counters.ledger, self._reach
        sums: Accounts = {(signal.value,): account for signal, account in ledger.totals().items()}
        yield from _families("tollspan", "of all tenants", BY_SIGNAL, sums)
        if reach is not None:
            own: Accounts = {
                (reach.tenant, dataset, signal.value): account
                for (dataset, signal), account in ledger.accounts(reach.tenant, reach.datasets).items()
            }
            yield from _families("tollspan_dataset", "of a dataset", BY_DATASET, own)


def _telemetry_gauges(telemetry: Telemetry) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "tollspan_store_disk_free_bytes",
        "What is free on the disk of the telemetry.",
        value=telemetry.store.disk_free_bytes(),
    )
    yield GaugeMetricFamily("tollspan_live_watchers", "Open live streams.", value=telemetry.hub.watchers)


def _families(prefix: str, whose: str, labels: tuple[str, ...], accounts: Accounts) -> Iterator[Metric]:
    items = CounterMetricFamily(
        f"{prefix}_items", f"What became of the items {whose}.", labels=[*labels, "fate", "reason"]
    )
    pending = GaugeMetricFamily(
        f"{prefix}_pending_items",
        f"Items {whose} that were received and have no outcome yet.",
        labels=labels,
    )
    copied = GaugeMetricFamily(
        f"{prefix}_copied_items",
        f"Items {whose} that were given to one more exporter than the first.",
        labels=labels,
    )
    requests = CounterMetricFamily(
        f"{prefix}_refused_requests",
        f"Requests {whose} that were refused with items that are not known.",
        labels=[*labels, "reason"],
    )
    for values, account in accounts.items():
        for fate in ("received", "stored", "sent"):
            items.add_metric([*values, fate, ""], getattr(account, fate))
        for fate in ("refused", "dropped"):
            for reason, amount in getattr(account, fate).items():
                items.add_metric([*values, fate, reason], amount)
        pending.add_metric(values, account.pending)
        copied.add_metric(values, account.copied)
        for reason, amount in account.refused_requests.items():
            requests.add_metric([*values, reason], amount)
    yield from (items, pending, copied, requests)


async def show_metrics(request: Request) -> Response:
    """Show the gateway's own metrics in Prometheus' format."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(GatewayCollector(parts_of(request), await _find_reach(request)))
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": media_type})


async def _find_reach(request: Request) -> Reach | None:
    try:
        principal = await parts_of(request).authenticator.authenticate(read_headers(request.scope))
    except MissingTokenError:
        return None
    principal.require(READ_TRACES)
    request.state.principal = principal
    return read_reach(request)
