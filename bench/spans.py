"""The spans that every scenario uses: 8 attributes, about 310 bytes each on the wire."""

from __future__ import annotations

import random

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode

ATTRIBUTES = 8
BATCH = 512


def attributes(number: int) -> dict[str, str | int | float | bool]:
    """Eight attributes of the kinds a web service sets; a few repeat, a few are unique."""
    return {
        "http.request.method": "GET",
        "http.route": f"/api/orders/{{id}}/items/{number % 7}",
        "http.response.status_code": 200 if number % 50 else 500,
        "url.path": f"/api/orders/{number}/items/{number % 7}",
        "server.address": "orders.internal",
        "db.rows": number % 100,
        "cache.ratio": (number % 10) / 10,
        "cache.hit": number % 3 == 0,
    }


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
