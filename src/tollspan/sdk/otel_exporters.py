"""Exporters for whoever builds the providers: OTEL_TRACES_EXPORTER=tollspan, and so for metrics and logs.

Each takes what it is given into the queue of ours and reports success: what becomes of it
later is counted there, and nothing is lost by an outage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tollspan.otlp.signals import Signal
from tollspan.sdk.delivery import Delivery, ItemType
from tollspan.sdk.destinations import DESTINATIONS
from tollspan.sdk.exporter import Exporter
from tollspan.sdk.from_environment import events, read_environment, token_source
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.logs import LOGS
from tollspan.sdk.metrics import DELTAS, METRICS
from tollspan.sdk.scrubbing import Scrubber
from tollspan.sdk.senders import new_sender
from tollspan.sdk.settings import Settings
from tollspan.sdk.spans import SPANS
from tollspan.sdk.unit_names import naming_units


class _Queued:
    """Queue and thread of one exporter, as `init` makes them; without a destination items go nowhere."""

    def __init__(self, item_type: ItemType[Any], settings: Settings) -> None:
        self._timeout_s = settings.shutdown_timeout_s
        self._exporter: Exporter[Any] | None = None
        if settings.url is not None:
            sender = new_sender(item_type.signal, settings, HTTPTransport(settings), token_source())
            scrubber = Scrubber()
            scrubber.use(settings.scrub, settings.scrub_names)
            sent = scrubber.before(naming_units(item_type, DESTINATIONS[settings.destination]))
            self._exporter = Exporter(Delivery(sent, sender, settings, events), events)

    def take(self, items: Sequence[Any]) -> bool:
        if self._exporter is not None:
            for item in items:
                self._exporter.put(item)
        return self._exporter is not None

    def flush(self, timeout_millis: float) -> bool:
        return self._exporter is None or self._exporter.flush(timeout_millis / 1000).ok

    def end(self) -> None:
        if self._exporter is not None:
            self._exporter.shutdown(self._timeout_s)


class TollspanSpanExporter(SpanExporter):
    """Delivers ended spans."""

    def __init__(self) -> None:
        self._queued = _Queued(SPANS, read_environment(Signal.TRACES))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """The spans wait for delivery."""
        return SpanExportResult.SUCCESS if self._queued.take(spans) else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Whether everything that waited was delivered in time."""
        return self._queued.flush(timeout_millis)

    def shutdown(self) -> None:
        """Everything is delivered or dropped."""
        self._queued.end()


class TollspanMetricExporter(MetricExporter):
    """Delivers collected metrics, with the temporality of the settings."""

    def __init__(self) -> None:
        settings = read_environment(Signal.METRICS)
        super().__init__(dict.fromkeys(DELTAS[settings.metric_temporality], AggregationTemporality.DELTA))
        self._queued = _Queued(METRICS, settings)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10000, **_: Any
    ) -> MetricExportResult:
        """The data points wait for delivery."""
        taken = self._queued.take([metrics_data])
        return MetricExportResult.SUCCESS if taken else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10000) -> bool:
        """Whether everything that waited was delivered in time."""
        return self._queued.flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30000, **_: Any) -> None:
        """Everything is delivered or dropped."""
        self._queued.end()


class TollspanLogExporter(LogRecordExporter):
    """Delivers log records."""

    def __init__(self) -> None:
        self._queued = _Queued(LOGS, read_environment(Signal.LOGS))

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """The log records wait for delivery."""
        return LogRecordExportResult.SUCCESS if self._queued.take(batch) else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Whether everything that waited was delivered in time."""
        return self._queued.flush(timeout_millis)

    def shutdown(self) -> None:
        """Everything is delivered or dropped."""
        self._queued.end()
