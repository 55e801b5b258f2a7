"""Jaeger's spans as an OTLP request (OTel specification, "Jaeger to OTLP")."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Sequence

from tollspan.collector.receivers.jaeger.model import Process, Reference, Span, Tags
from tollspan.otlp._message import build_attribute
from tollspan.otlp.protobuf import field_bytes, field_varint

_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_STATUS_UNSET, _STATUS_OK, _STATUS_ERROR = 0, 1, 2
_RESOURCE_KEYS = {"hostname": "host.name"}
_SPENT = frozenset(
    {
        "span.kind", "error", "otel.status_code", "otel.status_description", "w3c.tracestate",
        "otel.scope.name", "otel.scope.version", "otel.library.name", "otel.library.version",
    }
)  # fmt: skip
"""Tags that become fields."""


def build_request(spans: Sequence[Span]) -> bytes:
    """An `ExportTraceServiceRequest` with these spans, those of one process and scope together."""
    groups: dict[tuple[int, str, str], list[Span]] = {}
    for span in spans:
        tags = dict(span.tags)
        scope = (
            str(tags.get(f"otel.scope.{k}", tags.get(f"otel.library.{k}", ""))) for k in ("name", "version")
        )
        groups.setdefault((id(span.process), *scope), []).append(span)  # type: ignore[arg-type]  # two texts
    return b"".join(_resource_spans(name, version, group) for (_, name, version), group in groups.items())


def _resource_spans(scope_name: str, scope_version: str, spans: Sequence[Span]) -> bytes:
    scope = field_bytes(1, scope_name.encode()) + field_bytes(2, scope_version.encode())
    scope_spans = field_bytes(1, scope) + b"".join(field_bytes(2, _span(span)) for span in spans)
    return field_bytes(1, field_bytes(1, _resource(spans[0].process)) + field_bytes(2, scope_spans))


def _resource(process: Process) -> bytes:
    named: Tags = [("service.name", process.service_name)] if process.service_name else []
    tags = [(_RESOURCE_KEYS.get(key, key), value) for key, value in process.tags]
    return _attributes(1, [*named, *tags])


def _span(span: Span) -> bytes:
    tags = dict(span.tags)
    parent = next((r for r in span.references if r.trace_id == span.trace_id and not r.follows_from), None)
    links = [reference for reference in span.references if reference is not parent]
    kind = _KINDS.get(str(tags.get("span.kind", "")), 0)
    code, message = _status(tags, kind)
    return b"".join(
        (
            field_bytes(1, span.trace_id),
            field_bytes(2, span.span_id),
            field_bytes(3, str(tags.get("w3c.tracestate", "")).encode()),
            field_bytes(4, parent.span_id) if parent else b"",
            field_bytes(5, span.name.encode()),
            field_varint(6, kind),
            _fixed(7, span.start_ns),
            _fixed(8, span.start_ns + span.duration_ns),
            _attributes(9, [(key, value) for key, value in span.tags if key not in _SPENT]),
            *(field_bytes(11, _event(time_ns, fields)) for time_ns, fields in span.logs),
            *(field_bytes(13, _link(reference)) for reference in links),
            field_bytes(15, field_bytes(2, message.encode()) + field_varint(3, code)),
        )
    )


def _status(tags: dict[str, object], kind: int) -> tuple[int, str]:
    """From what OpenTelemetry's own exporters wrote, else from `error`, else from the HTTP status."""
    message = str(tags.get("otel.status_description", ""))
    code = str(tags.get("otel.status_code", "")).upper()
    if code in {"OK", "ERROR"}:
        return (_STATUS_OK if code == "OK" else _STATUS_ERROR), message
    if tags.get("error") in {True, "true"}:
        return _STATUS_ERROR, message
    http_status = 0
    with contextlib.suppress(ValueError):
        http_status = int(str(tags.get("http.status_code", tags.get("http.response.status_code", 0))))
    failed = http_status >= (500 if kind == _KINDS["server"] else 400)
    return (_STATUS_ERROR if failed else _STATUS_UNSET), message


def _event(time_ns: int, fields: Tags) -> bytes:
    found = dict(fields)
    key = "event" if "event" in found else "message"
    name = str(found.get(key, ""))
    return (
        _fixed(1, time_ns)
        + field_bytes(2, name.encode())
        + _attributes(3, [f for f in fields if f[0] != key])
    )


def _link(reference: Reference) -> bytes:
    kind = "follows_from" if reference.follows_from else "child_of"
    ids = field_bytes(1, reference.trace_id) + field_bytes(2, reference.span_id)
    return ids + _attributes(4, [("opentracing.ref_type", kind)])


def _attributes(field: int, tags: Iterable[tuple[str, object]]) -> bytes:
    return b"".join(build_attribute(field << 3 | 2, key, value) for key, value in tags if value is not None)


def _fixed(field: int, time_ns: int) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<Q", min(max(time_ns, 0), (1 << 64) - 1))
