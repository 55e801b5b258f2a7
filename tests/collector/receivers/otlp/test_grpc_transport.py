"""OTLP/gRPC as a client sees it, over real sockets; O-… are the numbers of our conformance list."""

import asyncio

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from helpers.collector import running_collector
from helpers.signals import REQUESTS, RESPONSES, trace_request
from tollspan.collector.component import Receipt
from tollspan.collector.receivers.otlp import body_budget, grpc_transport
from tollspan.errors import LimitError, RetryableError, StoreError, WireError
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.signals import Signal

Code = grpc.StatusCode
WRITER = (("authorization", "Bearer writer"),)


@pytest.fixture
async def collector():
    async with running_collector(protocol="grpc") as collector:
        yield collector


@pytest.fixture
async def guarded():
    async with running_collector(protocol="grpc", guarded=True) as collector:
        yield collector


async def export(collector, body, signal=Signal.TRACES, *, metadata=(), **options):
    """The bytes of the response; raises AioRpcError."""
    async with grpc.aio.insecure_channel(collector.address) as channel:
        call = channel.unary_unary(f"/{SERVICES[signal]}/Export")
        return await call(body, metadata=metadata, **options)


async def fail(collector, body=b"", signal=Signal.TRACES, **options):
    """The error that the call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(collector, body, signal, **options)
    return caught.value


def trailers(error):
    return dict(error.trailing_metadata())


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_every_signal_is_taken(signal, compression, collector):
    """O-20, O-22."""
    request, items = REQUESTS[signal]
    wire = request.SerializeToString()
    assert await export(collector, wire, signal, compression=compression) == b""
    (batch,) = collector.batches
    assert (batch.signal, batch.wire, batch.items, batch.tenant) == (signal, wire, items, "")
    assert collector.count("otelcol_receiver_requests", transport="grpc", outcome="accepted") == 1


@pytest.mark.parametrize("body", [b"", ExportTraceServiceRequest(resource_spans=[{}]).SerializeToString()])
async def test_an_empty_request_is_a_success_that_no_pipeline_sees(body, collector):
    """O-13."""
    assert await export(collector, body) == b""
    assert collector.batches == []


@pytest.mark.parametrize("signal", Signal)
async def test_items_that_the_pipeline_rejects_are_a_partial_success(signal, collector):
    """O-23."""
    collector.recorder.answer = Receipt(rejected=1, reason="item 0: no id")
    body = await export(collector, REQUESTS[signal][0].SerializeToString(), signal)
    partial = RESPONSES[signal].FromString(body).partial_success
    assert (partial.ListFields()[0][1], partial.error_message) == (1, "item 0: no id")


@pytest.mark.parametrize(
    ("headers", "dataset"), [((), "default"), ((("x-tollspan-dataset", "shop"), ("x-bin", b"\xff")), "shop")]
)
async def test_tenant_and_dataset_come_from_the_credential(headers, dataset, guarded):
    await export(guarded, trace_request().SerializeToString(), metadata=WRITER + headers)
    assert (guarded.batches[0].tenant, guarded.batches[0].dataset) == ("acme", dataset)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((), Code.UNAUTHENTICATED),
        ((("authorization", "Bearer x"),), Code.UNAUTHENTICATED),
        (WRITER + WRITER, Code.UNAUTHENTICATED),
        ((("authorization", "Bearer reader"),), Code.PERMISSION_DENIED),
        ((("authorization", "Bearer shop"), ("x-tollspan-dataset", "bank")), Code.PERMISSION_DENIED),
        ((*WRITER, ("x-tollspan-dataset", "a b")), Code.INVALID_ARGUMENT),
    ],
)
async def test_who_may_not_write_is_refused_before_the_message_comes(metadata, code, guarded):
    """O-30, O-31: this client never sends one."""
    async with grpc.aio.insecure_channel(guarded.address) as channel:
        call = channel.stream_unary(f"/{SERVICES[Signal.TRACES]}/Export")(metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is code
    assert caught.value.details()
    assert "google.rpc.retryinfo-bin" not in trailers(caught.value)


async def test_a_broken_message_is_an_invalid_argument(collector):
    """O-26."""
    assert (await fail(collector, b"\x0a\xff\xff")).code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_message_over_the_limit_is_refused_for_good_even_when_it_was_compressed(compression):
    """O-21, T-23, T-25."""
    async with running_collector(protocol="grpc", max_recv_msg_size_mib=1) as collector:
        error = await fail(collector, b"\0" * ((1 << 20) + 1), compression=compression)
    assert error.code() is Code.RESOURCE_EXHAUSTED
    assert trailers(error) == {}
    assert collector.count("otelcol_receiver_requests", outcome="too_large") == 1


async def test_what_is_not_served_is_unimplemented(guarded):
    """O-30."""
    async with grpc.aio.insecure_channel(guarded.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{SERVICES[Signal.TRACES]}/Import")(b"", metadata=WRITER)
    assert caught.value.code() is Code.UNIMPLEMENTED
    async with running_collector(protocol="grpc", signals=[Signal.LOGS]) as collector:
        assert (await fail(collector, b"", Signal.TRACES)).code() is Code.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("error", "code", "reason", "wait_s"),
    [
        (RetryableError("busy"), Code.UNAVAILABLE, "unavailable", 1),
        (RetryableError("busy", after_s=6.2), Code.UNAVAILABLE, "unavailable", 7),
        (StoreError("locked"), Code.UNAVAILABLE, "unavailable", 1),
        (WireError("bad"), Code.INVALID_ARGUMENT, "malformed", None),
        (LimitError("spans", 5), Code.RESOURCE_EXHAUSTED, "too_large", None),
        (ZeroDivisionError("oops"), Code.UNAVAILABLE, "defect", 5),
    ],
    ids=repr,
)
async def test_a_failing_pipeline_is_answered_so_that_nothing_is_lost(error, code, reason, wait_s, collector):
    """O-26, O-28 to O-30."""
    collector.recorder.answer = error
    failed = await fail(collector, trace_request().SerializeToString())
    assert failed.code() is code
    assert "oops" not in failed.details()
    assert collector.count("otelcol_receiver_refused_spans", reason=reason) == 2
    if wait_s is None:
        assert trailers(failed) == {}
        return
    assert RetryInfo.FromString(trailers(failed)["google.rpc.retryinfo-bin"]).retry_delay.seconds == wait_s
    status = Status.FromString(trailers(failed)["grpc-status-details-bin"])
    detail = RetryInfo()
    assert status.details[0].Unpack(detail)
    assert (status.code, status.message, detail.retry_delay.seconds) == (14, failed.details(), wait_s)


async def test_a_message_that_does_not_come_is_to_be_sent_again(collector, monkeypatch):
    monkeypatch.setattr(grpc_transport, "READ_TIMEOUT_S", 0.05)
    async with grpc.aio.insecure_channel(collector.address) as channel:
        call = channel.stream_unary(f"/{SERVICES[Signal.TRACES]}/Export")()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is Code.UNAVAILABLE


async def test_messages_that_are_too_many_together_are_to_be_sent_again(monkeypatch):
    monkeypatch.setattr(body_budget.BodyBudget.__init__, "__defaults__", (100_000, 50_000))
    async with running_collector(protocol="grpc") as collector:
        error = await fail(collector, bytes(200_000))
        assert (error.code(), error.details()) == (Code.UNAVAILABLE, "too many request bodies are being read")
        assert await export(collector, trace_request().SerializeToString()) == b""


async def test_a_call_in_flight_is_finished_by_the_drain(collector):
    collector.recorder.gate.clear()
    exporting = asyncio.create_task(export(collector, trace_request().SerializeToString()))
    await collector.recorder.entered.wait()
    stopping = asyncio.create_task(collector.service.shutdown())
    collector.recorder.gate.set()
    assert await exporting == b""
    await stopping


async def test_a_call_that_outlives_the_drain_is_counted_and_to_be_sent_again():
    async with running_collector(protocol="grpc", drain_s=0) as collector:
        collector.recorder.gate.clear()
        exporting = asyncio.create_task(fail(collector, trace_request().SerializeToString()))
        await collector.recorder.entered.wait()
        await collector.service.shutdown()
        assert (await exporting).code() in (Code.UNAVAILABLE, Code.CANCELLED)
        assert collector.count("otelcol_receiver_refused_spans", reason="unavailable") == 2


def send_spans(options):
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**options)))
    for number in range(10):
        with provider.get_tracer("shop").start_as_current_span(f"step {number}"):
            pass
    provider.shutdown()


def send_metrics(options):
    provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(**options))])
    provider.get_meter("shop").create_counter("orders").add(3)
    provider.shutdown()


def send_logs(options):
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**options)))
    provider.get_logger("shop").emit(body="sold out")
    provider.shutdown()


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
@pytest.mark.parametrize(
    ("send", "signal", "items"),
    [(send_spans, Signal.TRACES, 10), (send_metrics, Signal.METRICS, 1), (send_logs, Signal.LOGS, 1)],
)
async def test_what_a_stock_exporter_sends_reaches_the_pipeline(send, signal, items, compression, guarded):
    options = {"endpoint": guarded.address, "insecure": True, "headers": WRITER, "compression": compression}
    await asyncio.to_thread(send, options)
    (batch,) = guarded.batches
    assert (batch.signal, batch.items, batch.tenant) == (signal, items, "acme")
