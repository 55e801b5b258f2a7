import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.exporters.prometheus_remote_write.naming import (
    join_words,
    label_name,
    metric_words,
    plain_words,
)
from tollspan.otlp.schema import MetricType


@pytest.mark.parametrize(
    ("name", "unit", "kind", "monotonic", "expected"),
    [
        (
            "http.server.request.duration",
            "s",
            MetricType.HISTOGRAM,
            False,
            "http_server_request_duration_seconds",
        ),
        ("requests", "{request}", MetricType.SUM, True, "requests_total"),
        ("requests_total", "1", MetricType.SUM, True, "requests_total"),
        ("network.io", "By", MetricType.SUM, True, "network_io_bytes_total"),
        ("queue.length", "1", MetricType.GAUGE, False, "queue_length_ratio"),
        ("speed", "m/s", MetricType.GAUGE, False, "speed_meters_per_second"),
        ("memory_usage_bytes", "By", MetricType.GAUGE, False, "memory_usage_bytes"),
        ("system.paging.faults", "{fault}/s", MetricType.GAUGE, False, "system_paging_faults_per_second"),
        ("odd unit", "foo.bar", MetricType.GAUGE, False, "odd_unit_foo_bar"),
        ("2xx", "", MetricType.GAUGE, False, "_2xx"),
        ("a..b--c", "%", MetricType.GAUGE, False, "a_b_c_percent"),
    ],
)
def test_names_follow_prometheus(name, unit, kind, monotonic, expected):
    assert join_words(metric_words(name, unit, kind, monotonic=monotonic), "") == expected


def test_without_suffixes_only_characters_change():
    assert join_words(plain_words("http.server-x"), "") == "http_server_x"
    assert join_words(plain_words("x"), "shop") == "shop_x"


@given(st.text(), st.text(max_size=5), st.sampled_from(MetricType), st.booleans())
def test_every_metric_has_a_name_that_prometheus_takes(name, unit, kind, monotonic):
    words = metric_words("m" + name, unit, kind, monotonic=monotonic)
    for found in (join_words(words, ""), join_words(plain_words("m" + name), "")):
        assert re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", found)


@given(st.text(min_size=1))
def test_every_attribute_has_a_label_that_prometheus_takes(key):
    assert re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", label_name(key))


def test_a_label_does_not_begin_with_a_digit():
    assert (label_name("3xx.count"), label_name("http.route")) == ("key_3xx_count", "http_route")
