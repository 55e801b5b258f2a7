"""The OTLP checklist against a whole gateway: what is sent in any form is stored, and read back by the API.

docs/conformance.md lists which statement of the specification is shown by which test.
"""

import asyncio
import base64
import gzip
import itertools
import json
import zlib

import grpc
import httpx
import pytest
import zstandard
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HTTPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from helpers.logs import log_batch, log_record
from helpers.metrics import add_point, metric, metric_batch
from helpers.spans import NOW, batch, span
from tollspan.collector.receivers.otlp.intake import DATASET_HEADERS
from tollspan.otlp.json_mapping import wire_to_json
from tollspan.otlp.signals import Signal

PROTOBUF, JSON = "application/x-protobuf", "application/json"
COMPRESSIONS = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
PERMISSIONS = ",".join(f"{verb}:{signal.value}" for verb in ("write", "read") for signal in Signal)
ids = itertools.count(1)


@pytest.fixture(scope="module")
def headers(gateway):
    return gateway.authorization(gateway.create_credential(permissions=PERMISSIONS))


def request_of(signal, name):
    """A request of one item that can be found by `name`."""
    match signal:
        case Signal.TRACES:
            return batch(span(name))
        case Signal.LOGS:
            return log_batch(log_record(name))
    made = metric(name)
    add_point(made, as_int=1)
    return metric_batch(made)


def found(gateway, headers, signal, name):
    """What the API shows of the items with that name."""
    path, parameters = {
        Signal.TRACES: ("/api/v1/traces", {"name": name}),
        Signal.LOGS: ("/api/v1/logs", {"q": name}),
        Signal.METRICS: ("/api/v1/metrics", {"q": name}),
    }[signal]
    answer = httpx.get(gateway.url + path, params=parameters, headers=headers)
    return answer.raise_for_status().json()["data"]


def send(gateway, headers, signal, body, content_type=PROTOBUF, prefix="", **extra):
    return httpx.post(
        f"{gateway.url}{prefix}{signal.path}",
        content=body,
        headers={**headers, "Content-Type": content_type, **extra},
        timeout=60,
    )


FORMS = [
    (signal, content_type, compression)
    for signal in Signal
    for content_type in (PROTOBUF, JSON)
    for compression in COMPRESSIONS
]


@pytest.mark.parametrize(("signal", "content_type", "compression"), FORMS)
def test_every_signal_is_stored_in_every_form(gateway, headers, signal, content_type, compression):
    name = f"form-{next(ids)}."
    sent = request_of(signal, name)
    body = sent.wire if content_type == PROTOBUF else wire_to_json(signal, sent.wire)
    prefix = "/otlp" if compression == "deflate" else ""
    packed = COMPRESSIONS[compression](body)
    answer = send(gateway, headers, signal, packed, content_type, prefix, **{"Content-Encoding": compression})

    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.content == (b"" if content_type == PROTOBUF else b"{}")
    assert len(found(gateway, headers, signal, name)) == 1


def test_what_comes_as_json_is_stored_as_what_comes_as_protobuf(gateway, headers):
    trace_ids = []
    for content_type in (PROTOBUF, JSON):
        made = span("equal", attributes={"n": 2**60, "s": "é"}, span_id=b"the same")
        made.attributes.add(key="b").value.bytes_value = b"\0\xff"
        made.attributes.add(key="empty").value.SetInParent()
        sent = batch(made)
        body = sent.wire if content_type == PROTOBUF else wire_to_json(Signal.TRACES, sent.wire)
        assert send(gateway, headers, Signal.TRACES, body, content_type).status_code == 200
        trace_ids.append(made.trace_id.hex())
    shown = [
        httpx.get(f"{gateway.url}/api/v1/traces/{trace_id}/spans/{b'the same'.hex()}", headers=headers).json()
        for trace_id in trace_ids
    ]
    assert shown[0] == shown[1]
    assert shown[0]["attributes"] == {
        "n": str(2**60),
        "s": "é",
        "b": {"bytes": base64.b64encode(b"\0\xff").decode()},
        "empty": None,
    }


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(("content_type", "body"), [(PROTOBUF, b""), (JSON, b"{}")])
def test_a_request_without_telemetry_is_a_success(gateway, headers, signal, content_type, body):
    answer = send(gateway, headers, signal, body, content_type)
    assert (answer.status_code, answer.content) == (200, body)


def test_an_item_that_breaks_the_rules_is_rejected_alone_with_its_reason(gateway, headers):
    cases = {
        Signal.TRACES: (batch(span("sound"), span(trace_id=b"short")), "rejectedSpans", "trace_id"),
        Signal.METRICS: (unsound_metrics(), "rejectedDataPoints", "time_unix_nano"),
        Signal.LOGS: (log_batch(log_record(), unsound_log_record()), "rejectedLogRecords", "future"),
    }
    for signal, (sent, field, reason) in cases.items():
        answer = send(gateway, headers, signal, wire_to_json(signal, sent.wire), JSON)
        partial = answer.json()["partialSuccess"]
        assert (answer.status_code, partial[field]) == (200, "1")
        assert reason in partial["errorMessage"]


def unsound_metrics():
    made = metric("sound")
    add_point(made, as_int=1)
    add_point(made, time=0, as_int=1)
    return metric_batch(made)


def unsound_log_record():
    return log_record(time=NOW * 3)


def test_a_log_record_with_empty_ids_belongs_to_no_span(gateway, headers):
    record = {"timeUnixNano": str(NOW), "body": {"stringValue": "unlinked."}, "traceId": "", "spanId": ""}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert send(gateway, headers, Signal.LOGS, json.dumps(body).encode(), JSON).content == b"{}"
    [shown] = found(gateway, headers, Signal.LOGS, "unlinked.")
    assert (shown["trace_id"], shown["span_id"]) == (None, None)


@pytest.mark.parametrize("signal", Signal)
def test_every_refusal_is_a_status_in_the_encoding_of_the_request(gateway, headers, signal):
    bomb = gzip.compress(bytes((64 << 20) + 1))
    refusals = [
        (401, {}, b"", {}),
        (400, headers, b"\x0a\xff", {}),
        (413, headers, bomb, {"Content-Encoding": "gzip"}),
        (415, headers, b"", {"Content-Encoding": "br"}),
    ]
    for status, own, body, extra in refusals:
        for content_type in (PROTOBUF, JSON):
            answer = send(gateway, own, signal, body, content_type, **extra)
            assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
            assert read_status(answer).message


def read_status(answer):
    if answer.headers["content-type"] == JSON:
        return json_format.Parse(answer.content, Status())
    return Status.FromString(answer.content)


@pytest.mark.parametrize("signal", Signal)
def test_another_method_is_not_allowed(gateway, headers, signal):
    answer = httpx.get(gateway.url + signal.path, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert read_status(answer).message


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_static_key_goes_into_either_header(gateway, headers, header):
    created = gateway.create_credential(permissions=PERMISSIONS, kind="api_key")
    key = created["api_key"]
    own = {header: f"Bearer {key}" if header == "Authorization" else key}
    assert send(gateway, own, Signal.LOGS, log_batch(log_record(f"by {header}.")).wire).status_code == 200
    assert len(found(gateway, headers, Signal.LOGS, f"by {header}.")) == 1


@pytest.mark.parametrize("header", DATASET_HEADERS)
def test_a_header_names_the_dataset(gateway, headers, header):
    dataset = f"named-by-{header}"
    own = headers | {header: dataset}
    assert send(gateway, own, Signal.LOGS, log_batch(log_record("elsewhere.")).wire).status_code == 200
    assert len(found(gateway, own, Signal.LOGS, "elsewhere.")) == 1
    other = headers | {"X-Tollspan-Dataset": "default"}
    assert found(gateway, other, Signal.LOGS, "elsewhere.") == []


def emit_log(exporter, name):
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    provider.get_logger("shop").emit(body=name)
    provider.shutdown()


def record_metric(exporter, name):
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)])
    provider.get_meter("shop").create_histogram(name).record(3)
    provider.shutdown()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_stock_exporters_deliver_logs_and_metrics(gateway, headers, protocol):
    name = f"stock-{protocol}"
    if protocol == "grpc":
        own = {"headers": {"authorization": headers["Authorization"]}, "insecure": True}
        logs = OTLPLogExporter(endpoint=gateway.grpc, compression=grpc.Compression.Gzip, **own)
        metrics = OTLPMetricExporter(endpoint=gateway.grpc, **own)
    else:
        logs = HTTPLogExporter(endpoint=f"{gateway.url}/v1/logs", headers=headers)
        metrics = HTTPMetricExporter(endpoint=f"{gateway.url}/v1/metrics", headers=headers)
    emit_log(logs, name)
    record_metric(metrics, name)
    [record] = found(gateway, headers, Signal.LOGS, name)
    [shown] = found(gateway, headers, Signal.METRICS, name)
    assert record["instrumentation_scope"]["name"] == "shop"
    assert (shown["type"], shown["points"]) == ("histogram", 1)


async def call(gateway, metadata, signal, body):
    service = {
        Signal.TRACES: "trace.v1.TraceService",
        Signal.METRICS: "metrics.v1.MetricsService",
        Signal.LOGS: "logs.v1.LogsService",
    }[signal]
    method = f"/opentelemetry.proto.collector.{service}/Export"
    async with grpc.aio.insecure_channel(gateway.grpc.removeprefix("http://")) as channel:
        return await channel.unary_unary(method)(body, metadata=metadata, timeout=60)


@pytest.mark.parametrize("signal", Signal)
def test_every_signal_is_stored_over_grpc(gateway, headers, signal):
    name = f"grpc-{signal.value}."
    metadata = [("authorization", headers["Authorization"])]
    assert asyncio.run(call(gateway, metadata, signal, request_of(signal, name).wire)) == b""
    assert len(found(gateway, headers, signal, name)) == 1


@pytest.mark.parametrize("signal", Signal)
def test_grpc_refuses_in_its_own_words(gateway, headers, signal):
    metadata = [("authorization", headers["Authorization"])]
    codes = []
    for own, body in (([], b""), (metadata, b"\x0a\xff")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            asyncio.run(call(gateway, own, signal, body))
        codes.append(refused.value.code())
    assert codes == [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT]


@pytest.mark.parametrize("signal", Signal)
def test_a_resent_request_is_stored_once(gateway, headers, signal):
    sent = request_of(signal, f"twice-{signal.value}.")
    for _ in range(2):
        assert send(gateway, headers, signal, sent.wire).content == b""
    [shown] = found(gateway, headers, signal, f"twice-{signal.value}.")
    assert shown.get("spans", shown.get("points", 1)) == 1


def test_unknown_fields_are_skipped(gateway, headers):
    sent = request_of(Signal.LOGS, "from the future.")
    unknown = b"\xfa\x7d\x03abc" + b"\xf8\x7e\x01"
    assert send(gateway, headers, Signal.LOGS, sent.wire + unknown).content == b""
    assert len(found(gateway, headers, Signal.LOGS, "from the future.")) == 1
    body = b'{"fromTheFuture": {"a": [1]}, "resourceLogs": []}'
    assert send(gateway, headers, Signal.LOGS, body, JSON).content == b"{}"
