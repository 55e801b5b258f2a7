import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary, generate_latest

from tollspan.collector.receivers.prometheus.exposition import build_gauge, build_request, read_exposition
from tollspan.otlp import _decode

NOW_S = 1_700_000_000.0


@pytest.fixture
def registry():
    return CollectorRegistry()


def scrape(registry_or_text, labels=None, **options):
    """The metrics by name, decoded by the official library; the request must suit our own decoder."""
    text = (
        registry_or_text if isinstance(registry_or_text, str) else generate_latest(registry_or_text).decode()
    )
    scraped = read_exposition(text, labels or {}, NOW_S, **options)
    wire = build_request(scraped.metrics, {"service.name": "job"})
    decoded = _decode.decode("metrics", wire)
    assert (decoded.items, decoded.rejected) == (scraped.points, 0), decoded.problems
    (entry,) = ExportMetricsServiceRequest.FromString(wire).resource_metrics
    return {metric.name: metric for metric in entry.scope_metrics[0].metrics}


def attributes(point):
    return {attribute.key: attribute.value.string_value for attribute in point.attributes}


def test_a_counter_is_a_monotonic_sum_with_its_whole_name(registry):
    Counter("requests", "How many", ["route"], registry=registry).labels("/x").inc(3)
    metric = scrape(registry)["requests_total"]
    (point,) = metric.sum.data_points
    assert metric.description == "How many"
    assert (metric.sum.is_monotonic, metric.sum.aggregation_temporality) == (True, 2)
    assert (point.as_double, attributes(point)) == (3.0, {"route": "/x"})
    assert point.time_unix_nano == int(NOW_S * 1e9)


def test_a_gauge_and_an_unknown_are_gauges(registry):
    Gauge("depth", "", registry=registry).set(-1.5)
    assert scrape(registry)["depth"].gauge.data_points[0].as_double == -1.5
    assert scrape("whatever 7\n")["whatever"].gauge.data_points[0].as_double == 7.0


def test_a_histogram_keeps_its_buckets(registry):
    histogram = Histogram("latency", "", ["route"], buckets=(0.1, 1), registry=registry)
    for value in (0.05, 0.5, 0.5, 9):
        histogram.labels("/x").observe(value)
    (point,) = scrape(registry)["latency"].histogram.data_points
    assert list(point.explicit_bounds) == [0.1, 1.0]
    assert list(point.bucket_counts) == [1, 2, 1]
    assert (point.count, round(point.sum, 2), attributes(point)) == (4, 10.05, {"route": "/x"})


def test_a_summary_keeps_its_quantiles(registry):
    Summary("size", "", registry=registry).observe(4)
    (point,) = scrape(registry)["size"].summary.data_points
    assert (point.count, point.sum) == (1, 4.0)
    text = '# TYPE s summary\ns{quantile="0.5"} 1\ns{quantile="0.9"} 2\ns_sum 3\ns_count 2\n'
    (point,) = scrape(text)["s"].summary.data_points
    assert [(q.quantile, q.value) for q in point.quantile_values] == [(0.5, 1.0), (0.9, 2.0)]


def test_target_info_describes_the_target(registry):
    Info("target", "", registry=registry).info({"version": "1.2"})
    Gauge("g", "", registry=registry).set(1)
    scraped = read_exposition(generate_latest(registry).decode(), {}, NOW_S)
    assert (scraped.target_info, scraped.points) == ({"version": "1.2"}, 1)


def test_labels_of_the_configuration_go_before_the_targets():
    text = 'g{zone="mine"} 1\n'
    (point,) = scrape(text, {"zone": "ours"})["g"].gauge.data_points
    assert attributes(point) == {"exported_zone": "mine", "zone": "ours"}
    (point,) = scrape(text, {"zone": "ours"}, honor_labels=True)["g"].gauge.data_points
    assert attributes(point) == {"zone": "mine"}


def test_a_targets_own_time_is_kept_unless_it_is_not_to_be():
    assert scrape("g 1 5000\n")["g"].gauge.data_points[0].time_unix_nano == 5 * 10**9
    late = scrape("g 1 5000\n", honor_timestamps=False)["g"].gauge.data_points[0]
    assert late.time_unix_nano == int(NOW_S * 1e9)


@pytest.mark.parametrize(
    "bad", ['h_bucket{le="1"} NaN\nh_count NaN', 'h_bucket{le="+Inf"} -3\nh_count -3', "h_count Inf\nh_sum 1"]
)
def test_a_number_that_otlp_has_no_place_for_costs_its_own_point_only(bad):
    found = scrape(f"# TYPE h histogram\n{bad}\ng 1\n")
    assert len(found["h"].histogram.data_points) == 0
    assert found["g"].gauge.data_points[0].as_double == 1.0


@given(st.text(max_size=80))
def test_garbage_is_a_value_error_or_metrics(text):
    with contextlib.suppress(ValueError):
        read_exposition(text, {}, NOW_S)


def test_a_gauge_of_our_own_is_one_metric():
    wire = build_request([build_gauge("up", 1.0, {"a": "b"}, NOW_S)], {"service.name": "job"})
    (entry,) = ExportMetricsServiceRequest.FromString(wire).resource_metrics
    (point,) = entry.scope_metrics[0].metrics[0].gauge.data_points
    assert (point.as_double, attributes(point)) == (1.0, {"a": "b"})
