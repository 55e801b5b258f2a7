"""What `_encode` does, in plain Python: its stand-in where nothing is compiled, and its test oracle."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tollspan.otlp.protobuf import WireType, field_bytes, field_varint, tag

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, Status

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
    wire = bytearray()
    failed = []
    for position, span in enumerate(spans):
        try:
            wire += field_bytes(2, b"".join(part(span) for part in SPAN_PARTS.values()))
        except Exception:
            failed.append(position)
    return bytes(wire), failed


def why_not(span: ReadableSpan) -> str:
    """The part of `span` that cannot be encoded, and the problem with it."""
    for name, part in SPAN_PARTS.items():
        try:
            part(span)
        except Exception as error:
            return f"{name}: {error}"
    return "its size"


def encode_resource(resource: Resource) -> tuple[bytes, bytes]:
    """What stands before and after the scopes in a ResourceSpans: `resource` and `schema_url`."""
    return field_bytes(1, _attributes(1, resource.attributes, 0)), _text(3, resource.schema_url)


def encode_instrumentation_scope(
    instrumentation_scope: InstrumentationScope | None,
) -> tuple[bytes, bytes]:
    """What stands before and after the spans in a ScopeSpans: `scope` and `schema_url`."""
    if instrumentation_scope is None:
        return field_bytes(1, b""), b""
    name = _text(1, instrumentation_scope.name) + _text(2, instrumentation_scope.version)
    attributes = _attributes(3, instrumentation_scope.attributes, 0)
    return field_bytes(1, name + attributes), _text(3, instrumentation_scope.schema_url)


def _context(context: SpanContext) -> bytes:
    state = ",".join(f"{key}={value}" for key, value in (context.trace_state or {}).items())
    return _ids(context) + _text(3, state)


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


def _time(field: int, unix_nano: int | None) -> bytes:
    if unix_nano is None:
        return b""
    if not isinstance(unix_nano, int):
        raise TypeError(f"must be an int of nanoseconds, not {type(unix_nano).__name__}")
    return tag(field, WireType.I64) + unix_nano.to_bytes(8, "little") if unix_nano else b""


def _text(field: int, text: str | None) -> bytes:
    if text is None:
        return b""
    if not isinstance(text, str):
        raise TypeError(f"must be a str, not {type(text).__name__}")
    return field_bytes(field, str.encode(text)) if text else b""


def _count(field: int, count: int) -> bytes:
    if not 0 <= count < 1 << 32:
        raise OverflowError(f"{count} is no 32-bit count")
    return field_varint(field, count) if count else b""


def _attributes(field: int, attributes: Mapping[str, Any] | None, dropped: int) -> bytes:
    """The attributes as `field`, then how many are missing: in every OTLP message the next field."""
    wire = bytearray()
    for key, value in (attributes or {}).items():
        try:
            wire += field_bytes(field, _key_value(key, value, 0))
        except Exception:
            dropped += 1
    return bytes(wire) + _count(field + 1, dropped)


def _key_value(key: str, value: Any, depth: int) -> bytes:
    return _text(1, key) + field_bytes(2, _any_value(value, depth))


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
            pairs = (field_bytes(1, _key_value(str(key), item, depth + 1)) for key, item in value.items())
            return field_bytes(6, b"".join(pairs))
    raise TypeError(f"OTLP has no value for a {type(value).__name__}")


def _events(events: Sequence[Event]) -> bytes:
    return b"".join(
        field_bytes(
            11,
            _time(1, event.timestamp)
            + _text(2, event.name)
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
    return field_bytes(15, _text(2, status.description) + _count(3, status.status_code.value))


SPAN_PARTS: dict[str, Callable[[ReadableSpan], bytes]] = {
    "context": lambda span: _context(span.context),
    "parent": lambda span: field_bytes(4, span.parent.span_id.to_bytes(8, "big")) if span.parent else b"",
    "name": lambda span: _text(5, span.name),
    "kind": lambda span: _kind(span.kind),
    "start time": lambda span: _time(7, span.start_time),
    "end time": lambda span: _time(8, span.end_time),
    "attributes": lambda span: _attributes(9, span.attributes, span.dropped_attributes),
    "events": lambda span: _events(span.events) + _count(12, span.dropped_events),
    "links": lambda span: _links(span.links) + _count(14, span.dropped_links),
    "status": lambda span: _status(span.status),
    "flags": lambda span: _flags(16, span.parent),
}
"""Each part of a Span message by its name, in field order."""
