"""Keeps what a stretch of a program records, for tests: spans, log records and measurements.

Processors and readers are added to the global providers once and stay, as OpenTelemetry
has no way to take them out; between recordings they keep nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import _logs as logs_api
from opentelemetry import metrics as metrics_api
from opentelemetry import trace as trace_api
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    MeterProvider,
    ObservableCounter,
    ObservableUpDownCounter,
    UpDownCounter,
    _Gauge,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, Sum
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from tollspan.sdk.events import Events
from tollspan.sdk.log_handler import LogHandler
from tollspan.sdk.unit import current_unit

DELTA: dict[type, AggregationTemporality] = dict.fromkeys(
    (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, _Gauge),
    AggregationTemporality.DELTA,
)
"""A recording has what was measured during it; a gauge would tell its last value for ever."""

Key = tuple[str, frozenset[tuple[str, Any]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured under one name and set of attributes.

    `value` is a counter's increase, a gauge's last value, or a histogram's sum; `count` is a
    histogram's number of measurements.
    """

    name: str
    unit: str
    attributes: Mapping[str, Any]
    value: float
    count: int | None = None


@dataclass(slots=True, eq=False)
class Recording:
    """What was recorded so far."""

    reader: InMemoryMetricReader | None
    spans: list[ReadableSpan] = field(default_factory=list)
    logs: list[ReadableLogRecord] = field(default_factory=list)
    _measured: dict[Key, Measured] = field(default_factory=dict)

    def measured(self) -> list[Measured]:
        """One entry for each name and set of attributes."""
        if self.reader is None:
            raise RuntimeError("what is measured by an earlier meter provider needs opentelemetry-sdk 1.43")
        data = self.reader.get_metrics_data()
        for resource in [] if data is None else data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        self._add(metric, point)
        return list(self._measured.values())

    def _add(self, metric: Any, point: Any) -> None:
        attributes = dict(point.attributes or {})
        key = (metric.name, frozenset(attributes.items()))
        before = self._measured.get(key)
        value, count = (before.value, before.count or 0) if before is not None else (0, 0)
        if not hasattr(point, "value"):
            entry = Measured(metric.name, metric.unit, attributes, value + point.sum, count + point.count)
        elif isinstance(metric.data, Sum):
            entry = Measured(metric.name, metric.unit, attributes, value + point.value)
        else:
            entry = Measured(metric.name, metric.unit, attributes, point.value)
        self._measured[key] = entry


@contextmanager
def record() -> Iterator[Recording]:
    """What is recorded from here to the end of the block is in the recording."""
    _keep_spans()
    _keep_logs()
    reader = _metric_reader()
    if reader is not None:
        reader.get_metrics_data()
    recording = Recording(reader)
    _recordings.append(recording)
    try:
        with _log_handler():
            yield recording
    finally:
        _recordings.remove(recording)


@contextmanager
def _log_handler() -> Iterator[None]:
    """Records of `logging` are recorded too, also where the program has not called `init`."""
    handler = LogHandler(Events())
    if not any(isinstance(other, LogHandler) for other in logging.root.handlers):
        logging.root.addHandler(handler)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)


_recordings: list[Recording] = []
_watched: WeakKeyDictionary[Any, object] = WeakKeyDictionary()


class _Spans(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if (unit := current_unit()) is not None:
            given = span.attributes or {}
            span.set_attributes({key: value for key, value in unit.attributes.items() if key not in given})

    def on_end(self, span: ReadableSpan) -> None:
        for recording in _recordings:
            recording.spans.append(span)


class _Logs(LogRecordProcessor):
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for recording in _recordings:
            recording.logs.append(
                ReadableLogRecord(
                    log_record.log_record,
                    log_record.resource or Resource.get_empty(),
                    log_record.instrumentation_scope,
                )
            )

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def _keep_spans() -> None:
    provider = trace_api.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(shutdown_on_exit=False)
        trace_api.set_tracer_provider(provider)
    if provider not in _watched:
        _watched[provider] = True
        provider.add_span_processor(_Spans())


def _keep_logs() -> None:
    provider = logs_api.get_logger_provider()
    if not isinstance(provider, LoggerProvider):
        provider = LoggerProvider(shutdown_on_exit=False)
        logs_api.set_logger_provider(provider)
    if provider not in _watched:
        _watched[provider] = True
        provider.add_log_record_processor(_Logs())


def _metric_reader() -> InMemoryMetricReader | None:
    provider = metrics_api.get_meter_provider()
    reader = _watched.get(provider)
    if isinstance(reader, InMemoryMetricReader):
        return reader
    reader = InMemoryMetricReader(DELTA)
    if isinstance(provider, MeterProvider):
        if not hasattr(provider, "add_metric_reader"):
            return None
        provider.add_metric_reader(reader)
    else:
        provider = MeterProvider([reader], shutdown_on_exit=False)
        metrics_api.set_meter_provider(provider)
    _watched[provider] = reader
    return reader
