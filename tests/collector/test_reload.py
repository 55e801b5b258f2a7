"""A running service gets another configuration."""

import asyncio
import contextlib
import os
import signal
import socket

import httpx
import pytest
import yaml
from structlog.testing import capture_logs

from helpers.otlp_peer import Answer, running_peer
from helpers.requests import OTLP, TraceRequest
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.load import loaded
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service
from tollspan.errors import ConfigError

REGISTRY = build_registry(FACTORIES)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def document(port, url, *, batch_size=20, **exporter):
    retry = {"initial_interval": "10ms", "max_interval": "20ms"}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {"batch": {"timeout": "5ms", "send_batch_size": batch_size}},
        "exporters": {"otlp_http": {"endpoint": url, "retry_on_failure": retry, **exporter}},
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlp_http"]}
            }
        },
    }


@contextlib.asynccontextmanager
async def running(config):
    service = Service(config, REGISTRY, drain_deadline_s=8)
    await service.start()
    try:
        yield service
    finally:
        await service.shutdown()


async def post(client, port, request):
    """Send until it is acknowledged, as an OTLP client does."""
    while True:
        try:
            answer = await client.post(
                f"http://127.0.0.1:{port}/v1/traces", content=request.wire, headers=OTLP
            )
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            return
        await asyncio.sleep(0.01)


def spans_of(*peers):
    exports = (export for peer in peers for export in peer.exports if export.stored)
    return sorted(span.span_id for export in exports for span in export.spans)


def span_ids(requests):
    return sorted(span_id for request in requests for span_id in request.span_ids)


async def test_reloads_under_load_lose_and_double_nothing():
    port, sent, done = free_port(), [], asyncio.Event()

    async def send():
        async with httpx.AsyncClient() as client:
            while not done.is_set():
                request = TraceRequest(3)
                sent.append(request)
                await post(client, port, request)

    with running_peer() as first, running_peer() as second:
        async with running(document(port, first.url)) as service:
            senders = [asyncio.create_task(send()) for _ in range(4)]
            for step, url in enumerate([first.url, second.url, second.url, first.url]):
                before = len(sent)
                while len(sent) < before + 20:  # noqa: ASYNC110 - the senders tell nobody
                    await asyncio.sleep(0.005)
                await service.reload(document(port, url, batch_size=10 + step // 2))
            done.set()
            await asyncio.gather(*senders)
        assert spans_of(first, second) == span_ids(sent)
        assert second.exports
    counted = service.counters.total("otelcol_exporter_sent_spans")
    assert counted == service.counters.total("otelcol_receiver_accepted_spans") == 3 * len(sent)


async def test_a_queue_goes_to_the_exporter_that_takes_the_place_of_its_own():
    port, requests = free_port(), [TraceRequest(2) for _ in range(10)]
    with running_peer() as dead, running_peer() as alive:
        dead.always = Answer(503)
        async with running(document(port, dead.url)) as service, httpx.AsyncClient() as client:
            for request in requests:
                await post(client, port, request)
            await asyncio.to_thread(dead.wait, lambda: len(dead.exports) > 0)
            await service.reload(document(port, alive.url))
            await asyncio.to_thread(alive.wait, lambda: spans_of(alive) == span_ids(requests))
        assert service.counters.total("otelcol_exporter_send_failed_spans") == 0


async def test_an_exporter_that_does_not_change_goes_on():
    port = free_port()
    with running_peer() as peer:
        async with running(document(port, peer.url)) as service:
            before = set(service._graph.nodes)
            await service.reload(document(port, peer.url, batch_size=7))
            kept = before & set(service._graph.nodes)
    assert [str(node) for node in kept] == ["exporters::otlp_http"]


async def test_a_faulty_configuration_changes_nothing():
    port = free_port()
    with running_peer() as peer:
        async with running(document(port, peer.url)) as service, httpx.AsyncClient() as client:
            with pytest.raises(ExceptionGroup):
                await service.reload(document(port, peer.url, no_such_key=1))
            request = TraceRequest(2)
            await post(client, port, request)
            await asyncio.to_thread(peer.wait, lambda: spans_of(peer) == span_ids([request]))


async def test_a_configuration_that_does_not_start_is_rolled_back_with_its_queue():
    port, requests = free_port(), [TraceRequest(2) for _ in range(6)]
    with running_peer() as peer, socket.create_server(("127.0.0.1", 0)) as taken:
        peer.always = Answer(503)
        async with running(document(port, peer.url)) as service, httpx.AsyncClient() as client:
            for request in requests[:3]:
                await post(client, port, request)
            wrong = document(taken.getsockname()[1], peer.url, timeout="9s")
            with pytest.raises(ConfigError, match="cannot listen"):
                await service.reload(wrong)
            peer.always = Answer(stores=True)
            for request in requests[3:]:
                await post(client, port, request)
            await asyncio.to_thread(peer.wait, lambda: len(spans_of(peer)) >= 12)
        assert spans_of(peer) == span_ids(requests)


async def test_sighup_reads_the_file_again_and_tells_a_faulty_ones_lines(tmp_path):
    port, path = free_port(), tmp_path / "collector.yaml"
    with running_peer() as peer:
        path.write_text(yaml.safe_dump(document(port, peer.url)))
        service = Service(document(port, peer.url), REGISTRY, drain_deadline_s=5)
        ready = asyncio.Event()
        with capture_logs() as logs:
            task = asyncio.create_task(service.run(ready.set, lambda: loaded([str(path)])))
            await ready.wait()
            path.write_text(yaml.safe_dump(document(port, peer.url, batch_size=5)))
            os.kill(os.getpid(), signal.SIGHUP)
            await logged(logs, "config_reloaded")
            path.write_text(yaml.safe_dump(document(port, peer.url, no_such_key=1)))
            os.kill(os.getpid(), signal.SIGHUP)
            await logged(logs, "config_reload_refused")
        async with httpx.AsyncClient() as client:
            await post(client, port, TraceRequest(1))
        os.kill(os.getpid(), signal.SIGTERM)
        await task
    (refused,) = (log for log in logs if log["event"] == "config_reload_refused")
    line = path.read_text().splitlines().index("    no_such_key: 1") + 1
    (problem,) = refused["problems"]
    assert problem.startswith(f"{path}:{line}: exporters::otlp_http::no_such_key: unknown key")


async def logged(logs, event):
    """Return when that is in the log, which tells nobody that it has grown."""
    async with asyncio.timeout(20):
        while event not in [log["event"] for log in logs]:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.005)
