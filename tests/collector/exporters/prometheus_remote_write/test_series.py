import math
import struct

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tollspan.collector.exporters.prometheus_remote_write.series import (
    STALE,
    Style,
    format_number,
    sanitize,
    translate,
)

DELTA, CUMULATIVE = 1, 2


class Metrics:
    """A request under construction: one resource, one scope."""

    def __init__(self, scope="", **resource):
        self.request = ExportMetricsServiceRequest()
        resource_metrics = self.request.resource_metrics.add()
        for key, value in resource.items():
            attribute = resource_metrics.resource.attributes.add(key=key.replace("__", "."))
            attribute.value.string_value = value
        self.scope = resource_metrics.scope_metrics.add()
        self.scope.scope.name = scope

    def add(self, name, unit=""):
        return self.scope.metrics.add(name=name, unit=unit)

    def translate(self, **style):
        return translate(self.request.SerializeToString(), Style(**style))

    def samples(self, **style):
        """(labels as text, value, time) of each sample."""
        return [
            (dict(sample.labels), sample.value, sample.time_ms) for sample in self.translate(**style).samples
        ]


def gauge(metrics, name="g", unit="", **attributes):
    point = metrics.add(name, unit).gauge.data_points.add(time_unix_nano=5_000_000, as_double=1.5)
    for key, value in attributes.items():
        point.attributes.add(key=key).value.string_value = value


def test_a_gauge_is_one_sample_with_its_attributes_as_labels():
    metrics = Metrics()
    gauge(metrics, route="/x")
    assert metrics.samples() == [({"__name__": "g", "route": "/x"}, 1.5, 5)]


def test_integers_keep_their_sign():
    metrics = Metrics()
    metrics.add("g").gauge.data_points.add(time_unix_nano=1, as_int=-3)
    assert metrics.samples()[0][1] == -3.0


def test_a_histogram_is_cumulative_buckets_a_sum_and_a_count():
    metrics = Metrics()
    histogram = metrics.add("latency", "s").histogram
    histogram.aggregation_temporality = CUMULATIVE
    histogram.data_points.add(
        time_unix_nano=1_000_000, count=6, sum=2.5, bucket_counts=[1, 2, 3], explicit_bounds=[0.5, 1]
    )
    found = [(labels["__name__"], labels.get("le"), value) for labels, value, _ in metrics.samples()]
    assert found == [
        ("latency_seconds_bucket", "0.5", 1.0),
        ("latency_seconds_bucket", "1", 3.0),
        ("latency_seconds_bucket", "+Inf", 6.0),
        ("latency_seconds_sum", None, 2.5),
        ("latency_seconds_count", None, 6.0),
    ]


def test_a_summary_is_its_quantiles_a_sum_and_a_count():
    metrics = Metrics()
    point = metrics.add("s").summary.data_points.add(time_unix_nano=1, count=4, sum=8)
    point.quantile_values.add(quantile=0.99, value=3)
    found = [(labels["__name__"], labels.get("quantile"), value) for labels, value, _ in metrics.samples()]
    assert found == [("s", "0.99", 3.0), ("s_sum", None, 8.0), ("s_count", None, 4.0)]


def test_job_and_instance_come_from_the_service_and_the_rest_is_target_info():
    metrics = Metrics(
        service__name="shop", service__namespace="eu", service__instance__id="i1", host__name="h"
    )
    gauge(metrics)
    identity = {"job": "eu/shop", "instance": "i1"}
    assert metrics.samples() == [
        ({"__name__": "g", **identity}, 1.5, 5),
        ({"__name__": "target_info", "host_name": "h", **identity}, 1.0, 5),
    ]
    assert len(metrics.samples(target_info=False)) == 1


def test_a_resource_can_be_on_every_series():
    metrics = Metrics(service__name="shop", host__name="h")
    gauge(metrics)
    assert metrics.samples(resource_labels=True)[0][0]["service_name"] == "shop"
    bare = metrics.samples(resource_labels=True, service_labels=False)[0][0]
    assert (bare["host_name"], "service_name" in bare) == ("h", False)


def test_scope_namespace_and_external_labels_are_there_when_they_are_wanted():
    metrics = Metrics(scope="lib")
    gauge(metrics, region="mine")
    (labels, _, _), *_ = metrics.samples(namespace="acme", external_labels={"cluster": "c", "region": "all"})
    assert labels == {"__name__": "acme_g", "otel_scope_name": "lib", "cluster": "c", "region": "mine"}
    assert "otel_scope_name" not in metrics.samples(scope_labels=False)[0][0]


@pytest.mark.parametrize("kind", ["sum", "histogram"])
def test_delta_points_are_counted_as_rejected(kind):
    metrics = Metrics()
    data = getattr(metrics.add("d"), kind)
    data.aggregation_temporality = DELTA
    data.data_points.add(time_unix_nano=1)
    gauge(metrics)
    translation = metrics.translate()
    assert (len(translation.samples), translation.rejected) == (1, 1)
    assert "delta" in translation.reason


def exponential(metrics, scale, **fields):
    data = metrics.add("e").exponential_histogram
    data.aggregation_temporality = CUMULATIVE
    data.data_points.add(time_unix_nano=5_000_000, scale=scale, **fields)


def test_an_exponential_histogram_is_one_sample_with_a_native_one():
    metrics = Metrics(service__name="shop")
    exponential(metrics, 3, count=2, sum=1.5)
    (sample,) = metrics.translate().samples
    assert (dict(sample.labels), sample.time_ms) == ({"__name__": "e", "job": "shop"}, 5)
    assert sample.histogram


def test_an_exponential_histogram_that_is_too_coarse_is_counted_as_rejected():
    metrics = Metrics()
    exponential(metrics, -5)
    assert metrics.translate().rejected == 1


def test_a_series_that_ended_is_marked_stale():
    metrics = Metrics()
    metrics.add("g").gauge.data_points.add(time_unix_nano=1, flags=1)
    ((_, value, _),) = metrics.samples()
    assert math.isnan(value)
    assert struct.pack("<d", value) == struct.pack("<d", STALE) == bytes.fromhex("020000000000f07f")


def test_attributes_that_get_one_name_share_it():
    assert sanitize({"b.c": "2", "a.b": "x", "b_c": "1"}) == {"a_b": "x", "b_c": "2;1"}


def test_numbers_are_written_as_prometheus_does():
    numbers = [1.0, 0.25, math.inf, -math.inf, 1e300]
    assert [format_number(number) for number in numbers] == ["1", "0.25", "+Inf", "-Inf", "1e+300"]
