"""Metrics, their data points and exemplars to rows."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from tollspan.otlp._decode_records cimport AttributeList, Decoder, Mark
from tollspan.otlp._decode_tables cimport Exemplars, Numbers, Points, QuantileValues
from tollspan.otlp._wire cimport Cursor, Slice


cdef enum MetricType:           # as in schema.py
    NO_DATA = 0
    GAUGE = 5
    SUM = 7
    HISTOGRAM = 9
    EXPONENTIAL_HISTOGRAM = 10
    SUMMARY = 11


cdef enum:
    NUMBER_POINT_TABLES = 4     # `number_points` and what hangs on it, as they stand in `Metrics`
    HISTOGRAM_POINT_TABLES = 6
    EXPONENTIAL_HISTOGRAM_POINT_TABLES = 6
    SUMMARY_POINT_TABLES = 3
    POINT_TABLES = 19           # all of these


# Where things stood when a metric began.
cdef struct MetricStart:
    Mark points
    size_t metadata
    size_t items
    size_t rejected
    size_t problem_count


cdef struct MetricFields:
    Slice name
    Slice description
    Slice unit
    uint32_t type               # a MetricType
    int32_t temporality
    bint monotonic


# The union of what the four kinds of data points have. Doubles are carried as their bits.
cdef struct PointFields:
    uint64_t start
    uint64_t time
    uint32_t flags
    uint8_t type                # of the number: a ValueType
    uint64_t number
    uint64_t count
    bint has_sum
    bint has_min
    bint has_max
    uint64_t sum
    uint64_t min
    uint64_t max
    int32_t scale
    uint64_t zero_count
    uint64_t zero_threshold
    int32_t positive_offset
    int32_t negative_offset


cdef struct ExemplarFields:
    uint64_t time
    uint8_t type
    uint64_t number
    Slice span_id
    Slice trace_id


cdef void read_metric(Decoder* d) noexcept nogil
cdef void read_metric_fields(Decoder* d, MetricStart* start) noexcept nogil
cdef void read_data(Decoder* d, MetricFields* fields, MetricStart* start) noexcept nogil
cdef void read_point(Decoder* d, uint32_t type) noexcept nogil
cdef void forget_points(Decoder* d, MetricStart* start) noexcept nogil
cdef void reject_metric(Decoder* d, MetricStart* start) noexcept nogil
cdef void write_metric(Decoder* d, MetricFields* fields) noexcept nogil

cdef void check_time(Cursor* c, PointFields* fields) noexcept nogil

cdef void read_number_point(Decoder* d) noexcept nogil
cdef void write_number_point(Decoder* d, PointFields* fields) noexcept nogil

cdef void read_histogram_point(Decoder* d) noexcept nogil
cdef void write_histogram_point(Decoder* d, PointFields* fields) noexcept nogil

cdef void read_exponential_histogram_point(Decoder* d) noexcept nogil
cdef void read_buckets(Cursor* c, int32_t* offset, Numbers* counts) noexcept nogil
cdef void write_exponential_histogram_point(Decoder* d, PointFields* fields) noexcept nogil

cdef void read_summary_point(Decoder* d) noexcept nogil
cdef void read_quantile_value(Cursor* c, QuantileValues* t) noexcept nogil
cdef void write_summary_point(Decoder* d, PointFields* fields) noexcept nogil

cdef void read_exemplar(Decoder* d, Exemplars* t) noexcept nogil
cdef void write_exemplar(Exemplars* t, ExemplarFields* fields) noexcept nogil
