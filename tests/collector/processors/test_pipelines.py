"""Processors in a running collector: OTLP over HTTP in, whole pipelines behind it."""

import asyncio
import contextlib
from pathlib import Path

import pytest
import requests
import yaml

from helpers.components import Recorder, exporter_factory
from helpers.otlp_strategies import REQUESTS
from helpers.processors import attributes_of, spans_of, trace_request
from helpers.requests import OTLP
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service
from tollspan.otlp.signals import Signal

PAGES = sorted((Path(__file__).parents[3] / "docs" / "collector" / "processors").glob("*.md"))
EXAMPLES = {
    page.stem: page.read_text().split("```yaml\n")[1].split("```")[0] for page in PAGES if page.stem != "ottl"
}
SPANS = trace_request(
    {"trace_id": b"a" * 16, "name": "GET /health", "attributes": {"http__route": "/health"}},
    {"trace_id": b"b" * 16, "name": "GET /readyz", "attributes": {"http__route": "/readyz"}},
    {"trace_id": b"c" * 16, "name": "GET /orders", "status": 2, "attributes": {"http__route": "/orders"}},
)

DOCUMENT_004 = """
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 102400, spike_limit_mib: 256}
  filter/traces:
    error_mode: ignore
    traces:
      span:
        - 'attributes["http.route"] == "/health"'
        - 'attributes["http.route"] == "/readyz"'
  resource:
    attributes:
      - {key: deployment.environment, value: production, action: upsert}
      - {key: k8s.cluster.name, value: prod-us-east-1, action: upsert}
  batch: {send_batch_size: 1024, send_batch_max_size: 2048, timeout: 10ms}
"""


@contextlib.asynccontextmanager
async def running(processors, *recorders, branches=None):
    """A collector; each recorder ends a pipeline of its own with the processors of its branch."""
    exporters = {f"recorder{number}": recorder for number, recorder in enumerate(recorders)}
    pipelines = {
        f"traces/{number}": {
            "receivers": ["otlp"],
            "processors": list(processors if branches is None else branches[number]),
            "exporters": [name],
        }
        for number, name in enumerate(exporters)
    }
    document = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "processors": processors,
        "exporters": dict.fromkeys(exporters),
        "service": {"pipelines": pipelines, "telemetry": {"metrics": {"level": "none"}}},
    }
    made = [exporter_factory(recorder, name) for name, recorder in exporters.items()]
    service = Service(document, build_registry([*FACTORIES, *made]), drain_deadline_s=5)
    await service.start()
    try:
        yield service
    finally:
        await service.shutdown()


async def send(service, request=SPANS):
    (server,) = service.http_servers.values()
    return await asyncio.to_thread(
        requests.post, f"{server.url}/v1/traces", request.SerializeToString(), headers=OTLP, timeout=10
    )


def received(recorder):
    return [REQUESTS[Signal.TRACES].FromString(batch.wire) for batch in recorder.batches]


async def test_the_pipeline_of_document_004_drops_health_checks_and_marks_resources():
    recorder = Recorder()
    async with running(yaml.safe_load(DOCUMENT_004)["processors"], recorder) as service:
        assert (await send(service)).status_code == 200
    (request,) = received(recorder)
    assert [span.name for span in spans_of(request)] == ["GET /orders"]
    resource = attributes_of(request.resource_spans[0].resource)
    assert resource["deployment.environment"] == "production"
    assert resource["k8s.cluster.name"] == "prod-us-east-1"
    assert service.counters.total("otelcol_processor_dropped_items", reason="filtered") == 2


async def test_an_edit_in_one_branch_is_not_seen_in_the_other():
    edited, plain = Recorder(), Recorder()
    processors = {"attributes": {"actions": [{"key": "http.route", "action": "delete"}]}}
    async with running(processors, edited, plain, branches=[["attributes"], []]) as service:
        assert (await send(service)).status_code == 200
    assert [request == SPANS for request in received(plain)] == [True]
    assert not any(attributes_of(span) for span in spans_of(received(edited)[0]))


async def test_a_request_of_which_nothing_is_left_is_answered_as_taken():
    recorder = Recorder()
    async with running({"filter": {"traces": {"span": ["true"]}}}, recorder) as service:
        assert (await send(service)).status_code == 200
    assert recorder.batches == []


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.usefixtures("small_process")
async def test_the_example_on_each_page_runs(name):
    processors = yaml.safe_load(EXAMPLES[name])["processors"]
    recorder = Recorder()
    async with running(processors, recorder) as service:
        assert (await send(service)).status_code == 200
    names = {span.name for request in received(recorder) for span in spans_of(request)}
    if name in ("filter", "tail_sampling"):
        assert "GET /orders" in names
        assert "GET /health" not in names
    elif name != "probabilistic_sampler":
        assert len(names) == 3
