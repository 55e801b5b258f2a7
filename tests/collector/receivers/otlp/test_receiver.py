"""The stock OpenTelemetry exporters send to the receiver, as they come from PyPI."""

import asyncio

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from helpers.collector import running_collector
from tollspan.otlp.signals import Signal


def send_spans(url, **options):
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces", **options)))
    for number in range(10):
        with provider.get_tracer("shop").start_as_current_span(f"step {number}"):
            pass
    provider.shutdown()


def send_metrics(url, **options):
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics", **options))
    provider = MeterProvider([reader])
    provider.get_meter("shop").create_counter("orders").add(3)
    provider.shutdown()


def send_logs(url, **options):
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs", **options)))
    provider.get_logger("shop").emit(body="sold out")
    provider.shutdown()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
@pytest.mark.parametrize(
    ("send", "signal", "message", "items", "text"),
    [
        (send_spans, Signal.TRACES, ExportTraceServiceRequest, 10, "step 9"),
        (send_metrics, Signal.METRICS, ExportMetricsServiceRequest, 1, "orders"),
        (send_logs, Signal.LOGS, ExportLogsServiceRequest, 1, "sold out"),
    ],
)
async def test_what_a_stock_exporter_sends_reaches_the_pipeline(
    send, signal, message, items, text, compression
):
    async with running_collector(guarded=True) as collector:
        options = {"headers": {"authorization": "Bearer writer"}, "compression": compression}
        await asyncio.to_thread(send, collector.url, **options)
    (batch,) = collector.batches
    assert (batch.signal, batch.items, batch.tenant) == (signal, items, "acme")
    assert text in str(message.FromString(batch.wire))


async def test_a_stock_exporter_without_credentials_is_refused():
    async with running_collector(guarded=True) as collector:
        await asyncio.to_thread(send_spans, collector.url)
        assert collector.count("otelcol_receiver_requests", outcome="unauthenticated") == 1
    assert collector.batches == []
