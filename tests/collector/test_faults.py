"""Whatever fails around a collector: what it acknowledged arrives, once, and the account adds up."""

import asyncio
import contextlib
import resource

import httpx
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.collector_process import Collector
from helpers.otlp_peer import Answer, partial, reset_connection, running_peer, truncated
from helpers.pipelines import QUICK, RunningPipeline
from helpers.requests import OTLP, TraceRequest
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service

DESTINATION_FAULTS = {
    "401": Answer(401),
    "429": Answer(429, headers={"Retry-After": "0"}),
    "503": Answer(503),
    "cut": reset_connection,
    "half": truncated,
}
TOKEN_FAULTS = {
    "503": Answer(503, headers={"Retry-After": "0"}),
    "page": Answer(200, b"<html>", {"Content-Type": "text/html"}),
    "half": Answer(200, b'{"access_token": "x', {"Content-Type": "application/json"}),
}


def document(*exporters, **queue):
    """One pipeline of traces to exporters of these settings, with a token from the first one's peer."""
    url = exporters[0]["endpoint"]
    sender = {"retry_on_failure": QUICK, "auth": {"authenticator": "oauth2client"}}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {
            f"otlp_http/{number}": {
                **sender,
                "sending_queue": {**queue, **own.pop("sending_queue", {})},
                **own,
            }
            for number, own in enumerate(exporters)
        },
        "extensions": {"oauth2client": {"client_id": "a", "client_secret": "b", "token_url": f"{url}/token"}},
        "service": {
            "extensions": ["oauth2client"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "exporters": [f"otlp_http/{number}" for number in range(len(exporters))],
                }
            },
        },
    }


@contextlib.asynccontextmanager
async def running(config):
    service = Service(config, build_registry(FACTORIES), drain_deadline_s=8)
    await service.start()
    try:
        yield RunningPipeline(service)
    finally:
        await service.shutdown()


async def post(url, request):
    """Send until it is acknowledged, as a client does; how often that took."""
    async with httpx.AsyncClient() as client:
        for attempts in range(1, 1000):
            answer = await client.post(f"{url}/v1/traces", content=request.wire, headers=OTLP)
            if answer.status_code == 200:
                return attempts
            assert answer.status_code == 503
            await asyncio.sleep(0.01)
    raise AssertionError("it is never taken")


def fill(url, requests):
    """Send one after the other until one is refused: those that were taken, and the refusal."""
    for number, request in enumerate(requests):
        answer = httpx.post(f"{url}/v1/traces", content=request.wire, headers=OTLP)
        if answer.status_code != 200:
            return requests[:number], answer
    raise AssertionError("there was room for all")


def span_ids(exports):
    return sorted(span.span_id for export in exports if export.stored for span in export.spans)


async def arrived(peer, requests):
    """Return when the peer has as many spans as were sent; they are those, each once."""
    sent = sorted(span_id for request in requests for span_id in request.span_ids)
    await asyncio.to_thread(peer.wait, lambda: len(span_ids(peer.exports)) >= len(sent))
    assert span_ids(peer.exports) == sent


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    destination=st.lists(st.sampled_from(sorted(DESTINATION_FAULTS)), max_size=6),
    tokens=st.lists(st.sampled_from(sorted(TOKEN_FAULTS)), max_size=2),
)
def test_every_span_arrives_once_and_is_accounted_for_whatever_fails(destination, tokens):
    async def run():
        requests = [TraceRequest(3) for _ in range(8)]
        with running_peer(token_lifetime_s=3600) as peer:
            peer.answers += [DESTINATION_FAULTS[name] for name in destination]
            peer.token_answers += [TOKEN_FAULTS[name] for name in tokens]
            async with running(document({"endpoint": peer.url})) as pipeline:
                await asyncio.gather(*(post(pipeline.url, request) for request in requests))
                await arrived(peer, requests)
            accepted = pipeline.count("otelcol_receiver_accepted_spans")
            sent = pipeline.count("otelcol_exporter_sent_spans")
            lost = pipeline.count("otelcol_exporter_send_failed_spans")
        assert (accepted, sent, lost) == (24, 24, 0)

    asyncio.run(run())


async def test_a_dead_branch_of_two_loses_nothing_and_doubles_nothing_in_the_other():
    requests = [TraceRequest(3) for _ in range(6)]
    with running_peer(token_lifetime_s=3600) as healthy, running_peer() as dead:
        dead.always = Answer(503)
        narrow = {"endpoint": dead.url, "sending_queue": {"queue_size": 2}}
        async with running(document({"endpoint": healthy.url}, narrow)) as pipeline:
            sending = [asyncio.create_task(post(pipeline.url, request)) for request in requests]
            await asyncio.to_thread(healthy.wait, lambda: len(span_ids(healthy.exports)) == 18)
            await pipeline.counted("otelcol_receiver_refused_spans", 3 * 20)
            assert sum(task.done() for task in sending) == 2
            dead.always = Answer(stores=True)
            attempts = await asyncio.gather(*sending)
            await arrived(dead, requests)
            await arrived(healthy, requests)
            refused = pipeline.count("otelcol_receiver_refused_spans")
    assert sum(attempts) == 6 + refused / 3
    sent = [pipeline.count("otelcol_exporter_sent_spans", exporter=f"otlp_http/{n}") for n in range(2)]
    assert sent == [18, 18]


async def test_a_full_disk_and_a_kill_lose_nothing_that_was_acknowledged(tmp_path):
    requests = [TraceRequest(40) for _ in range(30)]
    storage = {"file_storage": {"directory": str(tmp_path / "queue"), "create_directory": True}}
    with running_peer(token_lifetime_s=3600) as peer:
        peer.always = Answer(503)
        config = document({"endpoint": peer.url}, storage="file_storage")
        config["extensions"] |= storage
        config["service"]["extensions"].append("file_storage")
        path = tmp_path / "collector.yaml"
        path.write_text(yaml.safe_dump(config))

        collector = Collector(tmp_path, path)
        collector.start()
        # No file may grow beyond this: to the process that is a disk without room.
        resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))
        try:
            taken, refusal = await asyncio.to_thread(fill, collector.url, requests)
        finally:
            collector.kill()
        assert (refusal.status_code, "File too large" in refusal.text) == (503, True)
        assert taken

        peer.always = Answer(stores=True)
        with Collector(tmp_path, path) as collector:
            await arrived(peer, taken)
            await asyncio.gather(*(post(collector.url, request) for request in requests[len(taken) :]))
            await arrived(peer, requests)


async def test_the_account_of_a_whole_pipeline_adds_up_on_its_metrics_page():
    requests = [TraceRequest(5, trace_id=bytes([number]) * 16) for number in range(1, 41)]
    with running_peer(token_lifetime_s=3600) as peer, running_peer() as dead:
        dead.always = Answer(503)
        peer.answers += [Answer(400), partial(2)]
        config = document({"endpoint": peer.url}, {"endpoint": dead.url})
        config["processors"] = {
            "memory_limiter": {"check_interval": "1s", "limit_mib": 102400},
            "filter": {"traces": {"span": ['name == "step 1"']}},
            "probabilistic_sampler": {"sampling_percentage": 50},
            "batch": {"timeout": "10ms", "send_batch_size": 20},
        }
        config["service"]["pipelines"]["traces"]["processors"] = list(config["processors"])
        config["service"]["telemetry"] = {"metrics": {"address": "127.0.0.1:0"}}
        async with running(config) as pipeline:
            await asyncio.gather(*(post(pipeline.url, request) for request in requests))
            page = await balanced_page(pipeline.url)
    assert total(page, "processor_dropped_items", 'processor="filter"') == 40
    assert 0 < total(page, "processor_dropped_items", 'processor="probabilistic_sampler"') < 160
    assert total(page, "exporter_send_failed_spans", 'reason="rejected"') == 2
    assert total(page, "exporter_send_failed_spans", 'reason="refused"') > 2
    assert total(page, "exporter_queue_items", 'exporter="otlp_http/1"') > 0


async def balanced_page(url):
    """The metrics page once all that was accepted is dropped, sent, lost or waits at each exporter.

    The first exporter's destination answers, so nothing waits there in the end.
    """
    async with asyncio.timeout(20), httpx.AsyncClient() as client:
        while True:
            page = (await client.get(f"{url}/metrics")).text
            kept = total(page, "receiver_accepted_spans") - total(page, "processor_dropped_items")
            waiting = total(page, "exporter_queue_items", 'exporter="otlp_http/0"')
            if not waiting and all(at_exporter(page, f"otlp_http/{number}") == kept for number in range(2)):
                return page
            await asyncio.sleep(0.01)


def at_exporter(page, exporter):
    parts = ("sent_spans", "send_failed_spans", "queue_items")
    return sum(total(page, f"exporter_{part}", f'exporter="{exporter}"') for part in parts)


def total(page, name, label=""):
    """The sum of everything of that name on the page that has the label."""
    lines = (line for line in page.splitlines() if line.startswith(f"otelcol_{name}") and label in line)
    return sum(float(line.rpartition(" ")[2]) for line in lines)
