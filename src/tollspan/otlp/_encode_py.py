"""What `_encode` does, in plain Python: its stand-in where nothing is compiled, and its test oracle."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tollspan.otlp.protobuf import WireType, field_bytes, field_varint, tag

if TYPE_CHECKING:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, Status

Record = Any
"""A ReadableSpan or a ReadableLogRecord."""

Parts = Mapping[str, Callable[[Record], bytes]]
"""How each part of a record's message is written, by its name and in field order."""

VALUE_DEPTH_MAX = 32
"""How many lists and maps may sit inside each other; `_decode` takes as many."""

HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200
"""Bits of the `flags` of spans and links (OTLP 1.11, `SpanFlags`)."""


def encode_spans(spans: Iterable[ReadableSpan]) -> tuple[bytes, list[int]]:
    """The spans as the `spans` fields of one ScopeSpans, and the positions of those left out.

    A span is left out when anything but an attribute cannot be encoded; `why_not` says
    what. An attribute that cannot be (a lone surrogate, an int beyond 64 bits, a type that
    OTLP does not have) is left out alone and counted in its owner's dropped_attributes_count.
    """
    return _encode_records(spans, SPAN_PARTS)


def encode_logs(records: Iterable[ReadableLogRecord]) -> tuple[bytes, list[int]]:
    """The records as the `log_records` fields of one ScopeLogs; the rest as in `encode_spans`."""
    return _encode_records(records, LOG_PARTS)


def why_not(record: Record, parts: Parts) -> str:
    """The first of the `parts` of `record` that cannot be encoded, and the problem with it."""
    for name, part in parts.items():
        try:
            part(record)
        except Exception as error:
            return f"{name}: {error}"
    return "its size"


def encode_resource(resource: Resource) -> tuple[bytes, bytes]:
    """What stands before and after the scopes in a ResourceSpans: `resource` and `schema_url`."""
    return field_bytes(1, _attributes(1, resource.attributes, 0)), field_text(3, resource.schema_url)


def encode_instrumentation_scope(
    instrumentation_scope: InstrumentationScope | None,
) -> tuple[bytes, bytes]:
    """What stands before and after the spans in a ScopeSpans: `scope` and `schema_url`."""
    if instrumentation_scope is None:
        return field_bytes(1, b""), b""
    name = field_text(1, instrumentation_scope.name) + field_text(2, instrumentation_scope.version)
    attributes = _attributes(3, instrumentation_scope.attributes, 0)
    return field_bytes(1, name + attributes), field_text(3, instrumentation_scope.schema_url)


def _encode_records(records: Iterable[Record], parts: Parts) -> tuple[bytes, list[int]]:
    wire = bytearray()
    failed = []
    for position, record in enumerate(records):
        try:
            wire += field_bytes(2, b"".join(part(record) for part in parts.values()))
        except Exception:
            failed.append(position)
    return bytes(wire), failed


def _context(context: SpanContext) -> bytes:
    state = ",".join(f"{key}={value}" for key, value in (context.trace_state or {}).items())
    return _ids(context) + field_text(3, state)


def _ids(context: SpanContext) -> bytes:
    trace_id = context.trace_id.to_bytes(16, "big")
    return field_bytes(1, trace_id) + field_bytes(2, context.span_id.to_bytes(8, "big"))


def _flags(field: int, context: SpanContext | None) -> bytes:
    """The context's is_remote bit; the Python SDK sends none of the W3C flags."""
    remote = IS_REMOTE if context and context.is_remote else 0
    return tag(field, WireType.I32) + (HAS_IS_REMOTE | remote).to_bytes(4, "little")


def _kind(kind: Any) -> bytes:
    """SpanKind counts from INTERNAL = 0, OTLP from UNSPECIFIED = 0."""
    if kind.value not in range(5):
        raise ValueError(f"no span kind has the value {kind.value}")
    return field_varint(6, kind.value + 1)


def field_time(field: int, unix_nano: int | None) -> bytes:
    if unix_nano is None:
        return b""
    if not isinstance(unix_nano, int):
        raise TypeError(f"must be an int of nanoseconds, not {type(unix_nano).__name__}")
    return tag(field, WireType.I64) + unix_nano.to_bytes(8, "little") if unix_nano else b""


def field_text(field: int, text: str | None) -> bytes:
    if text is None:
        return b""
    if not isinstance(text, str):
        raise TypeError(f"must be a str, not {type(text).__name__}")
    return field_bytes(field, str.encode(text)) if text else b""


def field_count(field: int, count: int) -> bytes:
    if not 0 <= count < 1 << 32:
        raise OverflowError(f"{count} is no 32-bit count")
    return field_varint(field, count) if count else b""


def _attributes(field: int, attributes: Mapping[str, Any] | None, dropped: int) -> bytes:
    """The attributes as `field`, then how many are missing: in every OTLP message the next field."""
    wire = bytearray()
    for key, value in (attributes or {}).items():
        try:
            wire += field_bytes(field, key_value(key, value, 0))
        except Exception:
            dropped += 1
    return bytes(wire) + field_count(field + 1, dropped)


def key_value(key: str, value: Any, depth: int) -> bytes:
    return field_text(1, key) + field_bytes(2, _any_value(value, depth))


def _any_value(value: Any, depth: int) -> bytes:  # noqa: C901, PLR0911 - one case for each type of value
    match value:
        case None:
            return b""
        case bool():
            return field_varint(2, value)
        case str():
            return field_bytes(1, str.encode(value))
        case int():
            if not -(1 << 63) <= value < 1 << 63:
                raise OverflowError("an int beyond 64 bits")
            return field_varint(3, value)
        case float():
            return tag(4, WireType.I64) + struct.pack("<d", value)
        case bytes():
            return field_bytes(7, value)
        case Sequence() | Mapping() if depth == VALUE_DEPTH_MAX:
            raise ValueError(f"nested more than {VALUE_DEPTH_MAX} deep")
        case Sequence():
            items = (field_bytes(1, _any_value(item, depth + 1)) for item in value)
            return field_bytes(5, b"".join(items))
        case Mapping():
            pairs = (field_bytes(1, key_value(str(key), item, depth + 1)) for key, item in value.items())
            return field_bytes(6, b"".join(pairs))
    raise TypeError(f"OTLP has no value for a {type(value).__name__}")


def _events(events: Sequence[Event]) -> bytes:
    return b"".join(
        field_bytes(
            11,
            field_time(1, event.timestamp)
            + field_text(2, event.name)
            + _attributes(3, event.attributes, event.dropped_attributes),
        )
        for event in events
    )


def _links(links: Sequence[Link]) -> bytes:
    return b"".join(
        field_bytes(
            13,
            _ids(link.context)
            + _attributes(4, link.attributes, link.dropped_attributes)
            + _flags(6, link.context),
        )
        for link in links
    )


def _status(status: Status | None) -> bytes:
    if status is None:
        return b""
    return field_bytes(15, field_text(2, status.description) + field_count(3, status.status_code.value))


SPAN_PARTS: Parts = {
    "context": lambda span: _context(span.context),
    "parent": lambda span: field_bytes(4, span.parent.span_id.to_bytes(8, "big")) if span.parent else b"",
    "name": lambda span: field_text(5, span.name),
    "kind": lambda span: _kind(span.kind),
    "start time": lambda span: field_time(7, span.start_time),
    "end time": lambda span: field_time(8, span.end_time),
    "attributes": lambda span: _attributes(9, span.attributes, span.dropped_attributes),
    "events": lambda span: _events(span.events) + field_count(12, span.dropped_events),
    "links": lambda span: _links(span.links) + field_count(14, span.dropped_links),
    "status": lambda span: _status(span.status),
    "flags": lambda span: _flags(16, span.parent),
}
"""Of a Span message."""


def _log_flags(record: LogRecord) -> bytes:
    return tag(8, WireType.I32) + record.trace_flags.to_bytes(4, "little") if record.trace_flags else b""


def _log_ids(record: LogRecord) -> bytes:
    trace_id = field_bytes(9, record.trace_id.to_bytes(16, "big")) if record.trace_id else b""
    return trace_id + (field_bytes(10, record.span_id.to_bytes(8, "big")) if record.span_id else b"")


def _severity(record: LogRecord) -> bytes:
    return b"" if record.severity_number is None else field_count(2, record.severity_number.value)


LOG_PARTS: Parts = {
    "time": lambda log: field_time(1, log.log_record.timestamp),
    "severity": lambda log: _severity(log.log_record) + field_text(3, log.log_record.severity_text),
    "body": lambda log: field_bytes(5, _any_value(log.log_record.body, 0)),
    "attributes": lambda log: _attributes(
        6, log.log_record.attributes, getattr(log.log_record.attributes, "dropped", 0)
    ),
    "trace flags": lambda log: _log_flags(log.log_record),
    "context": lambda log: _log_ids(log.log_record),
    "observed time": lambda log: field_time(11, log.log_record.observed_timestamp),
    "event name": lambda log: field_text(12, log.log_record.event_name),
}
"""Of a LogRecord message."""
