"""Export requests made with the official protobuf classes, so that tests know every id they sent."""

import os
import time
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

OTLP = {"Content-Type": "application/x-protobuf"}


@dataclass(frozen=True)
class TraceRequest:
    """One trace as one request: a root and its children."""

    spans: int = 20
    service: str = "orders"
    trace_id: bytes = field(default_factory=lambda: os.urandom(16))

    def __post_init__(self) -> None:
        object.__setattr__(self, "span_ids", [os.urandom(8) for _ in range(self.spans)])
        object.__setattr__(self, "wire", self._build().SerializeToString())

    def _build(self) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = self.service
        scope_spans = resource_spans.scope_spans.add()
        now = time.time_ns()
        for number, span_id in enumerate(self.span_ids):
            scope_spans.spans.add(
                trace_id=self.trace_id,
                span_id=span_id,
                parent_span_id=self.span_ids[0] if number else b"",
                name=f"step {number}" if number else "GET /orders",
                kind=2,
                start_time_unix_nano=now + number,
                end_time_unix_nano=now + 1_000_000 + number,
            )
        return request
