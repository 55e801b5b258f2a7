"""What `_encode_metrics` does, in plain Python: the stand-in where nothing is compiled, and its oracle."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tollspan.otlp._encode_py import field_count, field_text, field_time, key_value
from tollspan.otlp.protobuf import WireType, field_bytes, field_varint, tag, varint

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import Buckets, Metric

GAUGE, SUM, HISTOGRAM, EXPONENTIAL_HISTOGRAM = 5, 7, 9, 10
"""The fields of a Metric message that hold its points."""

KINDS = {
    "Gauge": GAUGE,
    "Sum": SUM,
    "Histogram": HISTOGRAM,
    "ExponentialHistogram": EXPONENTIAL_HISTOGRAM,
}
"""Which field holds the points of each class of `opentelemetry.sdk.metrics.export`, by its name."""


def encode_metrics(metrics: Iterable[Metric]) -> tuple[bytes, list[tuple[int, int]]]:
    """The metrics as the `metrics` fields of one ScopeMetrics, and what failed.

    A failure is the position of a metric and that of one of its points. A point is left out
    when anything of it cannot be encoded, attributes included, as they say which time series
    it belongs to; an exemplar that cannot be is left out alone. `why_not` says why.
    """
    wire = bytearray()
    failed = []
    for position, metric in enumerate(metrics):
        encoded = []
        for index, point in enumerate(metric.data.data_points):
            try:
                _metric(metric, b"")
                encoded.append(field_bytes(1, _point(metric, point)))
            except Exception:
                failed.append((position, index))
        if encoded:
            wire += field_bytes(2, _metric(metric, b"".join(encoded)))
    return bytes(wire), failed


def why_not(metric: Metric, index: int) -> str:
    """What is wrong with the point at `index`, or with its metric."""
    try:
        _metric(metric, b"")
    except Exception as error:
        return f"metric: {error}"
    try:
        _point(metric, metric.data.data_points[index])
    except Exception as error:
        return f"data point: {error}"
    return "its size"


def _metric(metric: Metric, points: bytes) -> bytes:
    head = field_text(1, metric.name) + field_text(2, metric.description) + field_text(3, metric.unit)
    return head + field_bytes(_kind(metric), points + _data_tail(metric.data))


def _kind(metric: Metric) -> int:
    name = type(metric.data).__name__
    if name not in KINDS:
        raise TypeError(f"OTLP has no {name}")
    return KINDS[name]


def _data_tail(data: Any) -> bytes:
    """What stands behind the points of all kinds but gauges."""
    wire = b""
    if (temporality := getattr(data, "aggregation_temporality", None)) is not None:
        wire += field_count(2, temporality)
    if getattr(data, "is_monotonic", False):
        wire += field_varint(3, 1)
    return wire


def _point(metric: Metric, point: Any) -> bytes:
    kind = _kind(metric)
    if kind == HISTOGRAM:
        return _histogram_point(point)
    if kind == EXPONENTIAL_HISTOGRAM:
        return _exponential_point(point)
    start = b"" if kind == GAUGE else field_time(2, point.start_time_unix_nano)
    double, integer = _number(4, 6, point.value)
    exemplars = _exemplars(5, point.exemplars)
    return start + field_time(3, point.time_unix_nano) + double + exemplars + integer + _attributes(7, point)


def _histogram_point(point: Any) -> bytes:
    buckets = b"".join(_fixed64(number) for number in point.bucket_counts)
    bounds = b"".join(struct.pack("<d", bound) for bound in point.explicit_bounds)
    return b"".join(
        (
            field_time(2, point.start_time_unix_nano),
            field_time(3, point.time_unix_nano),
            _count64(4, point.count),
            _optional_double(5, point.sum),
            field_bytes(6, buckets) if buckets else b"",
            field_bytes(7, bounds) if bounds else b"",
            _exemplars(8, point.exemplars),
            _attributes(9, point),
            _optional_double(11, point.min),
            _optional_double(12, point.max),
        )
    )


def _exponential_point(point: Any) -> bytes:
    return b"".join(
        (
            _attributes(1, point),
            field_time(2, point.start_time_unix_nano),
            field_time(3, point.time_unix_nano),
            _count64(4, point.count),
            _optional_double(5, point.sum),
            _zigzag(6, point.scale),
            _count64(7, point.zero_count),
            _buckets(8, point.positive),
            _buckets(9, point.negative),
            field_count(10, point.flags),
            _exemplars(11, point.exemplars),
            _optional_double(12, point.min),
            _optional_double(13, point.max),
        )
    )


def _buckets(field: int, buckets: Buckets) -> bytes:
    if not buckets.bucket_counts:
        return b""
    counts = b"".join(varint(_unsigned(number)) for number in buckets.bucket_counts)
    return field_bytes(field, _zigzag(1, buckets.offset) + field_bytes(2, counts))


def _exemplars(field: int, exemplars: Sequence[Exemplar]) -> bytes:
    wire = b""
    for exemplar in exemplars:
        try:
            wire += field_bytes(field, _exemplar(exemplar))
        except Exception:  # noqa: S112 - an exemplar is an example; its point says everything without it
            continue
    return wire


def _exemplar(exemplar: Exemplar) -> bytes:
    double, integer = _number(3, 6, exemplar.value)
    ids = b""
    if exemplar.span_id is not None and exemplar.trace_id is not None:
        ids = field_bytes(4, exemplar.span_id.to_bytes(8, "big"))
        ids += field_bytes(5, exemplar.trace_id.to_bytes(16, "big"))
    attributes = _pairs(7, exemplar.filtered_attributes)
    return field_time(2, exemplar.time_unix_nano) + double + ids + integer + attributes


def _attributes(field: int, point: Any) -> bytes:
    return _pairs(field, point.attributes)


def _pairs(field: int, attributes: Mapping[str, Any] | None) -> bytes:
    return b"".join(field_bytes(field, key_value(key, value, 0)) for key, value in (attributes or {}).items())


def _number(double: int, integer: int, value: float) -> tuple[bytes, bytes]:
    """The value as the field `double` and nothing, or as nothing and the field `integer`."""
    if isinstance(value, int):
        return b"", tag(integer, WireType.I64) + value.to_bytes(8, "little", signed=True)
    return _double(double, value), b""


def _optional_double(field: int, number: float | None) -> bytes:
    return b"" if number is None else _double(field, number)


def _double(field: int, number: float) -> bytes:
    return tag(field, WireType.I64) + struct.pack("<d", number)


def _fixed64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _count64(field: int, number: int) -> bytes:
    return tag(field, WireType.I64) + _fixed64(number) if number else b""


def _unsigned(number: int) -> int:
    if not 0 <= number < 1 << 64:
        raise OverflowError(f"{number} is no 64-bit count")
    return number


def _zigzag(field: int, number: int) -> bytes:
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError(f"{number} is no 32-bit int")
    return field_varint(field, number << 1 ^ number >> 31) if number else b""
