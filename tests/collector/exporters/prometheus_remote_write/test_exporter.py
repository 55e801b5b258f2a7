import asyncio

import cramjam
import pytest

from helpers.http_peer import running_http_peer
from helpers.otlp_peer import Answer
from helpers.pipelines import QUICK, post, running_pipeline
from helpers.signals import metric_request
from tollspan.collector.config.decode import Decoding
from tollspan.collector.exporters.prometheus_remote_write.exporter import RemoteWriteConfig, build
from tollspan.otlp.signals import Signal


@pytest.fixture
def peer():
    with running_http_peer() as peer:
        yield peer


def running(peer, **settings):
    settings = {"endpoint": f"{peer.url}/api/v1/push", "retry_on_failure": QUICK, **settings}
    return running_pipeline("prometheusremotewrite", settings, signals=[Signal.METRICS])


async def test_metrics_go_out_as_remote_write(peer):
    async with running(peer, headers={"X-Scope-OrgID": "acme"}) as pipeline:
        await post(pipeline, Signal.METRICS, metric_request())
        await asyncio.to_thread(peer.wait, 1)

    ((path, headers, body),) = peer.requests
    assert path == "/api/v1/push"
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["content-encoding"] == "snappy"
    assert headers["x-prometheus-remote-write-version"] == "0.1.0"
    assert headers["x-scope-orgid"] == "acme"
    assert bytes(cramjam.snappy.decompress_raw(body)).count(b"requests_ratio") == 3


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_trouble_that_passes_costs_nothing(peer, status):
    peer.answers.append(Answer(status))
    async with running(peer) as pipeline:
        await post(pipeline, Signal.METRICS, metric_request())
        await asyncio.to_thread(peer.wait, 2)

    assert pipeline.count("otelcol_exporter_sent_metric_points") == 3
    assert pipeline.count("otelcol_exporter_send_failed_metric_points") == 0


async def test_what_is_refused_for_good_is_counted_and_not_sent_again(peer):
    peer.answers.append(Answer(400, b"out of order sample"))
    async with running(peer) as pipeline:
        await post(pipeline, Signal.METRICS, metric_request())
        await pipeline.counted("otelcol_exporter_send_failed_metric_points", 3)

    assert len(peer.requests) == 1


async def test_points_that_prometheus_does_not_know_are_counted_as_lost(peer):
    request = metric_request()
    histogram = request.resource_metrics[0].scope_metrics[0].metrics.add(name="d").histogram
    histogram.aggregation_temporality = 1
    histogram.data_points.add(time_unix_nano=1)
    async with running(peer) as pipeline:
        await post(pipeline, Signal.METRICS, request)
        await pipeline.counted("otelcol_exporter_send_failed_metric_points", 1, reason="rejected")

    assert pipeline.count("otelcol_exporter_sent_metric_points") == 3


async def test_a_large_batch_is_several_requests(peer):
    async with running(peer, max_batch_size_bytes=60) as pipeline:
        await post(pipeline, Signal.METRICS, metric_request())
        await asyncio.to_thread(peer.wait, 3)


def decode(**settings):
    decoding = Decoding()
    config = decoding.struct(RemoteWriteConfig, settings, "")
    return config, [str(problem) for problem in decoding.problems]


def test_requests_go_one_after_the_other_whatever_the_queue():
    for settings in (
        {},
        {"remote_write_queue": {"queue_size": 7}},
        {"sending_queue": {"queue_size": 7, "num_consumers": 4}},
    ):
        config, problems = decode(endpoint="http://x", **settings)
        assert problems == []
        queue = build(config)._config.sending_queue
        assert (queue.num_consumers, queue.queue_size) == (1, 7 if settings else 10_000)


def test_every_compression_but_snappy_is_refused():
    assert "compression type must be snappy" in decode(endpoint="http://x", compression="gzip")[1][0]
