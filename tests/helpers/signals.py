"""One export request for each signal, with the number of its items, and the message that answers it."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tollspan.otlp.signals import Signal

RESPONSES = {
    Signal.TRACES: ExportTraceServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
    Signal.LOGS: ExportLogsServiceResponse,
}


def trace_request(spans=2):
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        scope_spans.spans.add(
            trace_id=b"t" * 16,
            span_id=number.to_bytes(8, "big", signed=False).replace(b"\0" * 8, b"\1" * 8),
            name="work",
            start_time_unix_nano=1,
            end_time_unix_nano=2,
        )
    return request


def metric_request():
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="requests", unit="1")
    for number in range(3):
        metric.gauge.data_points.add(time_unix_nano=1 + number, as_int=number)
    return request


def log_request():
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1).body.string_value = "hello"
    return request


REQUESTS = {
    Signal.TRACES: (trace_request(), 2),
    Signal.METRICS: (metric_request(), 3),
    Signal.LOGS: (log_request(), 1),
}
