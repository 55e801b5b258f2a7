import contextlib
import gzip

import grpc
import httpx
import pytest

from helpers import jaeger
from helpers.components import Recorder, exporter_factory
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Receipt
from tollspan.collector.receivers.jaeger.receiver import PATH, SERVICE
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service
from tollspan.errors import PermanentError, RetryableError

THRIFT = {"Content-Type": "application/x-thrift"}
BATCH = jaeger.thrift_batch(jaeger.thrift_span(), jaeger.thrift_span(span_id=4))


@contextlib.asynccontextmanager
async def running(recorder, **limits):
    protocols = {
        "thrift_http": {"endpoint": "127.0.0.1:0", **limits},
        "grpc": {"endpoint": "127.0.0.1:0"},
    }
    document = {
        "receivers": {"jaeger": {"protocols": protocols}},
        "exporters": {"recorder": None},
        "service": {"pipelines": {"traces": {"receivers": ["jaeger"], "exporters": ["recorder"]}}},
    }
    service = Service(document, build_registry([*FACTORIES, exporter_factory(recorder)]), drain_deadline_s=2)
    await service.start()
    try:
        yield service
    finally:
        await service.shutdown()


async def post(service, body=BATCH, headers=THRIFT, method="POST"):
    (server,) = service.http_servers.values()
    async with httpx.AsyncClient() as http:
        return await http.request(method, server.url + PATH, content=body, headers=headers)


async def call(service, message):
    (server,) = service.grpc_servers.values()
    async with grpc.aio.insecure_channel(server.address) as channel:
        return await channel.unary_unary(f"/{SERVICE}/PostSpans")(message)


def refused(service, **labels):
    return service.counters.total("otelcol_receiver_refused_spans", **labels)


async def test_a_batch_over_http_is_answered_202_once_it_was_taken():
    recorder = Recorder()
    async with running(recorder) as service:
        assert (await post(service)).status_code == 202
        zipped = {**THRIFT, "Content-Encoding": "gzip"}
        assert (await post(service, gzip.compress(BATCH), zipped)).status_code == 202
    assert [batch.items for batch in recorder.batches] == [2, 2]
    assert service.counters.total("otelcol_receiver_accepted_spans", receiver="jaeger") == 4


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"body": b"garbage"}, 400),
        ({"headers": {"Content-Type": "application/json"}}, 400),
        ({"headers": {**THRIFT, "Content-Encoding": "br"}}, 415),
        ({"headers": {**THRIFT, "Content-Encoding": "gzip"}}, 400),
        ({"body": bytes(2000)}, 413),
        ({"method": "GET", "body": None}, 405),
    ],
    ids=["garbage", "json", "br", "no-gzip", "large", "get"],
)
async def test_what_is_no_batch_is_refused(request_, status):
    recorder = Recorder()
    async with running(recorder, max_request_body_size=1000) as service:
        assert (await post(service, **request_)).status_code == status
    assert recorder.batches == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RetryableError("full"), 503, grpc.StatusCode.UNAVAILABLE),
        (PermanentError("no"), 400, grpc.StatusCode.INVALID_ARGUMENT),
        (ZeroDivisionError("a defect"), 503, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_a_pipeline_that_does_not_take_a_batch_is_heard(error, status, code):
    async with running(Recorder(error)) as service:
        assert (await post(service)).status_code == status
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(service, jaeger.post_spans(jaeger.proto_span()))
        assert caught.value.code() is code
    assert refused(service) == 3


async def test_a_batch_over_grpc_is_answered_once_it_was_taken():
    recorder = Recorder()
    async with running(recorder) as service:
        assert await call(service, jaeger.post_spans(jaeger.proto_span())) == b""
        with pytest.raises(grpc.aio.AioRpcError):
            await call(service, b"\xff")
    assert [batch.items for batch in recorder.batches] == [1]


async def test_a_span_without_ids_costs_only_itself():
    recorder = Recorder(Receipt())
    async with running(recorder) as service:
        bad = jaeger.thrift_span(span_id=0)
        assert (await post(service, jaeger.thrift_batch(bad, jaeger.thrift_span()))).status_code == 202
        assert (await post(service, jaeger.thrift_batch(bad))).status_code == 400
    assert [batch.items for batch in recorder.batches] == [1]
    assert refused(service, reason="rejected") == 1
