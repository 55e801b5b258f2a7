from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from helpers.broken_pipeline import Broken
from helpers.otlp_peer import OTLPPeer
from tollspan.otlp.signals import Signal
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.delivery import Delivery
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.metrics import METRICS, MetricPipeline, metrics_bytes, point_count
from tollspan.sdk.settings import read_settings

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
EXPLICIT = "explicit_bucket_histogram"
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE


def _exporter(peer: OTLPPeer, **arguments: Any) -> Exporter[MetricsData]:
    settings, _ = read_settings({"endpoint": peer.url, "batch_items_max": 1, **arguments}, {}, Signal.METRICS)
    sender = HTTPSender(Signal.METRICS, settings, HTTPTransport(settings), None)
    return Exporter(Delivery(METRICS, sender, settings, Events()), Events())


@pytest.fixture
def pipeline(peer: OTLPPeer) -> Iterator[MetricPipeline]:
    pipeline = MetricPipeline("cumulative", EXPLICIT, Attribution(Events()), Events())
    pipeline.exporter = _exporter(peer)
    pipeline.interval_s = 3600
    pipeline.start()
    yield pipeline
    pipeline.stop()
    pipeline.exporter.shutdown(1)


def _totals(peer: OTLPPeer, name: str) -> list[int]:
    return [metric.sum.data_points[0].as_int for metric in peer.measured[name]]


def test_what_was_measured_arrives_every_interval(peer: OTLPPeer, pipeline: MetricPipeline) -> None:
    provider = MeterProvider([pipeline], shutdown_on_exit=False)
    provider.get_meter("tests").create_counter("orders").add(2)
    pipeline.stop()
    pipeline.interval_s = 0.01
    pipeline.start()
    peer.wait(lambda: len(peer.metric_exports) >= 2)
    assert _totals(peer, "orders")[:2] == [2, 2]


def test_a_flush_collects_at_once(peer: OTLPPeer, pipeline: MetricPipeline) -> None:
    provider = MeterProvider([pipeline], shutdown_on_exit=False)
    counter = provider.get_meter("tests").create_counter("orders")
    for _ in range(2):
        counter.add(1)
        assert pipeline.force_flush()
    assert _totals(peer, "orders") == [1, 2]
    provider.shutdown()
    assert _totals(peer, "orders") == [1, 2, 2]


@pytest.mark.parametrize(
    ("temporality", "counter", "up_down", "observed"),
    [
        ("cumulative", CUMULATIVE, CUMULATIVE, CUMULATIVE),
        ("delta", DELTA, CUMULATIVE, DELTA),
        ("lowmemory", DELTA, CUMULATIVE, CUMULATIVE),
    ],
)
def test_temporality_is_as_the_specification_says(
    peer: OTLPPeer, temporality: str, counter: int, up_down: int, observed: int
) -> None:
    pipeline = MetricPipeline(temporality, EXPLICIT, Attribution(Events()), Events())
    pipeline.exporter = _exporter(peer)
    pipeline.start()
    meter = MeterProvider([pipeline], shutdown_on_exit=False).get_meter("tests")
    meter.create_counter("counter").add(1)
    meter.create_up_down_counter("up_down").add(1)
    meter.create_histogram("histogram").record(1)
    meter.create_observable_counter("observed", [lambda _: [Observation(1)]])
    assert pipeline.force_flush()
    (request,) = (export.metrics for export in peer.metric_exports)
    found = {m.name: (m.sum if m.HasField("sum") else m.histogram).aggregation_temporality for m in request}
    assert found == {"counter": counter, "up_down": up_down, "histogram": counter, "observed": observed}
    pipeline.shutdown()


@pytest.mark.parametrize(
    ("name", "member"),
    [(EXPLICIT, "histogram"), ("base2_exponential_bucket_histogram", "exponential_histogram")],
)
def test_histograms_become_what_the_settings_say(peer: OTLPPeer, name: str, member: str) -> None:
    pipeline = MetricPipeline("cumulative", name, Attribution(Events()), Events())
    pipeline.exporter = _exporter(peer)
    pipeline.start()
    MeterProvider([pipeline], shutdown_on_exit=False).get_meter("tests").create_histogram("h").record(1)
    assert pipeline.force_flush()
    assert peer.measured["h"][0].WhichOneof("data") == member
    pipeline.shutdown()


def test_an_empty_collection_sends_nothing(peer: OTLPPeer, pipeline: MetricPipeline) -> None:
    MeterProvider([pipeline], shutdown_on_exit=False)
    assert pipeline.force_flush()
    assert peer.metric_exports == []


def test_data_points_are_what_is_counted(peer: OTLPPeer, pipeline: MetricPipeline) -> None:
    counter = MeterProvider([pipeline], shutdown_on_exit=False).get_meter("tests").create_counter("orders")
    for shop in "abc":
        counter.add(1, {"shop": shop})
    counter.add(1, {"shop": "bad\ud800"})
    pipeline.force_flush()
    assert pipeline.exporter is not None
    assert (pipeline.exporter.tally().sent, pipeline.exporter.tally().dropped) == (3, {"encode_error": 1})


def test_a_callback_that_hangs_holds_up_nobody_else(peer: OTLPPeer, pipeline: MetricPipeline) -> None:
    release = threading.Event()

    def hang(_: CallbackOptions) -> list[Observation]:
        release.wait()
        return []

    provider = MeterProvider([pipeline], shutdown_on_exit=False)
    provider.get_meter("tests").create_observable_gauge("slow", [hang])
    pipeline.collect_now(0.01)
    assert pipeline.exporter is not None
    assert pipeline.exporter.tally().pending == 0
    release.set()


def test_without_an_exporter_nothing_is_collected_and_all_is_quiet() -> None:
    pipeline = MetricPipeline("delta", EXPLICIT, Attribution(Events()), Events())
    pipeline.start()
    MeterProvider([pipeline], shutdown_on_exit=False).get_meter("tests").create_counter("orders").add(1)
    pipeline.collect_now(5)
    assert pipeline.force_flush()
    pipeline.shutdown()
    pipeline.stop()


def test_a_bug_in_the_pipeline_ends_neither_the_thread_nor_the_application(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline = MetricPipeline("cumulative", EXPLICIT, Attribution(Events()), Events())
    pipeline.exporter = Broken()
    pipeline.start()
    MeterProvider([pipeline], shutdown_on_exit=False).get_meter("tests").create_counter("orders").add(1)
    for _ in range(2):
        pipeline.collect_now(5)
    assert "the metrics could not be collected: " in caplog.text
    pipeline.stop()


def test_after_a_fork_totals_start_at_nothing_and_now(peer: OTLPPeer, pipeline: MetricPipeline) -> None:
    provider = MeterProvider([pipeline], shutdown_on_exit=False)
    counter = provider.get_meter("tests").create_counter("orders")
    counter.add(5)
    assert pipeline.force_flush()
    # A child process finds the parent's memory, without its threads.
    pipeline.after_fork()
    counter.add(1)
    assert pipeline.force_flush()
    assert _totals(peer, "orders") == [5, 1]
    parent, child = (metric.sum.data_points[0] for metric in peer.measured["orders"])
    assert child.start_time_unix_nano > parent.time_unix_nano


def test_points_are_counted_and_weighed() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("tests")
    meter.create_counter("a").add(1)
    meter.create_histogram("b").record(1, {"x": 1})
    meter.create_histogram("b").record(1, {"x": 2})
    data = reader.get_metrics_data()
    assert data is not None
    assert point_count(data) == 3
    assert metrics_bytes(data) > 1000
