"""The messages of OTLP 1.11 as data: the number, JSON name and type of every field.

Types are protobuf's, with three of our own: `hex` is bytes that OTLP/JSON writes in
hexadecimal, `enum` any enumeration, and a capitalised name another message. A star
means repeated; a word behind the type names the oneof that the field is a member of.
The string-index fields, which only profiles use, are left out.
"""

from __future__ import annotations

from typing import NamedTuple

from tollspan.otlp.signals import Signal

REQUESTS = {
    Signal.TRACES: "ExportTraceServiceRequest",
    Signal.METRICS: "ExportMetricsServiceRequest",
    Signal.LOGS: "ExportLogsServiceRequest",
}
"""What a client sends, by signal."""

_TABLE = """
ExportTraceServiceRequest
    1 resourceSpans ResourceSpans*
ExportMetricsServiceRequest
    1 resourceMetrics ResourceMetrics*
ExportLogsServiceRequest
    1 resourceLogs ResourceLogs*

Resource
    1 attributes KeyValue*
    2 droppedAttributesCount uint32
    3 entityRefs EntityRef*
EntityRef
    1 schemaUrl string
    2 type string
    3 idKeys string*
    4 descriptionKeys string*
InstrumentationScope
    1 name string
    2 version string
    3 attributes KeyValue*
    4 droppedAttributesCount uint32
KeyValue
    1 key string
    2 value AnyValue
AnyValue
    1 stringValue string value
    2 boolValue bool value
    3 intValue int64 value
    4 doubleValue double value
    5 arrayValue ArrayValue value
    6 kvlistValue KeyValueList value
    7 bytesValue bytes value
ArrayValue
    1 values AnyValue*
KeyValueList
    1 values KeyValue*

ResourceSpans
    1 resource Resource
    2 scopeSpans ScopeSpans*
    3 schemaUrl string
ScopeSpans
    1 scope InstrumentationScope
    2 spans Span*
    3 schemaUrl string
Span
    1 traceId hex
    2 spanId hex
    3 traceState string
    4 parentSpanId hex
    5 name string
    6 kind enum
    7 startTimeUnixNano fixed64
    8 endTimeUnixNano fixed64
    9 attributes KeyValue*
    10 droppedAttributesCount uint32
    11 events Event*
    12 droppedEventsCount uint32
    13 links Link*
    14 droppedLinksCount uint32
    15 status Status
    16 flags fixed32
Event
    1 timeUnixNano fixed64
    2 name string
    3 attributes KeyValue*
    4 droppedAttributesCount uint32
Link
    1 traceId hex
    2 spanId hex
    3 traceState string
    4 attributes KeyValue*
    5 droppedAttributesCount uint32
    6 flags fixed32
Status
    2 message string
    3 code enum

ResourceLogs
    1 resource Resource
    2 scopeLogs ScopeLogs*
    3 schemaUrl string
ScopeLogs
    1 scope InstrumentationScope
    2 logRecords LogRecord*
    3 schemaUrl string
LogRecord
    1 timeUnixNano fixed64
    2 severityNumber enum
    3 severityText string
    5 body AnyValue
    6 attributes KeyValue*
    7 droppedAttributesCount uint32
    8 flags fixed32
    9 traceId hex
    10 spanId hex
    11 observedTimeUnixNano fixed64
    12 eventName string

ResourceMetrics
    1 resource Resource
    2 scopeMetrics ScopeMetrics*
    3 schemaUrl string
ScopeMetrics
    1 scope InstrumentationScope
    2 metrics Metric*
    3 schemaUrl string
Metric
    1 name string
    2 description string
    3 unit string
    5 gauge Gauge data
    7 sum Sum data
    9 histogram Histogram data
    10 exponentialHistogram ExponentialHistogram data
    11 summary Summary data
    12 metadata KeyValue*
Gauge
    1 dataPoints NumberDataPoint*
Sum
    1 dataPoints NumberDataPoint*
    2 aggregationTemporality enum
    3 isMonotonic bool
Histogram
    1 dataPoints HistogramDataPoint*
    2 aggregationTemporality enum
ExponentialHistogram
    1 dataPoints ExponentialHistogramDataPoint*
    2 aggregationTemporality enum
Summary
    1 dataPoints SummaryDataPoint*
NumberDataPoint
    2 startTimeUnixNano fixed64
    3 timeUnixNano fixed64
    4 asDouble double value
    5 exemplars Exemplar*
    6 asInt sfixed64 value
    7 attributes KeyValue*
    8 flags uint32
HistogramDataPoint
    2 startTimeUnixNano fixed64
    3 timeUnixNano fixed64
    4 count fixed64
    5 sum double
    6 bucketCounts fixed64*
    7 explicitBounds double*
    8 exemplars Exemplar*
    9 attributes KeyValue*
    10 flags uint32
    11 min double
    12 max double
ExponentialHistogramDataPoint
    1 attributes KeyValue*
    2 startTimeUnixNano fixed64
    3 timeUnixNano fixed64
    4 count fixed64
    5 sum double
    6 scale sint32
    7 zeroCount fixed64
    8 positive Buckets
    9 negative Buckets
    10 flags uint32
    11 exemplars Exemplar*
    12 min double
    13 max double
    14 zeroThreshold double
Buckets
    1 offset sint32
    2 bucketCounts uint64*
SummaryDataPoint
    2 startTimeUnixNano fixed64
    3 timeUnixNano fixed64
    4 count fixed64
    5 sum double
    6 quantileValues ValueAtQuantile*
    7 attributes KeyValue*
    8 flags uint32
ValueAtQuantile
    1 quantile double
    2 value double
Exemplar
    2 timeUnixNano fixed64
    3 asDouble double value
    4 spanId hex
    5 traceId hex
    6 asInt sfixed64 value
    7 filteredAttributes KeyValue*
"""


class Field(NamedTuple):
    """One field of a message; `oneof` is empty for a field of its own."""

    number: int
    name: str
    type: str
    repeated: bool
    oneof: str


def _read_table(table: str) -> dict[str, tuple[Field, ...]]:
    messages: dict[str, tuple[Field, ...]] = {}
    message = ""
    for line in filter(None, table.splitlines()):
        if not line.startswith(" "):
            message = line
            messages[message] = ()
            continue
        number, name, kind, *oneof = line.split()
        repeated = kind.endswith("*")
        messages[message] += (Field(int(number), name, kind.rstrip("*"), repeated, "".join(oneof)),)
    return messages


MESSAGES = _read_table(_TABLE)
"""The fields of each message by its name."""
