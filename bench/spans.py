"""The spans that every scenario uses: 8 attributes, about 310 bytes each on the wire."""

from __future__ import annotations

import random

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode

from bench.attributes import attributes

BATCH = 512


def build_batch(seed: int = 0, size: int = BATCH) -> list[ReadableSpan]:
    """`size` ended spans, made by the official SDK."""
    dice = random.Random(seed)
    resource = Resource.create({"service.name": "orders", "service.version": "1.2.3", "host.name": "web-1"})
    tracer = TracerProvider(resource=resource, shutdown_on_exit=False).get_tracer("bench", "1.0")
    spans = []
    for number in range(size):
        start = 1_770_000_000_000_000_000 + seed * 10**9 + number * 10**6
        span = tracer.start_span(
            f"GET /api/orders/{number % 5}",
            kind=SpanKind.SERVER,
            attributes=attributes(dice.randrange(10**6)),
            start_time=start,
        )
        span.set_status(Status(StatusCode.OK))
        span.end(end_time=start + dice.randrange(10**5, 10**8))
        spans.append(span)
    return spans


def build_wire(seed: int = 0, size: int = BATCH) -> bytes:
    """One export request of `size` spans, encoded by the official exporter's code."""
    return encode_spans(build_batch(seed, size)).SerializeToString()
