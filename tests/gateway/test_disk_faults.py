"""A disk that is full or slow, as the gateway's clients see it."""

import asyncio
import threading

import grpc
import pytest

from helpers.gateway_service import key_of, running_gateway
from helpers.requests import OTLP, TraceRequest
from helpers.signals import log_request
from tollspan.errors import StoreError
from tollspan.gateway.storage import group_commit
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

LARGE = 1 << 20
PENDING_BYTES_MAX = 6 << 20


@pytest.fixture
async def gateway(tmp_path, monkeypatch):
    async with running_gateway(tmp_path, monkeypatch) as running:
        yield running


def large_log(number):
    request = log_request()
    request.resource_logs[0].scope_logs[0].log_records[0].body.string_value = f"{number:08}" * (LARGE // 8)
    return request.SerializeToString()


async def test_a_full_disk_is_told_so_that_clients_send_again_and_nothing_is_doubled(gateway, monkeypatch):
    service, http = gateway
    key, request = key_of(service, "acme"), TraceRequest(2)
    engine = service.extension("store").store._engine

    def refuse(*_):
        raise StoreError("no space is left on the disk")

    async def post():
        return await http.post("/v1/traces", content=request.wire, headers=OTLP | key)

    with monkeypatch.context() as full:
        full.setattr(engine, "disk_free_bytes", lambda: 1000)
        full.setattr(engine, "insert", refuse)
        refused, ready = await post(), await http.get("/readyz")
        [server] = service.grpc_servers.values()
        async with grpc.aio.insecure_channel(server.address) as channel:
            export = channel.unary_unary(f"/{SERVICES[Signal.TRACES]}/Export")
            with pytest.raises(grpc.aio.AioRpcError) as unavailable:
                await export(request.wire, metadata=[("x-api-key", key["X-API-Key"])])
        listed = await http.get("/api/v1/traces", headers=key)

    assert (refused.status_code, refused.headers["retry-after"], ready.status_code) == (503, "5", 503)
    assert unavailable.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "google.rpc.retryinfo-bin" in unavailable.value.trailing_metadata()
    assert (listed.status_code, listed.json()["data"]) == (200, [])
    assert [(await post()).status_code for _ in range(2)] == [200, 200]
    trace = (await http.get(f"/api/v1/traces/{request.trace_id.hex()}", headers=key)).json()
    assert sorted(trace["spans"]["span_id"]) == sorted(span_id.hex() for span_id in request.span_ids)


async def test_a_slow_disk_holds_up_writers_within_bounds_and_readers_not_at_all(gateway, monkeypatch):
    service, http = gateway
    key, released = key_of(service, "acme"), threading.Event()
    engine = service.extension("store").store._engine
    insert = engine.insert

    def insert_slowly(*arguments):
        assert released.wait(60)
        insert(*arguments)

    monkeypatch.setattr(engine, "insert", insert_slowly)
    monkeypatch.setattr(group_commit, "PENDING_BYTES_MAX", PENDING_BYTES_MAX)

    async def post(number):
        answer = await http.post("/v1/logs", content=large_log(number), headers=OTLP | key)
        return answer.status_code, answer.headers.get("retry-after")

    writing = [asyncio.create_task(post(number)) for number in range(2 * PENDING_BYTES_MAX // LARGE)]
    done, _ = await asyncio.wait(writing, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    early = {task.result() for task in done}
    reading = await http.get("/api/v1/logs", headers=key)
    released.set()
    answers = await asyncio.gather(*writing)
    stored = (await http.get("/api/v1/logs", headers=key, params={"limit": 100})).json()["data"]

    assert early == {(503, "1")}  # nothing is acknowledged before it is stored
    assert (reading.status_code, reading.json()["data"]) == (200, [])
    assert set(answers) == {(200, None), (503, "1")}
    assert len(stored) == answers.count((200, None)) >= PENDING_BYTES_MAX // LARGE - 1
