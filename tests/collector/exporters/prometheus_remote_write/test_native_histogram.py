import struct

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint, Metric

from tollspan.collector.exporters.prometheus_remote_write.native_histogram import (
    build_histogram,
    merge_buckets,
)
from tollspan.otlp import _decode
from tollspan.otlp.protobuf import field_bytes, read_fields, read_varint

counts = st.lists(st.integers(min_value=0, max_value=1 << 40), max_size=20)
offsets = st.integers(min_value=-500, max_value=500)


def build(point, total_sum=0.0):
    metric = Metric(name="e")
    metric.exponential_histogram.data_points.append(point)
    scope = field_bytes(2, metric.SerializeToString())
    tables = _decode.decode("metrics", field_bytes(1, field_bytes(2, scope))).tables
    return build_histogram(tables, 0, total_sum)


def zigzag(number):
    return (number >> 1) ^ -(number & 1)


def read_buckets(fields, spans_field):
    """Prometheus' own way back from spans and deltas to counts by index."""
    deltas, offset = [], 0
    for packed in fields.get(spans_field + 1, []):
        while offset < len(packed):
            number, offset = read_varint(packed, offset)
            deltas.append(zigzag(number))
    found, index, count = {}, 0, 0
    for span in fields.get(spans_field, []):
        parts = {number: value for number, _, value in read_fields(span)}
        index += zigzag(parts[1])
        for _ in range(parts[2]):
            count += deltas.pop(0)
            found[index] = count
            index += 1
    assert deltas == []
    return found


def read(wire):
    fields = {}
    for number, _, value in read_fields(wire):
        fields.setdefault(number, []).append(value)
    return fields


@given(offsets, counts, offsets, counts)
def test_buckets_come_back_as_they_were(positive_offset, positive, negative_offset, negative):
    point = ExponentialHistogramDataPoint(time_unix_nano=1, scale=8, count=7, zero_count=2)
    point.positive.offset, point.negative.offset = positive_offset, negative_offset
    point.positive.bucket_counts.extend(positive)
    point.negative.bucket_counts.extend(negative)
    fields = read(build(point, 1.5))
    assert read_buckets(fields, 11) == {i + 1: n for i, n in enumerate(positive, positive_offset) if n}
    assert read_buckets(fields, 8) == {i + 1: n for i, n in enumerate(negative, negative_offset) if n}
    assert (fields[1], fields[6], zigzag(fields[4][0])) == ([7], [2], 8)
    assert struct.unpack("<d", struct.pack("<Q", fields[3][0])) == (1.5,)


@given(offsets, counts, st.integers(min_value=0, max_value=12))
def test_merging_keeps_every_value_in_a_bucket_that_covers_its_old_one(offset, counts, shift):
    merged = merge_buckets(offset, counts, shift)
    assert sum(merged.values()) == sum(counts)
    for index in merged:
        below, above = (index - 1) << shift, index << shift
        held = sum(n for i, n in enumerate(counts, offset) if below <= i < above)
        assert merged[index] == held


def test_scales_beyond_prometheus_are_merged_or_have_no_place():
    fine = ExponentialHistogramDataPoint(time_unix_nano=1, scale=10)
    fine.positive.bucket_counts.extend([1, 1, 1, 1, 1])
    fields = read(build(fine))
    assert (zigzag(fields[4][0]), read_buckets(fields, 11)) == (8, {1: 4, 2: 1})
    assert build(ExponentialHistogramDataPoint(time_unix_nano=1, scale=-5)) is None
