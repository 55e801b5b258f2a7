"""The three signals of this process side by side: recorded, delivered, flushed and ended together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource

from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.signals import Signal
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.console import Console
from tollspan.sdk.delivery import Delivery, ItemType
from tollspan.sdk.destinations import DESTINATIONS
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter, FlushResult
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.logs import LOGS, LogPipeline
from tollspan.sdk.logs_provider import LogsProvider
from tollspan.sdk.metrics import METRICS, MetricPipeline
from tollspan.sdk.metrics_provider import MetricsProvider
from tollspan.sdk.resource import build_resource, renew_resource
from tollspan.sdk.sampling import choose_sampler
from tollspan.sdk.scrubbing import Scrubber
from tollspan.sdk.senders import new_sender
from tollspan.sdk.settings import Settings
from tollspan.sdk.spans import SPANS, SpanPipeline
from tollspan.sdk.spool import Spool
from tollspan.sdk.status import SignalStatus
from tollspan.sdk.tracing import Tracing
from tollspan.sdk.unit_names import naming_units

ITEM_TYPES: Mapping[Signal, ItemType[Any]] = {
    Signal.TRACES: SPANS,
    Signal.METRICS: METRICS,
    Signal.LOGS: LOGS,
}


class Pipelines:
    """What records each signal and what delivers it; one deadline is for all of them."""

    def __init__(self, attribution: Attribution, events: Events) -> None:
        self.spans = SpanPipeline(attribution, events)
        self.logs = LogPipeline(attribution, events)
        self.metrics: MetricPipeline | None = None
        self._attribution = attribution
        self._events = events
        self._scrubber = Scrubber()
        self._console = Console()
        self._tracing = Tracing(self.spans, events)
        self._logs_provider = LogsProvider(self.logs, events)
        self._metrics_provider = MetricsProvider(events)
        self._exporters: dict[Signal, Exporter[Any]] = {}
        self._settings: Settings | None = None
        self._resource = Resource.get_empty()

    def attach(self, settings: Settings) -> None:
        """The signals that are on are recorded, as `settings` say."""
        self._settings = settings
        self._attach(settings, build_resource(settings))

    def after_fork(self) -> None:
        """This process records as its parent did, from nothing; its exporters do the same by themselves."""
        if self.metrics is not None:
            self.metrics.after_fork()
        if self._settings is not None:
            self._attach(self._settings, renew_resource(self._resource, self._settings))

    def connect(self, signal: Signal, settings: Settings, token_source: TokenSource | None) -> None:
        """What waits and what comes of `signal` goes where `settings` say."""
        sender = new_sender(signal, settings, HTTPTransport(settings), token_source)
        if signal is Signal.METRICS:
            settings = replace(settings, batch_items_max=1)  # What is collected at once is sent at once.
        pipeline = self._pipeline(signal)
        assert pipeline is not None, "attached before"
        pipeline.shutdown_timeout_s = settings.shutdown_timeout_s
        if pipeline is self.metrics:
            self.metrics.start()
        if signal in self._exporters and not self._exporters[signal].closed:
            self._exporters[signal].redirect(sender, settings)
            pipeline.exporter = self._exporters[signal]
            return
        folder = settings.spool
        spool = None if folder is None else Spool(Path(folder), signal, settings.spool_bytes_max)
        item_type = naming_units(ITEM_TYPES[signal], DESTINATIONS[settings.destination])
        item_type = self._scrubber.before(item_type)
        delivery = Delivery(item_type, sender, settings, self._events, spool=spool)
        pipeline.exporter = self._exporters[signal] = Exporter(delivery, self._events)
        if spool is not None:
            self._exporters[signal].start()  # What an earlier process has left waits for no new item.

    def flush(self, timeout_s: float) -> FlushResult:
        """All that waits is delivered, as far as `timeout_s` allows."""
        deadline_s = time.monotonic() + timeout_s
        before = [(exporter, exporter.tally()) for exporter in self._exporters.values()]
        if self.metrics is not None:
            self.metrics.collect_now(timeout_s)
        begun = [(exporter, tally, exporter.hurry()) for exporter, tally in before]
        return _total(
            exporter.await_settled(tally, target, _left_s(deadline_s)) for exporter, tally, target in begun
        )

    def shutdown(self, timeout_s: float) -> FlushResult:
        """All that waits is delivered, or dropped after `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        before = [(exporter, exporter.tally()) for exporter in self._exporters.values()]
        metrics = self._exporters.get(Signal.METRICS)
        for exporter, _ in before:
            if exporter is not metrics:
                exporter.finish(timeout_s)
        if self.metrics is not None and metrics is not None:
            self.metrics.collect_now(timeout_s)
            self.metrics.stop()
            metrics.finish(_left_s(deadline_s))
        return _total(exporter.end(tally, _left_s(deadline_s)) for exporter, tally in before)

    def status(self) -> dict[str, SignalStatus]:
        """The state of each signal that goes somewhere, or did."""
        return {signal.value: _status(exporter) for signal, exporter in self._exporters.items()}

    def _attach(self, settings: Settings, resource: Resource) -> None:
        self._resource = resource
        self._scrubber.use(settings.scrub, settings.scrub_names)
        if Signal.TRACES.value in settings.signals:
            self._tracing.attach(resource, choose_sampler(settings))
            self._console.show(settings.console)
        if Signal.LOGS.value in settings.signals:
            self._logs_provider.attach(resource)
        if Signal.METRICS.value in settings.signals:
            self.metrics = self.metrics or MetricPipeline(
                settings.metric_temporality, settings.metric_histograms, self._attribution, self._events
            )
            self.metrics.interval_s = settings.metric_interval_s
            self._metrics_provider.attach(resource, self.metrics)
            self.metrics.measure_units(settings.metric_units)
        for signal in Signal:
            pipeline = self._pipeline(signal)
            if signal.value not in settings.signals and pipeline is not None:
                pipeline.exporter = None  # It was on before; what waits is still delivered.

    def _pipeline(self, signal: Signal) -> SpanPipeline | LogPipeline | MetricPipeline | None:
        return {Signal.TRACES: self.spans, Signal.METRICS: self.metrics, Signal.LOGS: self.logs}[signal]


def _status(exporter: Exporter[Any]) -> SignalStatus:
    tally = exporter.tally()
    return SignalStatus(
        exporting=not exporter.closed,
        queued=tally.pending,
        queued_bytes=tally.pending_bytes,
        sent=tally.sent,
        rejected=tally.rejected,
        dropped=tally.dropped,
        spooled=tally.spooled,
        recovered=tally.recovered,
    )


def _left_s(deadline_s: float) -> float:
    return max(0.0, deadline_s - time.monotonic())


def _total(results: Iterable[FlushResult]) -> FlushResult:
    parts = list(results)
    return FlushResult(
        all(part.ok for part in parts),
        sum(part.sent for part in parts),
        sum(part.dropped for part in parts),
        sum(part.pending for part in parts),
    )
