"""Traces to several backends on real sockets; only the name service is a stand-in."""

import asyncio
import contextlib
import socket
from dataclasses import replace

import pytest

from helpers.grpc_peer import running_grpc_peer
from helpers.pipelines import QUICK, running_pipeline
from helpers.processors import batch_of, log_request, metric_request, trace_request
from helpers.service import StandInHost
from tollspan.collector.exporters.loadbalancing import exporter
from tollspan.collector.exporters.loadbalancing.config import (
    BackendConfig,
    DNSConfig,
    LoadBalancingConfig,
    ProtocolConfig,
    ResolverConfig,
    StaticConfig,
)
from tollspan.collector.exporters.loadbalancing.exporter import LoadBalancing, build_key, resolve
from tollspan.collector.record_groups import group_records
from tollspan.collector.sender_config import QueueConfig, RetryConfig
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import RetryableError
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.signals import Signal

TRACES = [bytes([number]) * 16 for number in range(1, 21)]


def request(part):
    """One span of every trace, called by its trace and `part`."""
    return trace_request(*({"trace_id": trace, "name": f"{trace[0]}/{part}"} for trace in TRACES))


def batch(part):
    return batch_of(request(part))


@contextlib.asynccontextmanager
async def running_backends(count):
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running_grpc_peer()) for _ in range(count)]


@contextlib.asynccontextmanager
async def running(resolver, **queue):
    otlp = BackendConfig(
        tls=TLSClientConfig(insecure=True),
        retry_on_failure=RetryConfig(initial_interval_s=0.01, max_interval_s=0.05),
        sending_queue=QueueConfig(**queue),
    )
    config = LoadBalancingConfig(resolver=resolver, protocol=ProtocolConfig(otlp=otlp))
    balancing, host = LoadBalancing(config), StandInHost()
    await balancing.start(host)
    balancing.counters = host.counters
    try:
        yield balancing
    finally:
        await balancing.shutdown()


def static(*hostnames):
    return ResolverConfig(static=StaticConfig(hostnames=list(hostnames)))


def all_names(backends):
    return sorted(name for backend in backends for name in backend.names)


async def wait_for(backends, names):
    """Return when that many spans have come to any of them."""
    async with asyncio.timeout(20):
        while len(all_names(backends)) < names:  # noqa: ASYNC110 - the backends tell each for itself
            await asyncio.sleep(0.01)


async def found(balancing):
    """Return when a backend is known."""
    async with asyncio.timeout(20):
        while balancing._ring is None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


async def test_every_trace_is_whole_at_one_backend_and_every_backend_has_some():
    async with running_backends(3) as backends:
        hostnames = [backend.url for backend in backends]
        settings = {
            "protocol": {"otlp": {"tls": {"insecure": True}, "retry_on_failure": QUICK}},
            "resolver": {"static": {"hostnames": hostnames}},
        }
        async with running_pipeline("loadbalancing", settings) as pipeline:
            for part in range(3):
                await pipeline.service._graph.nodes[0].component.consume(batch(part))
            await wait_for(backends, 60)
        traces = [{name.partition("/")[0] for name in backend.names} for backend in backends]
    assert all(traces)
    assert sum(map(len, traces)) == 20
    assert all_names(backends) == sorted(f"{trace[0]}/{part}" for trace in TRACES for part in range(3))


async def test_a_backend_that_is_down_does_not_hold_up_the_others_and_doubles_nothing():
    async with (
        running_backends(1) as (alive,),
        running(static(alive.url, "127.0.0.1:1"), queue_size=2) as balancing,
    ):
        at_alive = {trace for trace in TRACES if balancing._ring.endpoint(trace) == alive.url}
        for part in range(2):
            await balancing.consume(batch(part))
        await wait_for([alive], 2 * len(at_alive))
        for _ in range(3):  # the queue of the dead one is full, so a client sends again
            with pytest.raises(RetryableError):
                await balancing.consume(batch(2))
        await wait_for([alive], 3 * len(at_alive))
        assert balancing.condition().failures > 0
    assert 0 < len(at_alive) < 20
    assert sorted(alive.names) == sorted(f"{t[0]}/{part}" for t in at_alive for part in range(3))
    lost = balancing.counters.total("otelcol_exporter_send_failed_spans", reason="shutdown")
    assert lost == 2 * (20 - len(at_alive))


async def test_what_waits_for_a_backend_that_is_gone_goes_to_those_that_are_there(monkeypatch):
    async with running_backends(1) as (alive,):
        answers = [{"127.0.0.1:1"}]

        async def resolve(hostname, port):
            return set(answers[-1])

        monkeypatch.setattr(exporter, "resolve", resolve)
        dns = ResolverConfig(dns=DNSConfig(hostname="gateway", interval_s=0.01))
        async with running(dns) as balancing:
            await found(balancing)
            await balancing.consume(batch(0))
            answers.append({alive.url})
            await wait_for([alive], 20)
    assert sorted(alive.names) == sorted(f"{trace[0]}/0" for trace in TRACES)
    assert balancing.counters.total("otelcol_exporter_sent_spans") == 20
    assert balancing.counters.total("otelcol_exporter_send_failed_spans") == 0


async def test_while_no_backend_is_known_clients_keep_what_they_have(monkeypatch):
    async def resolve(hostname, port):
        raise OSError("no such name")

    monkeypatch.setattr(exporter, "resolve", resolve)
    async with running(ResolverConfig(dns=DNSConfig(hostname="gateway"))) as balancing:
        with pytest.raises(RetryableError, match="no backend"):
            await balancing.consume(batch(0))
        assert balancing.condition().reason == "no backend is known yet"


async def test_a_queue_goes_to_the_exporter_that_takes_its_place():
    async with running_backends(1) as (alive,), running(static("127.0.0.1:1")) as old:
        await old.consume(batch(0))
        left = await old.hand_over()
        config = LoadBalancingConfig(
            resolver=static(alive.url),
            protocol=ProtocolConfig(otlp=BackendConfig(tls=TLSClientConfig(insecure=True))),
        )
        new = LoadBalancing(config)
        new.inherit(left)
        await new.start(StandInHost())
        await wait_for([alive], 20)
        await new.shutdown()
    assert sum(b.items for b in left) == 20


async def test_a_span_that_cannot_be_read_is_rejected_and_the_others_go_on():
    async with running_backends(1) as (alive,), running(static(alive.url)) as balancing:
        whole = batch(0)
        unreadable = field_bytes(1, field_bytes(2, field_bytes(2, b"\x2a\x7f")))
        receipt = await balancing.consume(replace(whole, wire=whole.wire + unreadable, items=21))
        assert receipt.rejected == 1
        await wait_for([alive], 20)


def services(signal, request, routing_key):
    key = build_key(signal, routing_key)
    return set(group_records(request.SerializeToString(), key)[0])


def test_spans_and_log_records_are_routed_by_trace_or_service_and_metrics_by_service():
    spans = trace_request({"trace_id": TRACES[0]}, {"trace_id": TRACES[1]})
    assert services(Signal.TRACES, spans, "traceID") == set(TRACES[:2])
    assert len(services(Signal.TRACES, spans, "service")) == 1
    logs = log_request({"trace_id": TRACES[0]}, {})
    assert services(Signal.LOGS, logs, "traceID") == {TRACES[0], *services(Signal.LOGS, logs, "service")}
    metrics = metric_request(requests=[{}])
    assert services(Signal.METRICS, metrics, "traceID") == services(Signal.METRICS, metrics, "service")


async def test_a_name_stands_for_all_its_addresses():
    assert await resolve("127.0.0.1", 4317) == {"127.0.0.1:4317"}
    assert await resolve("::1", 4317) == {"[::1]:4317"}
    with pytest.raises(socket.gaierror):
        await resolve("no-such-host.invalid", 4317)
