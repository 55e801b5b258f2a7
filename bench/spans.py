"""The spans that every scenario uses: 8 attributes, about 310 bytes each on the wire."""

from __future__ import annotations

import random
from collections.abc import Iterator

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import RandomIdGenerator, ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from bench.attributes import attributes

BATCH = 512

SEED_NS = 10**9
"""By so much later are the spans of the next seed."""

TRACE_ID_BEGIN = bytes.fromhex("be5cbe5cbe5cbe5c")
"""The first half of every trace id; who puts another in its place has other traces."""


class _TraceIds(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        return int.from_bytes(TRACE_ID_BEGIN) << 64 | random.getrandbits(64)


def build_batch(seed: int = 0, size: int = BATCH, trace_size: int = 1) -> list[ReadableSpan]:
    """`size` ended spans in traces of `trace_size`, made by the official SDK."""
    dice = random.Random(seed)
    resource = Resource.create({"service.name": "orders", "service.version": "1.2.3", "host.name": "web-1"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=_TraceIds())
    tracer = provider.get_tracer("bench", "1.0")
    spans, parent = [], None
    for number in range(size):
        start = 1_770_000_000_000_000_000 + seed * SEED_NS + number * 10**6
        span = tracer.start_span(
            f"GET /api/orders/{number % 5}",
            parent if number % trace_size else None,
            kind=SpanKind.SERVER,
            attributes=attributes(dice.randrange(10**6)),
            start_time=start,
        )
        span.set_status(Status(StatusCode.OK))
        span.end(end_time=start + dice.randrange(10**5, 10**8))
        spans.append(span)
        parent = parent if number % trace_size else set_span_in_context(span)
    return spans


def build_wire(seed: int = 0, size: int = BATCH, trace_size: int = 1) -> bytes:
    """One export request of `size` spans, encoded by the official exporter's code."""
    return encode_spans(build_batch(seed, size, trace_size)).SerializeToString()


def build_wires(count: int, templates: int = 50) -> Iterator[bytes]:
    """As many requests of BATCH spans as time goes on; after `templates`, copies with other ids and times."""
    wires = [build_wire(seed) for seed in range(min(count, templates))]
    dice = random.Random(0)
    for number in range(count):
        request = ExportTraceServiceRequest.FromString(wires[number % templates])
        later_ns = number // templates * templates * SEED_NS
        trace_id_begin = dice.randbytes(8)
        for span in request.resource_spans[0].scope_spans[0].spans:
            span.trace_id, span.span_id = trace_id_begin + span.trace_id[8:], dice.randbytes(8)
            span.start_time_unix_nano += later_ns
            span.end_time_unix_nano += later_ns
        yield request.SerializeToString()
