"""Every test runs over both encoders, which is also all that `_encode_metrics_py` needs to be tested for."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics as official_encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as WireMetric
from opentelemetry.proto.metrics.v1.metrics_pb2 import ScopeMetrics as WireScopeMetrics
from opentelemetry.sdk.metrics import Exemplar, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from helpers.rebuild import canonical, rebuild
from tollspan.otlp import _decode, _encode_metrics, _encode_metrics_py, encoding
from tollspan.otlp.encoding import encode_metrics
from tollspan.otlp.signals import Signal

encoders = pytest.mark.parametrize(
    "encoder", [_encode_metrics, _encode_metrics_py], ids=["compiled", "python"]
)

SURROGATE = "broken \ud800 text"
UINT64 = st.integers(0, 2**64 - 1)
TIME = st.integers(1, 2**63)
text = st.text(max_size=20)
doubles = st.floats(allow_nan=False)
scalars = st.booleans() | text | st.integers(-(2**63), 2**63 - 1) | doubles
good_attributes = st.none() | st.dictionaries(text, scalars | st.lists(text, max_size=3), max_size=3)
any_attributes = (
    good_attributes | st.just({"a": SURROGATE}) | st.just({SURROGATE: 1}) | st.just({"a": object()})
)
numbers = st.integers(-(2**63), 2**63 - 1) | doubles
temporalities = st.sampled_from(AggregationTemporality)


def exemplars_of(attributes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    ids = st.none() | st.integers(1, 2**64 - 1)
    return st.lists(st.builds(Exemplar, attributes, numbers, TIME, ids, ids), max_size=2)


def number_points(attributes: Any) -> Any:
    exemplars = exemplars_of(attributes)
    return st.lists(
        st.builds(NumberDataPoint, attributes, TIME, TIME, numbers, exemplars), min_size=1, max_size=3
    )


def histogram_points(attributes: Any) -> Any:
    return st.lists(
        st.integers(0, 3).flatmap(
            lambda bounds: st.builds(
                HistogramDataPoint,
                attributes,
                TIME,
                TIME,
                UINT64,
                numbers,
                st.lists(UINT64, min_size=bounds + 1, max_size=bounds + 1),
                st.lists(doubles, min_size=bounds, max_size=bounds),
                doubles,
                doubles,
                exemplars_of(attributes),
            )
        ),
        min_size=1,
        max_size=3,
    )


def exponential_points(attributes: Any) -> Any:
    sides = st.builds(Buckets, st.integers(-(2**31), 2**31 - 1), st.lists(UINT64, max_size=4))
    return st.lists(
        st.builds(
            ExponentialHistogramDataPoint,
            attributes,
            TIME,
            TIME,
            UINT64,
            numbers,
            st.integers(-10, 20),
            UINT64,
            sides,
            sides,
            st.integers(0, 1),
            doubles,
            doubles,
            exemplars_of(attributes),
        ),
        min_size=1,
        max_size=3,
    )


def metrics_of(attributes: Any) -> Any:
    data = (
        st.builds(Gauge, number_points(attributes))
        | st.builds(Sum, number_points(attributes), temporalities, st.booleans())
        | st.builds(Histogram, histogram_points(attributes), temporalities)
        | st.builds(ExponentialHistogram, exponential_points(attributes), temporalities)
    )
    return st.lists(st.builds(Metric, text, text, text, data), max_size=4)


def metrics_data(*scopes: list[Metric]) -> MetricsData:
    resource = Resource({"service.name": "shop"}, "https://r.example")
    scope_metrics = [
        ScopeMetrics(InstrumentationScope(f"scope {place}", "1", "https://s.example"), metrics, "")
        for place, metrics in enumerate(scopes)
    ]
    return MetricsData([ResourceMetrics(resource, scope_metrics, "")])


def number_point(**changes: Any) -> NumberDataPoint:
    return NumberDataPoint(
        **{"attributes": {}, "start_time_unix_nano": 1, "time_unix_nano": 2, "value": 3} | changes
    )


def histogram_point(**changes: Any) -> HistogramDataPoint:
    fields = {"attributes": {}, "start_time_unix_nano": 1, "time_unix_nano": 2, "count": 3, "sum": 4.0}
    fields |= {"bucket_counts": [1, 2], "explicit_bounds": [5.0], "min": 0.0, "max": 9.0}
    return HistogramDataPoint(**fields | changes)


def exponential_point(**changes: Any) -> ExponentialHistogramDataPoint:
    fields = {"attributes": {}, "start_time_unix_nano": 1, "time_unix_nano": 2, "count": 3, "sum": 4.0}
    fields |= {"scale": -3, "zero_count": 1, "positive": Buckets(-1, [1]), "negative": Buckets(0, [])}
    return ExponentialHistogramDataPoint(**fields | {"flags": 0, "min": 0.0, "max": 9.0} | changes)


@given(st.lists(metrics_of(good_attributes), max_size=2))
def test_metrics_are_written_as_the_official_encoder_writes_them(scopes: list[list[Metric]]) -> None:
    scopes = [metrics for metrics in scopes if metrics]
    data = metrics_data(*scopes) if scopes else MetricsData([])
    points = sum(len(metric.data.data_points) for metrics in scopes for metric in metrics)
    outcome = encode_metrics([data])
    assert (outcome.items, outcome.failures) == (points, [])
    assert outcome.body == official_encode_metrics(data).SerializeToString()


@given(metrics_of(any_attributes))
def test_both_encoders_write_the_same_bytes_whatever_the_attributes(metrics: list[Metric]) -> None:
    assert _encode_metrics.encode_metrics(metrics) == _encode_metrics_py.encode_metrics(metrics)


@given(metrics_of(good_attributes).filter(bool))
def test_what_is_encoded_is_what_the_gateway_decodes(metrics: list[Metric]) -> None:
    data = metrics_data(metrics)
    decoded = _decode.decode("metrics", encode_metrics([data]).body)
    assert decoded.rejected == 0
    assert canonical(rebuild(Signal.METRICS, decoded)) == canonical(official_encode_metrics(data))


def test_what_the_sdk_measures_is_written_as_the_official_exporter_writes_it() -> None:
    reader = InMemoryMetricReader()
    view = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider(
        [reader], Resource({"service.name": "shop"}), shutdown_on_exit=False, views=[view]
    )
    meter = provider.get_meter("shop", "1.0", "https://s.example")
    meter.create_observable_gauge("temperature", [lambda _: []])
    with TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_as_current_span("work"):
        for number in range(5):
            meter.create_counter("orders", "1").add(number, {"shop": "a"})
            meter.create_up_down_counter("open").add(-number)
            meter.create_histogram("latency", "s").record(number / 2, {"path": "/"})
            meter.create_histogram("sizes", "By").record(number * 100)
            meter.create_gauge("level").set(number)
    data = reader.get_metrics_data()
    assert data is not None
    outcome = encode_metrics([data])
    assert (outcome.items, outcome.failures) == (5, [])
    assert outcome.body == official_encode_metrics(data).SerializeToString()
    request = ExportMetricsServiceRequest.FromString(outcome.body)
    assert request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].exemplars


BAD_POINTS = [
    number_point(value="3"),
    number_point(value=2**63),
    number_point(value=None),
    number_point(attributes={"a": SURROGATE}),
    number_point(attributes={5: 1}),
    number_point(time_unix_nano=-1),
    number_point(start_time_unix_nano=1.5),
    number_point(exemplars=None),
    None,
]


@encoders
@pytest.mark.parametrize("bad", BAD_POINTS, ids=repr)
def test_a_data_point_that_cannot_be_encoded_costs_itself_alone(encoder: ModuleType, bad: Any) -> None:
    data = Sum([number_point(value=1), bad, number_point(value=2)], AggregationTemporality.DELTA, True)
    wire, failed = encoder.encode_metrics([Metric("m", "", "1", data)])
    assert failed == [(0, 1)]
    (metric,) = WireScopeMetrics.FromString(wire).metrics
    assert [point.as_int for point in metric.sum.data_points] == [1, 2]


@encoders
@pytest.mark.parametrize(
    "changes",
    [{"bucket_counts": [-1]}, {"explicit_bounds": ["a"]}, {"count": -1}, {"sum": "4"}, {"min": object()}],
)
def test_a_bad_histogram_point_costs_itself_alone(encoder: ModuleType, changes: dict[str, Any]) -> None:
    data = Histogram([histogram_point(**changes), histogram_point()], AggregationTemporality.CUMULATIVE)
    wire, failed = encoder.encode_metrics([Metric("m", "", "1", data)])
    assert failed == [(0, 0)]
    assert len(WireScopeMetrics.FromString(wire).metrics[0].histogram.data_points) == 1


@encoders
@pytest.mark.parametrize(
    "changes",
    [
        {"scale": 2**31},
        {"positive": Buckets(0, [2**64])},
        {"negative": None},
        {"flags": -1},
        {"zero_count": 0.5},
    ],
)
def test_a_bad_exponential_point_costs_itself_alone(encoder: ModuleType, changes: dict[str, Any]) -> None:
    points = [exponential_point(), exponential_point(**changes)]
    data = ExponentialHistogram(points, AggregationTemporality.CUMULATIVE)
    wire, failed = encoder.encode_metrics([Metric("m", "", "1", data)])
    assert failed == [(0, 1)]
    assert len(WireScopeMetrics.FromString(wire).metrics[0].exponential_histogram.data_points) == 1


@encoders
@pytest.mark.parametrize(
    "bad",
    [
        Metric(SURROGATE, "", "", Gauge([number_point()])),
        Metric("m", 5, "", Gauge([number_point()])),  # type: ignore[arg-type]
        Metric("m", "", "", Sum([number_point()], -1, True)),  # type: ignore[arg-type]
        Metric("m", "", "", type("Summary", (), {"data_points": [number_point()]})()),
    ],
    ids=["name", "description", "temporality", "kind"],
)
def test_a_metric_that_cannot_be_encoded_costs_its_points_alone(encoder: ModuleType, bad: Metric) -> None:
    good = [Metric(name, "", "", Gauge([number_point()])) for name in ("before", "after")]
    wire, failed = encoder.encode_metrics([good[0], bad, good[1]])
    assert failed == [(1, 0)]
    kept: list[WireMetric] = list(WireScopeMetrics.FromString(wire).metrics)
    assert [metric.name for metric in kept] == ["before", "after"]


@encoders
def test_a_bad_exemplar_costs_itself_alone(encoder: ModuleType) -> None:
    bad = [Exemplar({}, "x", 1), Exemplar({"a": SURROGATE}, 1, 1), Exemplar({}, 2**63, 1)]  # type: ignore[arg-type]
    point = number_point(exemplars=[*bad, Exemplar({"a": 1}, 2.5, 1, 2, 3)])
    wire, failed = encoder.encode_metrics([Metric("m", "", "", Gauge([point]))])
    assert failed == []
    (kept,) = WireScopeMetrics.FromString(wire).metrics[0].gauge.data_points[0].exemplars
    assert (kept.as_double, kept.span_id, kept.trace_id) == (
        2.5,
        (2).to_bytes(8, "big"),
        (3).to_bytes(16, "big"),
    )


@pytest.fixture(params=[_encode_metrics, _encode_metrics_py], ids=["compiled", "python"])
def each_encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "metrics_encoder", request.param)


@pytest.mark.usefixtures("each_encoder")
def test_a_failure_is_told_by_position_and_reason() -> None:
    first = [Metric("a", "", "", Gauge([number_point(), number_point(value="x")]))]
    second = [
        Metric("b", "", "", Gauge([number_point()])),
        Metric("c", SURROGATE, "", Gauge([number_point(), number_point()])),
    ]
    outcome = encode_metrics([metrics_data(first, second)])
    assert outcome.items == 2
    assert [position for position, _ in outcome.failures] == [1, 3, 4]
    assert outcome.failures[0][1].startswith("data point: ")
    assert outcome.failures[1][1].startswith("metric: 'utf-8' codec")


@pytest.mark.usefixtures("each_encoder")
def test_a_scope_that_cannot_be_encoded_costs_its_points_alone() -> None:
    gauge = Metric("a", "", "", Gauge([number_point()]))
    scopes = [
        ScopeMetrics(InstrumentationScope(5), [gauge], ""),
        ScopeMetrics(InstrumentationScope("s"), [gauge], ""),
    ]  # type: ignore[arg-type]
    outcome = encode_metrics([MetricsData([ResourceMetrics(Resource.get_empty(), scopes, "")])])
    assert (outcome.items, [position for position, _ in outcome.failures]) == (1, [0])
    assert len(ExportMetricsServiceRequest.FromString(outcome.body).resource_metrics[0].scope_metrics) == 1


def test_no_envelope_is_made_for_nothing() -> None:
    assert encode_metrics([MetricsData([])]).body == b""
    assert encode_metrics([metrics_data([Metric("a", "", "", Gauge([number_point(value="x")]))])]).body == b""
