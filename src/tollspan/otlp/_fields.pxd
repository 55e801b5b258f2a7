"""The fields of OTLP 1.11 as they stand on the wire: `number << 3 | wire type`."""

from libc.stdint cimport uint32_t


# opentelemetry.proto.collector.*.v1.Export*ServiceRequest, then ResourceSpans and ScopeSpans,
# which have the same numbers as their siblings in metrics and logs.
cdef enum EnvelopeField:
    REQUEST_RESOURCE_ENTRIES = 1 << 3 | 2
    RESOURCE_ENTRY_RESOURCE = 1 << 3 | 2
    RESOURCE_ENTRY_SCOPE_ENTRIES = 2 << 3 | 2
    RESOURCE_ENTRY_SCHEMA_URL = 3 << 3 | 2
    SCOPE_ENTRY_SCOPE = 1 << 3 | 2
    SCOPE_ENTRY_ITEMS = 2 << 3 | 2
    SCOPE_ENTRY_SCHEMA_URL = 3 << 3 | 2


# opentelemetry.proto.resource.v1
cdef enum ResourceField:
    RESOURCE_ATTRIBUTES = 1 << 3 | 2
    RESOURCE_DROPPED_ATTRIBUTES = 2 << 3


# opentelemetry.proto.common.v1
cdef enum ScopeField:
    SCOPE_NAME = 1 << 3 | 2
    SCOPE_VERSION = 2 << 3 | 2
    SCOPE_ATTRIBUTES = 3 << 3 | 2
    SCOPE_DROPPED_ATTRIBUTES = 4 << 3


cdef enum KeyValueField:
    KEY_VALUE_KEY = 1 << 3 | 2
    KEY_VALUE_VALUE = 2 << 3 | 2


cdef enum AnyValueField:
    ANY_STRING = 1 << 3 | 2
    ANY_BOOL = 2 << 3
    ANY_INT = 3 << 3
    ANY_DOUBLE = 4 << 3 | 1
    ANY_ARRAY = 5 << 3 | 2
    ANY_KVLIST = 6 << 3 | 2
    ANY_BYTES = 7 << 3 | 2
    LIST_VALUES = 1 << 3 | 2            # of ArrayValue and of KeyValueList


# opentelemetry.proto.trace.v1
cdef enum SpanField:
    SPAN_TRACE_ID = 1 << 3 | 2
    SPAN_SPAN_ID = 2 << 3 | 2
    SPAN_TRACE_STATE = 3 << 3 | 2
    SPAN_PARENT_SPAN_ID = 4 << 3 | 2
    SPAN_NAME = 5 << 3 | 2
    SPAN_KIND = 6 << 3
    SPAN_START = 7 << 3 | 1
    SPAN_END = 8 << 3 | 1
    SPAN_ATTRIBUTES = 9 << 3 | 2
    SPAN_DROPPED_ATTRIBUTES = 10 << 3
    SPAN_EVENTS = 11 << 3 | 2
    SPAN_DROPPED_EVENTS = 12 << 3
    SPAN_LINKS = 13 << 3 | 2
    SPAN_DROPPED_LINKS = 14 << 3
    SPAN_STATUS = 15 << 3 | 2
    SPAN_FLAGS = 16 << 3 | 5


cdef enum EventField:
    EVENT_TIME = 1 << 3 | 1
    EVENT_NAME = 2 << 3 | 2
    EVENT_ATTRIBUTES = 3 << 3 | 2
    EVENT_DROPPED_ATTRIBUTES = 4 << 3


cdef enum LinkField:
    LINK_TRACE_ID = 1 << 3 | 2
    LINK_SPAN_ID = 2 << 3 | 2
    LINK_TRACE_STATE = 3 << 3 | 2
    LINK_ATTRIBUTES = 4 << 3 | 2
    LINK_DROPPED_ATTRIBUTES = 5 << 3
    LINK_FLAGS = 6 << 3 | 5


cdef enum StatusField:
    STATUS_MESSAGE = 2 << 3 | 2
    STATUS_CODE = 3 << 3


# opentelemetry.proto.logs.v1
cdef enum LogRecordField:
    LOG_TIME = 1 << 3 | 1
    LOG_SEVERITY_NUMBER = 2 << 3
    LOG_SEVERITY_TEXT = 3 << 3 | 2
    LOG_BODY = 5 << 3 | 2
    LOG_ATTRIBUTES = 6 << 3 | 2
    LOG_DROPPED_ATTRIBUTES = 7 << 3
    LOG_FLAGS = 8 << 3 | 5
    LOG_TRACE_ID = 9 << 3 | 2
    LOG_SPAN_ID = 10 << 3 | 2
    LOG_OBSERVED_TIME = 11 << 3 | 1
    LOG_EVENT_NAME = 12 << 3 | 2


# opentelemetry.proto.metrics.v1
cdef enum MetricField:
    METRIC_NAME = 1 << 3 | 2
    METRIC_DESCRIPTION = 2 << 3 | 2
    METRIC_UNIT = 3 << 3 | 2
    METRIC_GAUGE = 5 << 3 | 2
    METRIC_SUM = 7 << 3 | 2
    METRIC_HISTOGRAM = 9 << 3 | 2
    METRIC_EXPONENTIAL_HISTOGRAM = 10 << 3 | 2
    METRIC_SUMMARY = 11 << 3 | 2
    METRIC_METADATA = 12 << 3 | 2
    DATA_POINTS = 1 << 3 | 2            # of Gauge, Sum, Histogram, ExponentialHistogram, Summary
    DATA_TEMPORALITY = 2 << 3
    DATA_MONOTONIC = 3 << 3


cdef enum NumberPointField:
    NUMBER_START = 2 << 3 | 1
    NUMBER_TIME = 3 << 3 | 1
    NUMBER_AS_DOUBLE = 4 << 3 | 1
    NUMBER_EXEMPLARS = 5 << 3 | 2
    NUMBER_AS_INT = 6 << 3 | 1
    NUMBER_ATTRIBUTES = 7 << 3 | 2
    NUMBER_FLAGS = 8 << 3


cdef enum HistogramPointField:
    HISTOGRAM_START = 2 << 3 | 1
    HISTOGRAM_TIME = 3 << 3 | 1
    HISTOGRAM_COUNT = 4 << 3 | 1
    HISTOGRAM_SUM = 5 << 3 | 1
    HISTOGRAM_BUCKET_COUNTS = 6 << 3 | 2
    HISTOGRAM_BUCKET_COUNT = 6 << 3 | 1         # the same, not packed
    HISTOGRAM_EXPLICIT_BOUNDS = 7 << 3 | 2
    HISTOGRAM_EXPLICIT_BOUND = 7 << 3 | 1
    HISTOGRAM_EXEMPLARS = 8 << 3 | 2
    HISTOGRAM_ATTRIBUTES = 9 << 3 | 2
    HISTOGRAM_FLAGS = 10 << 3
    HISTOGRAM_MIN = 11 << 3 | 1
    HISTOGRAM_MAX = 12 << 3 | 1


cdef enum ExponentialHistogramPointField:
    EXPONENTIAL_ATTRIBUTES = 1 << 3 | 2
    EXPONENTIAL_START = 2 << 3 | 1
    EXPONENTIAL_TIME = 3 << 3 | 1
    EXPONENTIAL_COUNT = 4 << 3 | 1
    EXPONENTIAL_SUM = 5 << 3 | 1
    EXPONENTIAL_SCALE = 6 << 3
    EXPONENTIAL_ZERO_COUNT = 7 << 3 | 1
    EXPONENTIAL_POSITIVE = 8 << 3 | 2
    EXPONENTIAL_NEGATIVE = 9 << 3 | 2
    EXPONENTIAL_FLAGS = 10 << 3
    EXPONENTIAL_EXEMPLARS = 11 << 3 | 2
    EXPONENTIAL_MIN = 12 << 3 | 1
    EXPONENTIAL_MAX = 13 << 3 | 1
    EXPONENTIAL_ZERO_THRESHOLD = 14 << 3 | 1
    BUCKETS_OFFSET = 1 << 3
    BUCKETS_COUNTS = 2 << 3 | 2
    BUCKETS_COUNT = 2 << 3                      # the same, not packed


cdef enum SummaryPointField:
    SUMMARY_START = 2 << 3 | 1
    SUMMARY_TIME = 3 << 3 | 1
    SUMMARY_COUNT = 4 << 3 | 1
    SUMMARY_SUM = 5 << 3 | 1
    SUMMARY_QUANTILE_VALUES = 6 << 3 | 2
    SUMMARY_ATTRIBUTES = 7 << 3 | 2
    SUMMARY_FLAGS = 8 << 3
    QUANTILE_QUANTILE = 1 << 3 | 1
    QUANTILE_VALUE = 2 << 3 | 1


cdef enum ExemplarField:
    EXEMPLAR_TIME = 2 << 3 | 1
    EXEMPLAR_AS_DOUBLE = 3 << 3 | 1
    EXEMPLAR_SPAN_ID = 4 << 3 | 2
    EXEMPLAR_TRACE_ID = 5 << 3 | 2
    EXEMPLAR_AS_INT = 6 << 3 | 1
    EXEMPLAR_ATTRIBUTES = 7 << 3 | 2


cdef inline bint is_metric_data(uint32_t tag) noexcept nogil:
    """Whether it is a member of the oneof Metric.data."""
    return (
        tag == METRIC_GAUGE or tag == METRIC_SUM or tag == METRIC_HISTOGRAM
        or tag == METRIC_EXPONENTIAL_HISTOGRAM or tag == METRIC_SUMMARY
    )
