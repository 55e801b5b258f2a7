"""Metrics, their data points and exemplars to rows (opentelemetry.proto.metrics.v1).

The item is the data point: a broken one is rejected alone. A metric whose own fields are broken
takes its points with it.
"""

from libc.string cimport memset

from tollspan.otlp._columns cimport GRANTED, add_row, set_end, set_u8, set_u32, set_u64, truncate
from tollspan.otlp._decode_records cimport *
from tollspan.otlp._decode_tables cimport (
    ExponentialHistogramPoints, HistogramPoints, MetricRows, Metrics, NumberPoints, SummaryPoints,
)
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *


cdef void read_metric(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef MetricStart start
    cdef Outer outer = enter(c)
    start.points = mark(&d.tables.metrics.number_points.points.rows, POINT_TABLES)
    start.metadata = d.tables.metrics.metric_metadata.rows.count
    start.items = d.items
    start.rejected = d.rejected
    start.problem_count = d.problem_count
    if c.fault != SOUND:
        return
    read_metric_fields(d, &start)
    if d.memory.refused != GRANTED:
        c.fault = NO_MEMORY
    if SOUND < c.fault < TOO_MANY_ITEMS:
        reject_metric(d, &start)
    leave(c, outer)


cdef void read_metric_fields(Decoder* d, MetricStart* start) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef AttributeList metadata = open_list(&d.tables.metrics.metric_metadata)
    cdef MetricFields fields
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == METRIC_NAME:
            fields.name = read_bytes(c)
        elif c.tag == METRIC_DESCRIPTION:
            fields.description = read_bytes(c)
        elif c.tag == METRIC_UNIT:
            fields.unit = read_bytes(c)
        elif is_metric_data(c.tag):
            read_data(d, &fields, start)
        elif c.tag == METRIC_METADATA:
            read_attribute(d, &metadata)
        else:
            skip_value(c)
    close_list(&metadata)
    write_metric(d, &fields)


cdef void read_data(Decoder* d, MetricFields* fields, MetricStart* start) noexcept nogil:
    """Gauge, Sum, Histogram, ExponentialHistogram or Summary: the last kind that is set wins."""
    cdef Cursor* c = &d.cursor
    cdef uint32_t type = c.tag >> 3
    cdef Outer outer = enter(c)
    if fields.type != type:
        forget_points(d, start)
        fields.type = type
        fields.temporality = 0
        fields.monotonic = False
    while next_field(c):
        if c.tag == DATA_POINTS:
            read_point(d, type)
        elif c.tag == DATA_TEMPORALITY and type != GAUGE and type != SUMMARY:
            fields.temporality = <int32_t>read_varint(c)
        elif c.tag == DATA_MONOTONIC and type == SUM:
            fields.monotonic = read_varint(c) != 0
        else:
            skip_value(c)
    leave(c, outer)


cdef void read_point(Decoder* d, uint32_t type) noexcept nogil:
    cdef Metrics* t = &d.tables.metrics
    if type == HISTOGRAM:
        read_record(d, &t.histogram_points.points.rows, HISTOGRAM_POINT_TABLES, read_histogram_point)
    elif type == EXPONENTIAL_HISTOGRAM:
        read_record(
            d, &t.exponential_histogram_points.points.rows, EXPONENTIAL_HISTOGRAM_POINT_TABLES,
            read_exponential_histogram_point,
        )
    elif type == SUMMARY:
        read_record(d, &t.summary_points.points.rows, SUMMARY_POINT_TABLES, read_summary_point)
    else:
        read_record(d, &t.number_points.points.rows, NUMBER_POINT_TABLES, read_number_point)


cdef void forget_points(Decoder* d, MetricStart* start) noexcept nogil:
    roll_back(&start.points)
    d.items = start.items
    d.rejected = start.rejected
    d.problem_count = start.problem_count


cdef void reject_metric(Decoder* d, MetricStart* start) noexcept nogil:
    cdef size_t points = d.items + d.rejected - start.items - start.rejected
    forget_points(d, start)
    truncate(&d.tables.metrics.metric_metadata.rows, start.metadata)
    note_problem(d, &d.tables.metrics.metrics.rows)
    d.rejected += max(points, <size_t>1)


cdef void write_metric(Decoder* d, MetricFields* fields) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef Metrics* t = &d.tables.metrics
    cdef MetricRows* metrics = &t.metrics
    cdef int64_t row = add_row(&metrics.rows)
    if row < 0:
        return
    set_u32(&metrics.resource, row, t.envelope.resources.rows.count)
    set_u32(&metrics.scope, row, t.envelope.scopes.rows.count)
    write_word(c, &metrics.rows, &metrics.name, row, fields.name, METRIC_NAME)
    write_word(c, &metrics.rows, &metrics.description, row, fields.description, METRIC_DESCRIPTION)
    write_word(c, &metrics.rows, &metrics.unit, row, fields.unit, METRIC_UNIT)
    set_u8(&metrics.type, row, fields.type)
    set_u32(&metrics.temporality, row, fields.temporality)
    set_u8(&metrics.monotonic, row, fields.monotonic)
    set_end(&metrics.metadata, row, t.metric_metadata.rows.count)
    if c.fault != SOUND:
        truncate(&metrics.rows, row)


cdef inline int64_t write_point(
    Decoder* d, Points* t, PointFields* fields, Attributes* attributes
) noexcept nogil:
    """The row of a new data point, with the columns that every kind has; -1 when memory was refused."""
    cdef int64_t row = add_row(&t.rows)
    if row >= 0:
        set_u32(&t.metric, row, d.tables.metrics.metrics.rows.count)
        set_u64(&t.start_unix_nano, row, fields.start)
        set_u64(&t.time_unix_nano, row, fields.time)
        set_u32(&t.flags, row, fields.flags)
        set_end(&t.attributes, row, attributes.rows.count)
    return row


cdef void check_time(Cursor* c, PointFields* fields) noexcept nogil:
    if fields.time == 0:
        fail_field(c, NO_TIME, NUMBER_TIME)     # every kind has it in the same field


cdef inline void append_number(Numbers* t, uint64_t number) noexcept nogil:
    cdef int64_t row = add_row(&t.rows)
    if row >= 0:
        set_u64(&t.number, row, number)


cdef inline void append_fixed64s(Cursor* c, Numbers* t) noexcept nogil:
    """The numbers of a packed field."""
    cdef Outer outer = enter(c)
    while c.pos < c.end and c.fault == SOUND:
        append_number(t, read_fixed64(c))
    leave(c, outer)


cdef void read_number_point(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef NumberPoints* t = &d.tables.metrics.number_points
    cdef AttributeList attributes = open_list(&t.point_attributes)
    cdef PointFields fields
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == NUMBER_START:
            fields.start = read_fixed64(c)
        elif c.tag == NUMBER_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == NUMBER_AS_DOUBLE:
            fields.type = DOUBLE
            fields.number = read_fixed64(c)
        elif c.tag == NUMBER_EXEMPLARS:
            read_exemplar(d, &t.point_exemplars)
        elif c.tag == NUMBER_AS_INT:
            fields.type = INT
            fields.number = read_fixed64(c)
        elif c.tag == NUMBER_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == NUMBER_FLAGS:
            fields.flags = <uint32_t>read_varint(c)
        else:
            skip_value(c)
    close_list(&attributes)
    check_time(c, &fields)
    write_number_point(d, &fields)


cdef void write_number_point(Decoder* d, PointFields* fields) noexcept nogil:
    cdef NumberPoints* t = &d.tables.metrics.number_points
    cdef int64_t row = write_point(d, &t.points, fields, &t.point_attributes)
    if row < 0:
        return
    set_u8(&t.type, row, fields.type)
    set_u64(&t.number, row, fields.number)
    set_end(&t.exemplars, row, t.point_exemplars.rows.count)


cdef void read_histogram_point(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef HistogramPoints* t = &d.tables.metrics.histogram_points
    cdef AttributeList attributes = open_list(&t.point_attributes)
    cdef size_t first_count = t.point_bucket_counts.rows.count
    cdef size_t first_bound = t.point_explicit_bounds.rows.count
    cdef size_t counts, bounds
    cdef PointFields fields
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == HISTOGRAM_START:
            fields.start = read_fixed64(c)
        elif c.tag == HISTOGRAM_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == HISTOGRAM_COUNT:
            fields.count = read_fixed64(c)
        elif c.tag == HISTOGRAM_SUM:
            fields.has_sum = True
            fields.sum = read_fixed64(c)
        elif c.tag == HISTOGRAM_BUCKET_COUNTS:
            append_fixed64s(c, &t.point_bucket_counts)
        elif c.tag == HISTOGRAM_BUCKET_COUNT:
            append_number(&t.point_bucket_counts, read_fixed64(c))
        elif c.tag == HISTOGRAM_EXPLICIT_BOUNDS:
            append_fixed64s(c, &t.point_explicit_bounds)
        elif c.tag == HISTOGRAM_EXPLICIT_BOUND:
            append_number(&t.point_explicit_bounds, read_fixed64(c))
        elif c.tag == HISTOGRAM_EXEMPLARS:
            read_exemplar(d, &t.point_exemplars)
        elif c.tag == HISTOGRAM_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == HISTOGRAM_FLAGS:
            fields.flags = <uint32_t>read_varint(c)
        elif c.tag == HISTOGRAM_MIN:
            fields.has_min = True
            fields.min = read_fixed64(c)
        elif c.tag == HISTOGRAM_MAX:
            fields.has_max = True
            fields.max = read_fixed64(c)
        else:
            skip_value(c)
    close_list(&attributes)
    check_time(c, &fields)
    counts = t.point_bucket_counts.rows.count - first_count
    bounds = t.point_explicit_bounds.rows.count - first_bound
    if counts != bounds + 1 and (counts != 0 or bounds != 0):
        fail_field(c, BAD_BUCKETS, HISTOGRAM_BUCKET_COUNTS)
    write_histogram_point(d, &fields)


cdef void write_histogram_point(Decoder* d, PointFields* fields) noexcept nogil:
    cdef HistogramPoints* t = &d.tables.metrics.histogram_points
    cdef int64_t row = write_point(d, &t.points, fields, &t.point_attributes)
    if row < 0:
        return
    set_u64(&t.count, row, fields.count)
    set_u8(&t.has_sum, row, fields.has_sum)
    set_u64(&t.sum, row, fields.sum)
    set_u8(&t.has_min, row, fields.has_min)
    set_u64(&t.min, row, fields.min)
    set_u8(&t.has_max, row, fields.has_max)
    set_u64(&t.max, row, fields.max)
    set_end(&t.bucket_counts, row, t.point_bucket_counts.rows.count)
    set_end(&t.explicit_bounds, row, t.point_explicit_bounds.rows.count)
    set_end(&t.exemplars, row, t.point_exemplars.rows.count)


cdef void read_exponential_histogram_point(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef ExponentialHistogramPoints* t = &d.tables.metrics.exponential_histogram_points
    cdef AttributeList attributes = open_list(&t.point_attributes)
    cdef PointFields fields
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == EXPONENTIAL_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == EXPONENTIAL_START:
            fields.start = read_fixed64(c)
        elif c.tag == EXPONENTIAL_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == EXPONENTIAL_COUNT:
            fields.count = read_fixed64(c)
        elif c.tag == EXPONENTIAL_SUM:
            fields.has_sum = True
            fields.sum = read_fixed64(c)
        elif c.tag == EXPONENTIAL_SCALE:
            fields.scale = read_zigzag(c)
        elif c.tag == EXPONENTIAL_ZERO_COUNT:
            fields.zero_count = read_fixed64(c)
        elif c.tag == EXPONENTIAL_POSITIVE:
            read_buckets(c, &fields.positive_offset, &t.point_positive_bucket_counts)
        elif c.tag == EXPONENTIAL_NEGATIVE:
            read_buckets(c, &fields.negative_offset, &t.point_negative_bucket_counts)
        elif c.tag == EXPONENTIAL_FLAGS:
            fields.flags = <uint32_t>read_varint(c)
        elif c.tag == EXPONENTIAL_EXEMPLARS:
            read_exemplar(d, &t.point_exemplars)
        elif c.tag == EXPONENTIAL_MIN:
            fields.has_min = True
            fields.min = read_fixed64(c)
        elif c.tag == EXPONENTIAL_MAX:
            fields.has_max = True
            fields.max = read_fixed64(c)
        elif c.tag == EXPONENTIAL_ZERO_THRESHOLD:
            fields.zero_threshold = read_fixed64(c)
        else:
            skip_value(c)
    close_list(&attributes)
    check_time(c, &fields)
    write_exponential_histogram_point(d, &fields)


cdef void read_buckets(Cursor* c, int32_t* offset, Numbers* counts) noexcept nogil:
    cdef Outer outer = enter(c)
    cdef Outer packed
    while next_field(c):
        if c.tag == BUCKETS_OFFSET:
            offset[0] = read_zigzag(c)
        elif c.tag == BUCKETS_COUNTS:
            packed = enter(c)
            while c.pos < c.end and c.fault == SOUND:
                append_number(counts, read_varint(c))
            leave(c, packed)
        elif c.tag == BUCKETS_COUNT:
            append_number(counts, read_varint(c))
        else:
            skip_value(c)
    leave(c, outer)


cdef void write_exponential_histogram_point(Decoder* d, PointFields* fields) noexcept nogil:
    cdef ExponentialHistogramPoints* t = &d.tables.metrics.exponential_histogram_points
    cdef int64_t row = write_point(d, &t.points, fields, &t.point_attributes)
    if row < 0:
        return
    set_u64(&t.count, row, fields.count)
    set_u8(&t.has_sum, row, fields.has_sum)
    set_u64(&t.sum, row, fields.sum)
    set_u8(&t.has_min, row, fields.has_min)
    set_u64(&t.min, row, fields.min)
    set_u8(&t.has_max, row, fields.has_max)
    set_u64(&t.max, row, fields.max)
    set_u32(&t.scale, row, fields.scale)
    set_u64(&t.zero_count, row, fields.zero_count)
    set_u64(&t.zero_threshold, row, fields.zero_threshold)
    set_u32(&t.positive_offset, row, fields.positive_offset)
    set_end(&t.positive_bucket_counts, row, t.point_positive_bucket_counts.rows.count)
    set_u32(&t.negative_offset, row, fields.negative_offset)
    set_end(&t.negative_bucket_counts, row, t.point_negative_bucket_counts.rows.count)
    set_end(&t.exemplars, row, t.point_exemplars.rows.count)


cdef void read_summary_point(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef SummaryPoints* t = &d.tables.metrics.summary_points
    cdef AttributeList attributes = open_list(&t.point_attributes)
    cdef PointFields fields
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == SUMMARY_START:
            fields.start = read_fixed64(c)
        elif c.tag == SUMMARY_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == SUMMARY_COUNT:
            fields.count = read_fixed64(c)
        elif c.tag == SUMMARY_SUM:
            fields.sum = read_fixed64(c)
        elif c.tag == SUMMARY_QUANTILE_VALUES:
            read_quantile_value(c, &t.point_quantile_values)
        elif c.tag == SUMMARY_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == SUMMARY_FLAGS:
            fields.flags = <uint32_t>read_varint(c)
        else:
            skip_value(c)
    close_list(&attributes)
    check_time(c, &fields)
    write_summary_point(d, &fields)


cdef void read_quantile_value(Cursor* c, QuantileValues* t) noexcept nogil:
    cdef uint64_t quantile = 0
    cdef uint64_t value = 0
    cdef Outer outer = enter(c)
    cdef int64_t row
    while next_field(c):
        if c.tag == QUANTILE_QUANTILE:
            quantile = read_fixed64(c)
        elif c.tag == QUANTILE_VALUE:
            value = read_fixed64(c)
        else:
            skip_value(c)
    leave(c, outer)
    row = add_row(&t.rows)
    if row >= 0:
        set_u64(&t.quantile, row, quantile)
        set_u64(&t.value, row, value)


cdef void write_summary_point(Decoder* d, PointFields* fields) noexcept nogil:
    cdef SummaryPoints* t = &d.tables.metrics.summary_points
    cdef int64_t row = write_point(d, &t.points, fields, &t.point_attributes)
    if row < 0:
        return
    set_u64(&t.count, row, fields.count)
    set_u64(&t.sum, row, fields.sum)
    set_end(&t.quantile_values, row, t.point_quantile_values.rows.count)


cdef void read_exemplar(Decoder* d, Exemplars* t) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef AttributeList attributes = open_list(&t.exemplar_attributes)
    cdef ExemplarFields fields
    cdef Outer outer = enter(c)
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == EXEMPLAR_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == EXEMPLAR_AS_DOUBLE:
            fields.type = DOUBLE
            fields.number = read_fixed64(c)
        elif c.tag == EXEMPLAR_SPAN_ID:
            fields.span_id = read_bytes(c)
        elif c.tag == EXEMPLAR_TRACE_ID:
            fields.trace_id = read_bytes(c)
        elif c.tag == EXEMPLAR_AS_INT:
            fields.type = INT
            fields.number = read_fixed64(c)
        elif c.tag == EXEMPLAR_ATTRIBUTES:
            read_attribute(d, &attributes)
        else:
            skip_value(c)
    close_list(&attributes)
    leave(c, outer)
    write_exemplar(t, &fields)


cdef void write_exemplar(Exemplars* t, ExemplarFields* fields) noexcept nogil:
    cdef int64_t row = add_row(&t.rows)
    if row < 0:
        return
    set_u64(&t.time_unix_nano, row, fields.time)
    set_u8(&t.type, row, fields.type)
    set_u64(&t.number, row, fields.number)
    write_id(&t.span_id, row, fields.span_id)
    write_id(&t.trace_id, row, fields.trace_id)
    set_end(&t.attributes, row, t.exemplar_attributes.rows.count)
