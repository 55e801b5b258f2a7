"""OpenTelemetry SDK metrics straight to protobuf bytes; `_encode_metrics_py` is the same in plain Python."""

from cpython.long cimport PyLong_AsLong, PyLong_AsLongLong, PyLong_AsUnsignedLongLong
from libc.stdint cimport uint64_t

from tollspan.otlp._buffer cimport (
    Buffer, close_length, open_length, put_byte, put_fixed64, put_varint,
)
from tollspan.otlp._encode cimport (
    I64, LEN, VARINT, put_count, put_double, put_double_bits, put_key_value, put_span_id, put_text, put_time,
    put_trace_id, stored,
)
from tollspan.otlp._encode_metrics_py import KINDS

cdef enum:
    # The fields of a Metric message that hold its points.
    GAUGE = 5
    SUM = 7
    HISTOGRAM = 9
    EXPONENTIAL_HISTOGRAM = 10


def encode_metrics(metrics):
    """See `_encode_metrics_py.encode_metrics`."""
    cdef Buffer buffer = Buffer()
    cdef list failed = []
    cdef Py_ssize_t position, start
    for position, metric in enumerate(metrics):
        start = buffer.size
        points = metric.data.data_points
        try:
            points_failed = put_metric(buffer, metric, points)
        except Exception:
            points_failed = range(len(points))
        if len(points_failed) == len(points):
            buffer.size = start
        failed.extend([(position, index) for index in points_failed])
    return bytes(buffer), failed


cdef list put_metric(Buffer buffer, metric, points):
    """Which of the points could not be written."""
    cdef Py_ssize_t start, data_start
    data = metric.data
    cdef int kind = KINDS[type(data).__name__]
    put_byte(buffer, 2 << 3 | LEN)
    start = open_length(buffer)
    put_text(buffer, 1, metric.name)
    put_text(buffer, 2, metric.description)
    put_text(buffer, 3, metric.unit)
    put_byte(buffer, kind << 3 | LEN)
    data_start = open_length(buffer)
    failed = put_points(buffer, kind, points)
    if kind != GAUGE:
        put_count(buffer, 2, data.aggregation_temporality)
    if kind == SUM and data.is_monotonic:
        put_byte(buffer, 3 << 3 | VARINT)
        put_byte(buffer, 1)
    close_length(buffer, data_start)
    close_length(buffer, start)
    return failed


cdef list put_points(Buffer buffer, int kind, points):
    cdef list failed = []
    cdef Py_ssize_t index, start, point_start
    for index, point in enumerate(points):
        start = buffer.size
        try:
            put_byte(buffer, 1 << 3 | LEN)
            point_start = open_length(buffer)
            if kind == HISTOGRAM:
                put_histogram_point(buffer, point)
            elif kind == EXPONENTIAL_HISTOGRAM:
                put_exponential_point(buffer, point)
            else:
                put_number_point(buffer, kind, point)
            close_length(buffer, point_start)
        except Exception:
            buffer.size = start
            failed.append(index)
    return failed


cdef int put_number_point(Buffer buffer, int kind, point) except -1:
    value = point.value
    if kind != GAUGE:
        put_time(buffer, 2, point.start_time_unix_nano)
    put_time(buffer, 3, point.time_unix_nano)
    if not isinstance(value, int):
        put_double(buffer, 4, value)
    put_exemplars(buffer, 5, point.exemplars)
    if isinstance(value, int):
        put_int64(buffer, 6, value)
    return put_attributes(buffer, 7, point.attributes)


cdef int put_histogram_point(Buffer buffer, point) except -1:
    put_time(buffer, 2, point.start_time_unix_nano)
    put_time(buffer, 3, point.time_unix_nano)
    put_count64(buffer, 4, point.count)
    put_optional_double(buffer, 5, point.sum)
    put_fixed64s(buffer, 6, point.bucket_counts)
    put_doubles(buffer, 7, point.explicit_bounds)
    put_exemplars(buffer, 8, point.exemplars)
    put_attributes(buffer, 9, point.attributes)
    put_optional_double(buffer, 11, point.min)
    return put_optional_double(buffer, 12, point.max)


cdef int put_exponential_point(Buffer buffer, point) except -1:
    put_attributes(buffer, 1, point.attributes)
    put_time(buffer, 2, point.start_time_unix_nano)
    put_time(buffer, 3, point.time_unix_nano)
    put_count64(buffer, 4, point.count)
    put_optional_double(buffer, 5, point.sum)
    put_zigzag(buffer, 6, point.scale)
    put_count64(buffer, 7, point.zero_count)
    put_buckets(buffer, 8, point.positive)
    put_buckets(buffer, 9, point.negative)
    put_count(buffer, 10, point.flags)
    put_exemplars(buffer, 11, point.exemplars)
    put_optional_double(buffer, 12, point.min)
    return put_optional_double(buffer, 13, point.max)


cdef int put_buckets(Buffer buffer, int field, buckets) except -1:
    cdef Py_ssize_t start, counts_start
    if not buckets.bucket_counts:
        return 0
    put_byte(buffer, field << 3 | LEN)
    start = open_length(buffer)
    put_zigzag(buffer, 1, buckets.offset)
    put_byte(buffer, 2 << 3 | LEN)
    counts_start = open_length(buffer)
    for number in buckets.bucket_counts:
        put_varint(buffer, PyLong_AsUnsignedLongLong(number))
    close_length(buffer, counts_start)
    return close_length(buffer, start)


cdef int put_fixed64s(Buffer buffer, int field, numbers) except -1:
    cdef Py_ssize_t start
    if not numbers:
        return 0
    put_byte(buffer, field << 3 | LEN)
    start = open_length(buffer)
    for number in numbers:
        put_fixed64(buffer, PyLong_AsUnsignedLongLong(number))
    return close_length(buffer, start)


cdef int put_doubles(Buffer buffer, int field, numbers) except -1:
    cdef Py_ssize_t start
    if not numbers:
        return 0
    put_byte(buffer, field << 3 | LEN)
    start = open_length(buffer)
    for number in numbers:
        put_double_bits(buffer, number)
    return close_length(buffer, start)


cdef int put_exemplars(Buffer buffer, int field, exemplars) except -1:
    cdef Py_ssize_t start, exemplar_start
    for exemplar in exemplars:
        start = buffer.size
        try:
            put_byte(buffer, field << 3 | LEN)
            exemplar_start = open_length(buffer)
            put_exemplar(buffer, exemplar)
            close_length(buffer, exemplar_start)
        except Exception:
            buffer.size = start
    return 0


cdef int put_exemplar(Buffer buffer, exemplar) except -1:
    value = exemplar.value
    put_time(buffer, 2, exemplar.time_unix_nano)
    if not isinstance(value, int):
        put_double(buffer, 3, value)
    if exemplar.span_id is not None and exemplar.trace_id is not None:
        put_span_id(buffer, 4, exemplar.span_id)
        put_trace_id(buffer, 5, exemplar.trace_id)
    if isinstance(value, int):
        put_int64(buffer, 6, value)
    return put_attributes(buffer, 7, exemplar.filtered_attributes)


cdef int put_attributes(Buffer buffer, int field, attributes) except -1:
    """All or none: other than a span's, these have no count of what is missing."""
    if attributes:
        for key, value in stored(attributes, "_dict").items():
            put_byte(buffer, field << 3 | LEN)
            put_key_value(buffer, key, value, 0)
    return 0


cdef int put_int64(Buffer buffer, int field, number) except -1:
    put_byte(buffer, field << 3 | I64)
    return put_fixed64(buffer, <uint64_t>PyLong_AsLongLong(number))


cdef int put_count64(Buffer buffer, int field, number) except -1:
    cdef uint64_t count = PyLong_AsUnsignedLongLong(number)
    if count:
        put_byte(buffer, field << 3 | I64)
        put_fixed64(buffer, count)
    return 0


cdef int put_optional_double(Buffer buffer, int field, number) except -1:
    return 0 if number is None else put_double(buffer, field, number)


cdef int put_zigzag(Buffer buffer, int field, number) except -1:
    cdef long value = PyLong_AsLong(number)
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError(number)
    if value:
        put_byte(buffer, field << 3 | VARINT)
        put_varint(buffer, <uint64_t>(value << 1 ^ value >> 63))
    return 0
