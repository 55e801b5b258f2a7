"""What the SDK does with spans: writes their unit when they start, delivers them when they have ended.

Runs inside every start and end of a span, hence the private fields: a property of
OpenTelemetry's makes a copy and takes a lock where the field costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from tollspan.otlp.encoding import encode_spans
from tollspan.otlp.signals import Signal
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.delivery import ItemType
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter
from tollspan.sdk.unit_propagation import plain_dict

SPAN_BYTES, EVENT_BYTES, VALUE_BYTES = 2600, 600, 100
"""About what CPython needs for a span, for one of its events, and for an attribute without its text."""

NUMBERS = frozenset({bool, int, float})


class SpanPipeline(SpanProcessor):
    """Stamps spans that start and gives sampled ones that have ended to `exporter`. Never raises.

    The exporter may be exchanged; without one ended spans go nowhere.
    """

    def __init__(self, attribution: Attribution, events: Events) -> None:
        self.exporter: Exporter[ReadableSpan] | None = None
        self.shutdown_timeout_s = 2.0
        self._attribution = attribution
        self._events = events

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """The span has the attributes of its unit, except those that it was started with."""
        try:
            if attributes := self._attribution.attributes(parent_context):
                held = plain_dict(span._attributes)  # noqa: SLF001
                for key, value in attributes.items():
                    held.setdefault(key, value)
        except Exception as error:
            self._events.bug("the start of a span", error)

    def on_end(self, span: ReadableSpan) -> None:
        """The span waits for delivery."""
        try:
            if self.exporter is not None and span.context.trace_flags.sampled:
                self.exporter.put(span)
        except Exception as error:
            self._events.bug("the end of a span", error)

    def shutdown(self) -> None:
        """Everything is delivered or dropped; the tracer provider calls this."""
        if self.exporter is not None:
            self.exporter.shutdown(self.shutdown_timeout_s)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Whether everything that waited was delivered in time."""
        return self.exporter is None or self.exporter.flush(timeout_millis / 1000).ok


def span_bytes(span: ReadableSpan) -> int:
    """About how much memory `span` takes while it waits."""
    size = SPAN_BYTES + values_bytes(plain_dict(span._attributes))  # noqa: SLF001
    if span._events:  # noqa: SLF001
        for event in span.events:
            size += EVENT_BYTES + values_bytes(event.attributes or {})
    return size


def values_bytes(attributes: Mapping[str, Any]) -> int:
    """About how much memory attributes take."""
    size = VALUE_BYTES * len(attributes)
    for value in attributes.values():
        kind = type(value)
        if kind is str:
            size += len(value)
        elif kind not in NUMBERS:
            size += value_bytes(value)
    return size


def value_bytes(value: object) -> int:
    """About how much memory a value of an attribute or a body takes."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return values_bytes(value)
    return sum(VALUE_BYTES + value_bytes(item) for item in value) if isinstance(value, Sequence) else 0


SPANS = ItemType(Signal.TRACES, encode_spans, span_bytes)
