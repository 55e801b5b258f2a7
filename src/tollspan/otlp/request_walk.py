"""Visiting an export request from its resources down to span events and data points.

A request has four levels, each under the one before: resource entries, scope entries, records
(spans, metrics, log records) and the details of some records (span events, data points).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tollspan.errors import WireError
from tollspan.otlp import _reshape
from tollspan.otlp._message import Faults, Message
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.signals import Signal

Visit = Callable[[Message], bool]
"""Looks at a message, may edit it and those above it, and says whether it is kept."""

RESOURCE = SCOPE = 1 << 3 | 2
"""The resource in a resource entry, the instrumentation scope in a scope entry."""

METRIC_DATA = (5 << 3 | 2, 7 << 3 | 2, 9 << 3 | 2, 10 << 3 | 2, 11 << 3 | 2)
"""Gauge, Sum, Histogram, ExponentialHistogram and Summary in a metric."""

_ENTRIES, _CHILDREN, _DATA_POINTS, _SPAN_EVENTS = 1 << 3 | 2, 2 << 3 | 2, 1 << 3 | 2, 11 << 3 | 2


@dataclass(frozen=True, slots=True)
class Visitors:
    """Who looks at each level; a parent is visited before its children, a dropped one instead of them.

    A resource or scope visitor gets the whole entry. The parent of a data point is its Gauge, Sum
    and so on, whose parent is the metric.
    """

    resource: Visit | None = None
    instrumentation_scope: Visit | None = None
    record: Visit | None = None
    detail: Visit | None = None


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A request after its walk: the bytes it came as when nobody changed anything."""

    wire: bytes
    items: int
    malformed: int
    """Items dropped because a visitor could not read them or what they belong to."""


def rewrite(signal: Signal, wire: bytes, items: int, visitors: Visitors) -> Rewritten:
    """The request of `items` items without what `visitors` drop, and with their edits.

    Envelopes of which nothing is left go too, and metrics without data points; a span stays
    when its last event goes. WireError when the framing down to the records is broken.
    """
    request = Message(wire)
    walk = _Walk(signal, visitors)
    request.each(_ENTRIES, walk.resource_entry)
    if not request.edited:
        return Rewritten(wire, items, 0)
    return Rewritten(request.wire, _reshape.count(signal.value, request.wire), walk.faults.count)


class _Walk:
    def __init__(self, signal: Signal, visitors: Visitors) -> None:
        self.faults = Faults()
        self._signal = signal
        self._visitors = visitors
        detailed = {Signal.TRACES: self._span, Signal.METRICS: self._metric, Signal.LOGS: visitors.record}
        self._record = detailed[signal] if visitors.detail else visitors.record
        if signal is Signal.METRICS and self._record is not None:
            self._record = self._guarded(self._record, 2)
        self._scope_entry = self._guarded(self._visit_scope_entry, 1)
        self.resource_entry = self._guarded(self._visit_resource_entry, 0)

    def _visit_resource_entry(self, entry: Message) -> bool:
        visit = self._visitors.resource
        if visit is not None and not visit(entry):
            return False
        if self._record is None and self._visitors.instrumentation_scope is None:
            return True
        return not entry.each(_CHILDREN, self._scope_entry)

    def _visit_scope_entry(self, entry: Message) -> bool:
        visit = self._visitors.instrumentation_scope
        if visit is not None and not visit(entry):
            return False
        return self._record is None or not entry.each(_CHILDREN, self._record, self.faults)

    def _span(self, span: Message) -> bool:
        assert self._visitors.detail is not None, "spans are walked through for their events"
        if self._visitors.record is not None and not self._visitors.record(span):
            return False
        span.each(_SPAN_EVENTS, self._visitors.detail)
        return True

    def _metric(self, metric: Message) -> bool:
        assert self._visitors.detail is not None, "metrics are walked through for their data points"
        if self._visitors.record is not None and not self._visitors.record(metric):
            return False
        data = metric_data(metric)
        return data is None or not data.each(_DATA_POINTS, self._visitors.detail, self.faults)

    def _guarded(self, visit: Visit, depth: int) -> Visit:
        """`visit`, but what cannot be read is dropped, and the items in it are counted."""

        def guarded(message: Message) -> bool:
            try:
                return visit(message)
            except WireError:
                wire = message.wire
                for level in range(depth, -1, -1):
                    wire = field_bytes(1 if level == 0 else 2, wire)
                self.faults.count += _reshape.count(self._signal.value, wire)
                return False

        return guarded


def metric_data(metric: Message) -> Message | None:
    """The Gauge, Sum and so on of the metric; None when it has no data."""
    tag = metric.which(METRIC_DATA)
    return metric.part(tag, METRIC_DATA) if tag else None
