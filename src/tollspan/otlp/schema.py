"""The tables that a decoded message becomes: their columns, in order, and where each comes from.

`_decode` fills tables laid out exactly so, storage creates its own from them, and the
reference page prints them. Rules that hold for all:

* Rows are in the order of the message. A column named after another table in the singular
  (`resource`, `scope`, `metric`) is a row number of it.
* A child table belongs to one OFFSETS column, and the children of a row lie together.
* An absent field has the zero value of its column. Ids that are absent are zeros.
* In attributes, the last of several equal keys wins.
* A column of `number` cells keeps an int64 or the bits of a double, and true as 1; the
  column of `ValueType`s beside it says which.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from tollspan.otlp.signals import Signal


class Kind(enum.Enum):
    """How a column keeps its cells: the struct format of one, its width in bytes, and what it stands for.

    The cells of TEXT and OFFSETS are the ends of rows, those of DICTIONARY are indices.
    """

    U8 = ("B", 1)
    I32 = ("i", 4)
    U32 = ("I", 4)
    U64 = ("Q", 8)
    F64 = ("d", 8)
    SPAN_ID = ("s", 8)
    TRACE_ID = ("s", 16)
    TEXT = ("i", 4, "end of a text")
    DICTIONARY = ("I", 4, "index of a text")
    OFFSETS = ("i", 4, "end of children")

    def __init__(self, code: str, width: int, meaning: str = "value") -> None:
        self.code = code
        self.width = width
        self.meaning = meaning


class ValueType(enum.IntEnum):
    """Which member of AnyValue is set: its field number, or EMPTY.

    The text of ARRAY and KVLIST is the serialised ArrayValue or KeyValueList, validated.
    """

    EMPTY = 0
    STRING = 1
    BOOL = 2
    INT = 3
    DOUBLE = 4
    ARRAY = 5
    KVLIST = 6
    BYTES = 7


class MetricType(enum.IntEnum):
    """Which member of Metric.data is set: its field number, or EMPTY."""

    EMPTY = 0
    GAUGE = 5
    SUM = 7
    HISTOGRAM = 9
    EXPONENTIAL_HISTOGRAM = 10
    SUMMARY = 11


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `field` is the protobuf field it is read from, `child` the table an OFFSETS column cuts."""

    name: str
    kind: Kind
    field: int | None
    doc: str
    child: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Each row is one `message`, named within `opentelemetry.proto`."""

    name: str
    message: str
    columns: tuple[Column, ...]


def _row_of(table: str) -> Column:
    return Column(table, Kind.U32, None, f"row number in `{table}s`")


def _children(name: str, field: int, child: str) -> Column:
    return Column(name, Kind.OFFSETS, field, f"its rows in `{child}`", child)


def _dropped(what: str, field: int) -> Column:
    return Column(f"dropped_{what}", Kind.U32, field, f"{what} that the sender left out")


def _attributes(table: str) -> Table:
    return Table(
        table,
        "common.v1.KeyValue",
        (
            Column("key", Kind.DICTIONARY, 1, "unique within its owner"),
            Column("type", Kind.U8, 2, "a ValueType"),
            Column("number", Kind.U64, 2, "the value of a BOOL, INT or DOUBLE"),
            Column("text", Kind.TEXT, 2, "the value of a STRING, BYTES, ARRAY or KVLIST"),
        ),
    )


_RESOURCES = Table(
    "resources",
    "resource.v1.Resource",
    (
        _children("attributes", 1, "resource_attributes"),
        _dropped("attributes", 2),
        Column("schema_url", Kind.TEXT, None, "of the ResourceSpans, ResourceMetrics or ResourceLogs"),
    ),
)
_SCOPES = Table(
    "scopes",
    "common.v1.InstrumentationScope",
    (
        _row_of("resource"),
        Column("name", Kind.DICTIONARY, 1, "of the instrumentation scope"),
        Column("version", Kind.DICTIONARY, 2, "of the instrumentation scope"),
        Column("schema_url", Kind.TEXT, None, "of the ScopeSpans, ScopeMetrics or ScopeLogs"),
        _children("attributes", 3, "scope_attributes"),
        _dropped("attributes", 4),
    ),
)
_ENVELOPE = (_RESOURCES, _attributes("resource_attributes"), _SCOPES, _attributes("scope_attributes"))

_SPANS = Table(
    "spans",
    "trace.v1.Span",
    (
        _row_of("resource"),
        _row_of("scope"),
        Column("trace_id", Kind.TRACE_ID, 1, "never all zero"),
        Column("span_id", Kind.SPAN_ID, 2, "never all zero"),
        Column("parent_span_id", Kind.SPAN_ID, 4, "zeros in a root span"),
        Column("trace_state", Kind.TEXT, 3, "W3C tracestate"),
        Column("flags", Kind.U32, 16, "bits 0-7 W3C, 0x100 is-remote known, 0x200 is-remote; others kept"),
        Column("name", Kind.DICTIONARY, 5, "empty when unknown"),
        Column("kind", Kind.I32, 6, "SpanKind, also numbers that are not defined yet"),
        Column("start_unix_nano", Kind.U64, 7, "as sent"),
        Column("end_unix_nano", Kind.U64, 8, "as sent; may lie before the start"),
        Column("status_code", Kind.I32, 15, "Status.code: 0 unset, 1 ok, 2 error"),
        Column("status_message", Kind.TEXT, 15, "Status.message"),
        _dropped("attributes", 10),
        _dropped("events", 12),
        _dropped("links", 14),
        _children("attributes", 9, "span_attributes"),
        _children("events", 11, "span_events"),
        _children("links", 13, "span_links"),
    ),
)
_SPAN_EVENTS = Table(
    "span_events",
    "trace.v1.Span.Event",
    (
        Column("time_unix_nano", Kind.U64, 1, "as sent"),
        Column("name", Kind.DICTIONARY, 2, "of the event"),
        _children("attributes", 3, "event_attributes"),
        _dropped("attributes", 4),
    ),
)
_SPAN_LINKS = Table(
    "span_links",
    "trace.v1.Span.Link",
    (
        Column("trace_id", Kind.TRACE_ID, 1, "may be zeros: a link may carry attributes alone"),
        Column("span_id", Kind.SPAN_ID, 2, "may be zeros"),
        Column("trace_state", Kind.TEXT, 3, "W3C tracestate"),
        Column("flags", Kind.U32, 6, "as in `spans`"),
        _children("attributes", 4, "link_attributes"),
        _dropped("attributes", 5),
    ),
)

_LOG_RECORDS = Table(
    "log_records",
    "logs.v1.LogRecord",
    (
        _row_of("resource"),
        _row_of("scope"),
        Column("time_unix_nano", Kind.U64, 1, "0 when unknown"),
        Column("observed_time_unix_nano", Kind.U64, 11, "0 when unknown"),
        Column("severity_number", Kind.I32, 2, "SeverityNumber"),
        Column("severity_text", Kind.DICTIONARY, 3, "the source's own word"),
        Column("body_type", Kind.U8, 5, "a ValueType"),
        Column("body_number", Kind.U64, 5, "a body that is a BOOL, INT or DOUBLE"),
        Column("body_text", Kind.TEXT, 5, "a body that is a STRING, BYTES, ARRAY or KVLIST"),
        Column("event_name", Kind.DICTIONARY, 12, "empty when the record is not an event"),
        Column("trace_id", Kind.TRACE_ID, 9, "zeros when not linked to a span, or when sent malformed"),
        Column("span_id", Kind.SPAN_ID, 10, "zeros when not linked to a span, or when sent malformed"),
        Column("flags", Kind.U32, 8, "bits 0-7 W3C; others kept"),
        _children("attributes", 6, "log_record_attributes"),
        _dropped("attributes", 7),
    ),
)

_METRICS = Table(
    "metrics",
    "metrics.v1.Metric",
    (
        _row_of("resource"),
        _row_of("scope"),
        Column("name", Kind.DICTIONARY, 1, "of the metric"),
        Column("description", Kind.DICTIONARY, 2, "of the metric"),
        Column("unit", Kind.DICTIONARY, 3, "UCUM"),
        Column("type", Kind.U8, None, "a MetricType"),
        Column(
            "temporality",
            Kind.I32,
            None,
            "AggregationTemporality: 1 delta, 2 cumulative; 0 where there is none",
        ),
        Column("monotonic", Kind.U8, None, "1 in a SUM that only grows"),
        _children("metadata", 12, "metric_metadata"),
    ),
)


def _point(start: int, time: int, attributes: int, flags: int, table: str) -> tuple[Column, ...]:
    """What every kind of data point begins with."""
    return (
        _row_of("metric"),
        Column("start_unix_nano", Kind.U64, start, "0 when unknown"),
        Column("time_unix_nano", Kind.U64, time, "never 0"),
        Column("flags", Kind.U32, flags, "1: no recorded value"),
        _children("attributes", attributes, f"{table}_attributes"),
    )


def _optional(name: str, field: int) -> tuple[Column, Column]:
    return (
        Column(f"has_{name}", Kind.U8, field, f"1 when `{name}` was sent"),
        Column(name, Kind.F64, field, f"{name} of the values"),
    )


def _exemplars(table: str) -> tuple[Table, Table]:
    exemplars = Table(
        table,
        "metrics.v1.Exemplar",
        (
            Column("time_unix_nano", Kind.U64, 2, "as sent"),
            Column("type", Kind.U8, None, "ValueType INT, DOUBLE or EMPTY"),
            Column("number", Kind.U64, None, "as_int or as_double"),
            Column("span_id", Kind.SPAN_ID, 4, "zeros when not linked, or when sent malformed"),
            Column("trace_id", Kind.TRACE_ID, 5, "zeros when not linked, or when sent malformed"),
            _children("attributes", 7, f"{table[:-1]}_attributes"),
        ),
    )
    return exemplars, _attributes(f"{table[:-1]}_attributes")


def _numbers(table: str, message: str, column: Column) -> Table:
    return Table(table, message, (column,))


_COUNT = Column("count", Kind.U64, None, "values in the bucket")

_NUMBER_POINTS = Table(
    "number_points",
    "metrics.v1.NumberDataPoint",
    (
        *_point(2, 3, 7, 8, "number_point"),
        Column("type", Kind.U8, None, "ValueType INT, DOUBLE or EMPTY"),
        Column("number", Kind.U64, None, "as_int or as_double"),
        _children("exemplars", 5, "number_point_exemplars"),
    ),
)
_HISTOGRAM_POINTS = Table(
    "histogram_points",
    "metrics.v1.HistogramDataPoint",
    (
        *_point(2, 3, 9, 10, "histogram_point"),
        Column("count", Kind.U64, 4, "values in all buckets, as sent"),
        *_optional("sum", 5),
        *_optional("min", 11),
        *_optional("max", 12),
        _children("bucket_counts", 6, "histogram_point_bucket_counts"),
        _children("explicit_bounds", 7, "histogram_point_explicit_bounds"),
        _children("exemplars", 8, "histogram_point_exemplars"),
    ),
)
_EXPONENTIAL_HISTOGRAM_POINTS = Table(
    "exponential_histogram_points",
    "metrics.v1.ExponentialHistogramDataPoint",
    (
        *_point(2, 3, 1, 10, "exponential_histogram_point"),
        Column("count", Kind.U64, 4, "values in all buckets, as sent"),
        *_optional("sum", 5),
        *_optional("min", 12),
        *_optional("max", 13),
        Column("scale", Kind.I32, 6, "base = 2 ** (2 ** -scale)"),
        Column("zero_count", Kind.U64, 7, "values within zero_threshold of 0"),
        Column("zero_threshold", Kind.F64, 14, "half the width of the zero bucket"),
        Column("positive_offset", Kind.I32, 8, "Buckets.offset"),
        _children("positive_bucket_counts", 8, "exponential_histogram_point_positive_bucket_counts"),
        Column("negative_offset", Kind.I32, 9, "Buckets.offset"),
        _children("negative_bucket_counts", 9, "exponential_histogram_point_negative_bucket_counts"),
        _children("exemplars", 11, "exponential_histogram_point_exemplars"),
    ),
)
_SUMMARY_POINTS = Table(
    "summary_points",
    "metrics.v1.SummaryDataPoint",
    (
        *_point(2, 3, 7, 8, "summary_point"),
        Column("count", Kind.U64, 4, "values summed up"),
        Column("sum", Kind.F64, 5, "sum of the values"),
        _children("quantile_values", 6, "summary_point_quantile_values"),
    ),
)
_QUANTILE_VALUES = Table(
    "summary_point_quantile_values",
    "metrics.v1.SummaryDataPoint.ValueAtQuantile",
    (
        Column("quantile", Kind.F64, 1, "from 0 to 1"),
        Column("value", Kind.F64, 2, "at that quantile"),
    ),
)

TABLES: Final[dict[Signal, tuple[Table, ...]]] = {
    Signal.TRACES: (
        *_ENVELOPE,
        _SPANS,
        _attributes("span_attributes"),
        _SPAN_EVENTS,
        _attributes("event_attributes"),
        _SPAN_LINKS,
        _attributes("link_attributes"),
    ),
    Signal.METRICS: (
        *_ENVELOPE,
        _METRICS,
        _attributes("metric_metadata"),
        _NUMBER_POINTS,
        _attributes("number_point_attributes"),
        *_exemplars("number_point_exemplars"),
        _HISTOGRAM_POINTS,
        _attributes("histogram_point_attributes"),
        *_exemplars("histogram_point_exemplars"),
        _numbers("histogram_point_bucket_counts", "metrics.v1.HistogramDataPoint.bucket_counts", _COUNT),
        _numbers(
            "histogram_point_explicit_bounds",
            "metrics.v1.HistogramDataPoint.explicit_bounds",
            Column("bound", Kind.F64, None, "upper, inclusive"),
        ),
        _EXPONENTIAL_HISTOGRAM_POINTS,
        _attributes("exponential_histogram_point_attributes"),
        *_exemplars("exponential_histogram_point_exemplars"),
        _numbers(
            "exponential_histogram_point_positive_bucket_counts",
            "metrics.v1.ExponentialHistogramDataPoint.Buckets.bucket_counts",
            _COUNT,
        ),
        _numbers(
            "exponential_histogram_point_negative_bucket_counts",
            "metrics.v1.ExponentialHistogramDataPoint.Buckets.bucket_counts",
            _COUNT,
        ),
        _SUMMARY_POINTS,
        _attributes("summary_point_attributes"),
        _QUANTILE_VALUES,
    ),
    Signal.LOGS: (*_ENVELOPE, _LOG_RECORDS, _attributes("log_record_attributes")),
}
