import struct
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, NumberDataPoint

from tollspan.errors import LimitError, WireError
from tollspan.otlp import _decode
from tollspan.otlp.protobuf import field_bytes, field_varint
from tollspan.otlp.schema import MetricType, ValueType

POINT = NumberDataPoint(time_unix_nano=1, as_int=7).SerializeToString()
DATA = field_bytes(1, POINT)
MEMBERS = {"gauge": 5, "sum": 7, "histogram": 9, "exponential_histogram": 10, "summary": 11}


def decoded(*metrics: Metric | bytes, **limits: int) -> _decode.Decoded:
    wires = [metric if isinstance(metric, bytes) else metric.SerializeToString() for metric in metrics]
    scope_metrics = b"".join(field_bytes(2, wire) for wire in wires)
    return _decode.decode("metrics", field_bytes(1, field_bytes(2, scope_metrics)), **limits)


def bits(number: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", number))[0]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_point_without_a_time_is_rejected_alone(member: str) -> None:
    metric = Metric(name="m")
    points: Any = getattr(metric, member).data_points
    for time in (1, 0, 2):
        points.add(time_unix_nano=time)
    found = decoded(metric)
    assert (found.items, found.rejected) == (2, 1)
    assert found.problems[0].startswith("data point 1: time_unix_nano: must be set")
    assert found.tables["metrics"].columns["type"][0] == MEMBERS[member]


@pytest.mark.parametrize(("counts", "bounds"), [(0, 0), (1, 0), (2, 1), (11, 10)])
def test_a_histogram_has_one_bucket_more_than_bounds_or_neither(counts: int, bounds: int) -> None:
    point = HistogramDataPoint(time_unix_nano=1, bucket_counts=range(counts), explicit_bounds=range(bounds))
    metric = Metric()
    metric.histogram.data_points.append(point)
    tables = decoded(metric).tables
    assert list(tables["histogram_point_bucket_counts"].columns["count"]) == list(range(counts))
    assert list(tables["histogram_point_explicit_bounds"].columns["bound"]) == [
        float(b) for b in range(bounds)
    ]


@pytest.mark.parametrize(("counts", "bounds"), [(0, 1), (1, 1), (2, 0), (3, 1)])
def test_a_histogram_with_another_number_of_buckets_is_rejected(counts: int, bounds: int) -> None:
    metric = Metric()
    metric.histogram.data_points.add(
        time_unix_nano=1, bucket_counts=range(counts), explicit_bounds=range(bounds)
    )
    found = decoded(metric)
    assert (found.items, found.rejected) == (0, 1)
    assert "bucket_counts: there must be one bucket more" in found.problems[0]
    assert found.tables["histogram_point_bucket_counts"].rows == 0


def test_numbers_tell_their_type() -> None:
    metric = Metric()
    points = metric.gauge.data_points
    points.add(time_unix_nano=1, as_int=-1)
    points.add(time_unix_nano=1, as_double=0.5)
    points.add(time_unix_nano=1, flags=1)
    columns = decoded(metric).tables["number_points"].columns
    assert list(columns["type"]) == [ValueType.INT, ValueType.DOUBLE, ValueType.EMPTY]
    assert list(columns["number"]) == [2**64 - 1, bits(0.5), 0]


def test_absent_extremes_are_told_from_zeros() -> None:
    metric = Metric()
    metric.histogram.data_points.add(time_unix_nano=1)
    metric.histogram.data_points.add(time_unix_nano=1, sum=0, min=0, max=0)
    columns = decoded(metric).tables["histogram_points"].columns
    assert [list(columns[f"has_{name}"]) for name in ("sum", "min", "max")] == [[0, 1]] * 3


def test_of_several_kinds_of_data_the_last_wins() -> None:
    wire = field_bytes(5, DATA) + field_bytes(7, DATA + field_varint(2, 2)) + field_bytes(5, DATA * 2)
    found = decoded(wire)
    assert found.items == 2
    assert found.tables["number_points"].rows == 2
    columns = found.tables["metrics"].columns
    assert (columns["type"][0], columns["temporality"][0]) == (MetricType.GAUGE, 0)


def test_the_same_kind_of_data_twice_is_merged() -> None:
    wire = field_bytes(7, DATA + field_varint(2, 1)) + field_bytes(7, DATA + field_varint(3, 1))
    found = decoded(wire)
    columns = found.tables["metrics"].columns
    assert found.items == 2
    assert (columns["temporality"][0], columns["monotonic"][0]) == (1, 1)


@pytest.mark.parametrize(("field", "name"), [(1, "name"), (2, "description"), (3, "unit")])
def test_a_metric_whose_own_text_is_broken_takes_its_points_with_it(field: int, name: str) -> None:
    good = field_bytes(1, b"good") + field_bytes(7, DATA)
    bad = field_bytes(7, DATA * 2 + field_bytes(1, b"")) + field_bytes(field, b"\xff")
    found = decoded(good, bad, good)
    assert (found.items, found.rejected) == (2, 3)
    assert [problem.split(": ")[:2] for problem in found.problems] == [["data point 1", name]]
    assert list(found.tables["number_points"].columns["metric"]) == [0, 1]
    assert list(found.tables["metrics"].columns["name"]) == [b"good", b"good"]


def test_a_metric_whose_framing_is_broken_counts_at_least_one_point() -> None:
    found = decoded(field_bytes(12, field_bytes(1, b"lost")) + b"\x0a\x7f", field_bytes(5, DATA))
    assert (found.items, found.rejected) == (1, 1)
    assert found.tables["metric_metadata"].rows == 0
    assert found.tables["metrics"].rows == 1


def test_a_metric_that_runs_past_its_scope_refuses_the_message() -> None:
    with pytest.raises(WireError):
        _decode.decode("metrics", field_bytes(1, field_bytes(2, b"\x12\x7f")))


def test_points_over_the_limit_refuse_the_message() -> None:
    metric = field_bytes(5, DATA * 3)
    assert decoded(metric, items_max=3).items == 3
    with pytest.raises(LimitError) as refused:
        decoded(metric, items_max=2)
    assert refused.value.what == "data points"


def test_malformed_ids_of_an_exemplar_mean_not_linked() -> None:
    metric = Metric()
    point = metric.sum.data_points.add(time_unix_nano=1)
    point.exemplars.add(trace_id=b"t" * 16, span_id=b"s" * 8, as_int=1)
    point.exemplars.add(trace_id=b"t", span_id=b"s" * 9, as_double=1)
    columns = decoded(metric).tables["number_point_exemplars"].columns
    assert list(columns["trace_id"]) == [b"t" * 16, bytes(16)]
    assert list(columns["span_id"]) == [b"s" * 8, bytes(8)]


def test_buckets_of_an_exponential_histogram_are_merged_packed_or_not() -> None:
    packed = field_bytes(8, field_varint(1, 3) + field_bytes(2, b"\x01\x02"))
    single = field_bytes(8, field_varint(2, 300))
    time = b"\x19" + b"\x01".ljust(8, b"\x00")
    found = decoded(field_bytes(10, field_bytes(1, packed + time + single)))
    points = found.tables["exponential_histogram_points"].columns
    counts = found.tables["exponential_histogram_point_positive_bucket_counts"].columns
    assert list(counts["count"]) == [1, 2, 300]
    assert (points["positive_offset"][0], points["positive_bucket_counts"][0]) == (-2, range(3))
