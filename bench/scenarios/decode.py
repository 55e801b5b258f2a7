"""Decoding one export request of 512 spans: to columns, against protobuf's own parser."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.spans import BATCH, build_wire
from tollspan.otlp import _decode

TITLE = "decode a request of 512 spans"
ITEM = "span"
ROUNDS = 400


def _per_span(decode: Callable[[bytes], object]) -> float:
    wires = [build_wire(seed) for seed in range(8)]
    for wire in wires:
        decode(wire)
    started = time.process_time()
    for number in range(ROUNDS):
        decode(wires[number % len(wires)])
    return (time.process_time() - started) / (ROUNDS * BATCH)


def _walk(wire: bytes) -> int:
    """Parse and touch every field once, as a server in Python must."""
    touched = 0
    for resource_spans in ExportTraceServiceRequest.FromString(wire).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                fields = (span.trace_id, span.span_id, span.parent_span_id, span.name, span.kind)
                times = (span.start_time_unix_nano, span.end_time_unix_nano, span.status.code)
                pairs = [(a.key, getattr(a.value, a.value.WhichOneof("value"))) for a in span.attributes]
                touched += len(fields) + len(times) + len(pairs)
    return touched


PEERS: dict[str, Callable[[], float]] = {
    "Tollspan, to columns": lambda: _per_span(lambda wire: _decode.decode("traces", wire)),
    "protobuf (upb), FromString alone": lambda: _per_span(ExportTraceServiceRequest.FromString),
    "protobuf (upb), FromString and a walk over it": lambda: _per_span(_walk),
}
