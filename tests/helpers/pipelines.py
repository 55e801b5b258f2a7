"""A collector with one pipeline in the test's own event loop: OTLP in, the exporter under test out."""

import asyncio
import contextlib

import httpx

from helpers.signals import trace_request
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

QUICK = {"initial_interval": "10ms", "max_interval": "50ms"}
"""Retries that a test can wait for."""


def trace_batch(spans=2, tenant="", dataset=""):
    return Batch(Signal.TRACES, trace_request(spans).SerializeToString(), spans, tenant, dataset)


class RunningPipeline:
    """What a test needs of a running collector."""

    def __init__(self, service):
        self.service = service

    @property
    def url(self):
        (server,) = self.service.http_servers.values()
        return server.url

    def count(self, name, **labels):
        return self.service.counters.total(name, **labels)

    async def counted(self, name, amount, **labels):
        """Return when so much is counted: counters tell nobody that they have changed."""
        async with asyncio.timeout(20):
            while self.count(name, **labels) < amount:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running_pipeline(exporter, settings, *, extensions=None, signals=(Signal.TRACES,), receiver=None):
    """`exporter` is its id; `extensions` are the sections of those that it names."""
    document = {
        "receivers": receiver or {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {exporter: settings},
        "extensions": extensions or {},
        "service": {
            "extensions": list(extensions or {}),
            "pipelines": {
                signal.value: {"receivers": list(receiver or ["otlp"]), "exporters": [exporter]}
                for signal in signals
            },
        },
    }
    service = Service(document, build_registry(FACTORIES), drain_deadline_s=4)
    await service.start()
    try:
        yield RunningPipeline(service)
    finally:
        await service.shutdown()


async def post(pipeline, signal, request):
    """Send an export request to the pipeline; it must be acknowledged."""
    async with httpx.AsyncClient(base_url=pipeline.url) as http:
        headers = {"Content-Type": "application/x-protobuf"}
        answer = await http.post(signal.path, content=request.SerializeToString(), headers=headers)
        assert answer.status_code == 200, answer.text
