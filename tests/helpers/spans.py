"""Trace requests built with the official protobuf classes, and the spans that are to be read back."""

import os
import struct

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from tollspan.gateway.query.origins import InstrumentationScope, Resource
from tollspan.gateway.query.spans import Span, SpanEvent, SpanLink
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

NOW = 1_790_000_000_000_000_000
SECOND = 10**9
UNIT_KEYS = ("tollspan.unit", "unomiq.unit", "unomiq_unit")
PARENT_UNIT_KEYS = ("tollspan.parent_unit", "unomiq.parent_unit", "unomiq_parent_unit")


def span(name="work", start=NOW, duration=1000, attributes=None, **fields):
    """A span with ids of its own; `attributes` are strings or whole numbers."""
    fields.setdefault("trace_id", os.urandom(16))
    fields.setdefault("span_id", os.urandom(8))
    made = WireSpan(name=name, start_time_unix_nano=start, end_time_unix_nano=start + duration, **fields)
    put_attributes(made.attributes, attributes or {})
    return made


def failed_span(name="work", **fields):
    made = span(name, **fields)
    made.status.code = made.status.STATUS_CODE_ERROR
    return made


def put_attributes(target, attributes):
    for key, value in attributes.items():
        added = target.add(key=key).value
        if isinstance(value, int):
            added.int_value = value
        else:
            added.string_value = value


def request(*spans, service="orders", resource=None):
    """One request of these spans, with more attributes of their `resource`."""
    made = ExportTraceServiceRequest()
    resource_spans = made.resource_spans.add()
    own = {"service.name": service} if service else {}
    put_attributes(resource_spans.resource.attributes, own | (resource or {}))
    resource_spans.scope_spans.add().spans.extend(spans)
    return made


def batch(*spans, tenant="acme", dataset="default", service="orders", resource=None):
    """These spans as they reach the store."""
    wire = request(*spans, service=service, resource=resource).SerializeToString()
    return Batch(Signal.TRACES, wire, len(spans), tenant, dataset)


def batch_of(made, tenant="acme", dataset="default"):
    """A request of any shape as it reaches the store."""
    items = sum(len(scope.spans) for resource in made.resource_spans for scope in resource.scope_spans)
    return Batch(Signal.TRACES, made.SerializeToString(), items, tenant, dataset)


def expected_spans(made):
    """What is stored of a request: by span id, each span as it was sent."""
    return {
        sent.span_id.hex(): _expected_span(sent, resource_spans, scope_spans)
        for resource_spans in made.resource_spans
        for scope_spans in resource_spans.scope_spans
        for sent in scope_spans.spans
    }


def _expected_span(sent, resource_spans, scope_spans):
    attributes = attributes_of(sent.attributes)
    resource_attributes = attributes_of(resource_spans.resource.attributes)
    service = resource_attributes.get("service.name")
    scope = scope_spans.scope
    difference = (sent.end_time_unix_nano - sent.start_time_unix_nano) & (2**64 - 1)
    return Span(
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_span_id=sent.parent_span_id.hex() or None,
        name=sent.name,
        service=service if isinstance(service, str) else "",
        kind=sent.kind,
        status_code=sent.status.code,
        status_message=sent.status.message,
        start_unix_nano=sent.start_time_unix_nano,
        duration_nano=difference - (difference >> 63 << 64),
        unit=_first_text(attributes, UNIT_KEYS),
        parent_unit=_first_text(attributes, PARENT_UNIT_KEYS),
        trace_state=sent.trace_state,
        flags=sent.flags,
        attributes=attributes,
        resource=Resource(
            resource_attributes, resource_spans.schema_url, resource_spans.resource.dropped_attributes_count
        ),
        instrumentation_scope=InstrumentationScope(
            scope.name,
            scope.version,
            attributes_of(scope.attributes),
            scope_spans.schema_url,
            scope.dropped_attributes_count,
        ),
        events=tuple(
            SpanEvent(
                event.name,
                event.time_unix_nano,
                attributes_of(event.attributes),
                event.dropped_attributes_count,
            )
            for event in sent.events
        ),
        links=tuple(
            SpanLink(
                link.trace_id.hex().rjust(32, "0"),
                link.span_id.hex().rjust(16, "0"),
                link.trace_state,
                link.flags,
                attributes_of(link.attributes),
                link.dropped_attributes_count,
            )
            for link in sent.links
        ),
        dropped_attributes=sent.dropped_attributes_count,
        dropped_events=sent.dropped_events_count,
        dropped_links=sent.dropped_links_count,
    )


def _first_text(attributes, keys):
    texts = (attributes.get(key) for key in keys)
    return next((text for text in texts if isinstance(text, str) and text), None)


def attributes_of(key_values):
    return {key_value.key: value_of(key_value.value) for key_value in key_values}


def value_of(value):
    kind = value.WhichOneof("value")
    if kind in {None, "string_value_strindex"}:  # the latter is for profiles alone
        return None
    if kind == "array_value":
        return [value_of(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    return getattr(value, kind)


def exact(value):
    """`value` so that == tells apart what it otherwise would not: NaN equals itself, 1 is not True."""
    if isinstance(value, float):
        return "NaN" if value != value else ("double", struct.pack("<d", value + 0.0))
    if isinstance(value, bool | int):
        return type(value).__name__, value
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: exact(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
