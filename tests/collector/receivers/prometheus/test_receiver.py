import contextlib
import socket

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from helpers.components import Recorder
from helpers.service import StandInHost
from tollspan.collector.config.decode import Decoding
from tollspan.collector.receivers.prometheus.config import PrometheusReceiverConfig
from tollspan.collector.receivers.prometheus.receiver import FACTORY, PrometheusReceiver
from tollspan.errors import RetryableError
from tollspan.otlp.signals import Signal


@pytest.fixture
def target():
    """The address of a Prometheus client with one gauge."""
    registry = CollectorRegistry()
    Gauge("depth", "", ["queue"], registry=registry).labels("a").set(7)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextlib.asynccontextmanager
async def scraping(address, recorder, **job):
    """A receiver that scrapes the address every few milliseconds."""
    job = {
        "job_name": "shop",
        "scrape_interval": "20ms",
        "scrape_timeout": "20ms",
        "static_configs": [{"targets": [address], "labels": {"zone": "z"}}],
    } | job
    decoding = Decoding()
    config = decoding.struct(PrometheusReceiverConfig, {"config": {"scrape_configs": [job]}}, "")
    assert decoding.problems == []
    receiver = PrometheusReceiver(config, {Signal.METRICS: recorder})
    receiver.host = StandInHost()
    await receiver.start(receiver.host)
    try:
        yield receiver
    finally:
        await receiver.shutdown()


def read(batch):
    """The resource and the metrics' values by name."""
    (entry,) = ExportMetricsServiceRequest.FromString(batch.wire).resource_metrics
    resource = {attribute.key: attribute.value.string_value for attribute in entry.resource.attributes}
    metrics = {
        metric.name: metric.gauge.data_points[0].as_double for metric in entry.scope_metrics[0].metrics
    }
    return resource, metrics


async def first_batch(address, **job):
    recorder = Recorder()
    async with scraping(address, recorder, **job):
        await recorder.entered.wait()
    return recorder.batches[0]


async def test_a_target_is_scraped_with_what_it_says_and_how_it_is(target):
    batch = await first_batch(target, scrape_interval="500ms", scrape_timeout="500ms")
    resource, metrics = read(batch)
    host, port = target.split(":")
    assert resource == {
        "service.name": "shop",
        "service.instance.id": target,
        "server.address": host,
        "server.port": port,
        "url.scheme": "http",
    }
    assert (metrics["depth"], metrics["up"], metrics["scrape_samples_scraped"]) == (7.0, 1.0, 1.0)
    assert batch.items == 4


@pytest.mark.parametrize("job", [{"metrics_path": "/metrics"}, {"scheme": "https"}])
async def test_a_target_that_is_not_there_is_down(job):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        batch = await first_batch(f"127.0.0.1:{unused.getsockname()[1]}", **job)
    assert read(batch)[1]["up"] == 0.0


async def test_a_target_that_says_too_much_is_down(target):
    batch = await first_batch(target, body_size_limit=10)
    assert read(batch)[1]["up"] == 0.0


async def test_a_scrape_that_the_pipeline_cannot_take_is_counted_and_the_next_one_follows(target):
    recorder = Recorder(RetryableError("full"))
    async with scraping(target, recorder) as receiver:
        await recorder.entered.wait()
        recorder.answer = None
        recorder.entered.clear()
        await recorder.entered.wait()
    assert receiver.host.counters.total("otelcol_receiver_refused_metric_points") > 0


def test_only_metrics_are_received():
    assert FACTORY.signals == {Signal.METRICS}
