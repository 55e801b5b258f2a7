"""The tables of `schema.TABLES` as C structs: the same columns in the same order.

Every struct is a plain sequence of `Rows` headers, each with its `Column`s behind it (see
`_columns.pxd`), so structs may hold one another and any stretch of tables can be walked.
"""

from tollspan.otlp._columns cimport Column, Rows


cdef struct Attributes:
    Rows rows
    Column key
    Column type
    Column number
    Column text


cdef struct Resources:
    Rows rows
    Column attributes
    Column dropped_attributes
    Column schema_url


cdef struct Scopes:
    Rows rows
    Column resource
    Column name
    Column version
    Column schema_url
    Column attributes
    Column dropped_attributes


cdef struct Envelope:
    Resources resources
    Attributes resource_attributes
    Scopes scopes
    Attributes scope_attributes


cdef struct Spans:
    Rows rows
    Column resource
    Column scope
    Column trace_id
    Column span_id
    Column parent_span_id
    Column trace_state
    Column flags
    Column name
    Column kind
    Column start_unix_nano
    Column end_unix_nano
    Column status_code
    Column status_message
    Column dropped_attributes
    Column dropped_events
    Column dropped_links
    Column attributes
    Column events
    Column links


cdef struct SpanEvents:
    Rows rows
    Column time_unix_nano
    Column name
    Column attributes
    Column dropped_attributes


cdef struct SpanLinks:
    Rows rows
    Column trace_id
    Column span_id
    Column trace_state
    Column flags
    Column attributes
    Column dropped_attributes


cdef struct Traces:
    Envelope envelope
    Spans spans
    Attributes span_attributes
    SpanEvents span_events
    Attributes event_attributes
    SpanLinks span_links
    Attributes link_attributes


cdef struct LogRecords:
    Rows rows
    Column resource
    Column scope
    Column time_unix_nano
    Column observed_time_unix_nano
    Column severity_number
    Column severity_text
    Column body_type
    Column body_number
    Column body_text
    Column event_name
    Column trace_id
    Column span_id
    Column flags
    Column attributes
    Column dropped_attributes


cdef struct Logs:
    Envelope envelope
    LogRecords log_records
    Attributes log_record_attributes


cdef struct MetricRows:
    Rows rows
    Column resource
    Column scope
    Column name
    Column description
    Column unit
    Column type
    Column temporality
    Column monotonic
    Column metadata


cdef struct Points:             # what every table of data points begins with
    Rows rows
    Column metric
    Column start_unix_nano
    Column time_unix_nano
    Column flags
    Column attributes


cdef struct Exemplars:
    Rows rows
    Column time_unix_nano
    Column type
    Column number
    Column span_id
    Column trace_id
    Column attributes
    Attributes exemplar_attributes


cdef struct Numbers:
    Rows rows
    Column number


cdef struct NumberPoints:
    Points points
    Column type
    Column number
    Column exemplars
    Attributes point_attributes
    Exemplars point_exemplars


cdef struct HistogramPoints:
    Points points
    Column count
    Column has_sum
    Column sum
    Column has_min
    Column min
    Column has_max
    Column max
    Column bucket_counts
    Column explicit_bounds
    Column exemplars
    Attributes point_attributes
    Exemplars point_exemplars
    Numbers point_bucket_counts
    Numbers point_explicit_bounds


cdef struct ExponentialHistogramPoints:
    Points points
    Column count
    Column has_sum
    Column sum
    Column has_min
    Column min
    Column has_max
    Column max
    Column scale
    Column zero_count
    Column zero_threshold
    Column positive_offset
    Column positive_bucket_counts
    Column negative_offset
    Column negative_bucket_counts
    Column exemplars
    Attributes point_attributes
    Exemplars point_exemplars
    Numbers point_positive_bucket_counts
    Numbers point_negative_bucket_counts


cdef struct QuantileValues:
    Rows rows
    Column quantile
    Column value


cdef struct SummaryPoints:
    Points points
    Column count
    Column sum
    Column quantile_values
    Attributes point_attributes
    QuantileValues point_quantile_values


cdef struct Metrics:
    Envelope envelope
    MetricRows metrics
    Attributes metric_metadata
    NumberPoints number_points
    HistogramPoints histogram_points
    ExponentialHistogramPoints exponential_histogram_points
    SummaryPoints summary_points


cdef union Tables:
    Envelope envelope
    Traces traces
    Metrics metrics
    Logs logs
