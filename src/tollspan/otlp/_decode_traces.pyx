"""Spans, events and links to rows (opentelemetry.proto.trace.v1)."""

from libc.string cimport memset

from tollspan.otlp._columns cimport add_row, set_end, set_u32, set_u64
from tollspan.otlp._decode_records cimport *
from tollspan.otlp._decode_tables cimport SpanEvents, SpanLinks, Spans
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *


cdef void read_span(Decoder* d) noexcept nogil:
    read_record(d, &d.tables.traces.spans.rows, SPAN_TABLES, read_span_fields)


cdef void read_span_fields(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef AttributeList attributes = open_list(&d.tables.traces.span_attributes)
    cdef SpanFields fields
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == SPAN_TRACE_ID:
            fields.trace_id = read_bytes(c)
        elif c.tag == SPAN_SPAN_ID:
            fields.span_id = read_bytes(c)
        elif c.tag == SPAN_TRACE_STATE:
            fields.trace_state = read_text(c)
        elif c.tag == SPAN_PARENT_SPAN_ID:
            fields.parent_span_id = read_bytes(c)
        elif c.tag == SPAN_NAME:
            fields.name = read_bytes(c)
        elif c.tag == SPAN_KIND:
            fields.kind = <int32_t>read_varint(c)
        elif c.tag == SPAN_START:
            fields.start = read_fixed64(c)
        elif c.tag == SPAN_END:
            fields.end = read_fixed64(c)
        elif c.tag == SPAN_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == SPAN_DROPPED_ATTRIBUTES:
            fields.dropped_attributes = <uint32_t>read_varint(c)
        elif c.tag == SPAN_EVENTS:
            read_event(d)
        elif c.tag == SPAN_DROPPED_EVENTS:
            fields.dropped_events = <uint32_t>read_varint(c)
        elif c.tag == SPAN_LINKS:
            read_link(d)
        elif c.tag == SPAN_DROPPED_LINKS:
            fields.dropped_links = <uint32_t>read_varint(c)
        elif c.tag == SPAN_STATUS:
            read_status(c, &fields)
        elif c.tag == SPAN_FLAGS:
            fields.flags = read_fixed32(c)
        else:
            skip_value(c)
    close_list(&attributes)
    check_span(c, &fields)
    write_span(d, &fields)


cdef void read_status(Cursor* c, SpanFields* fields) noexcept nogil:
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == STATUS_MESSAGE:
            fields.status_message = read_text(c)
        elif c.tag == STATUS_CODE:
            fields.status_code = <int32_t>read_varint(c)
        else:
            skip_value(c)
    leave(c, outer)


cdef void check_span(Cursor* c, SpanFields* fields) noexcept nogil:
    if not is_id(fields.trace_id, TRACE_ID_SIZE):
        fail_field(c, BAD_TRACE_ID, SPAN_TRACE_ID)
    if not is_id(fields.span_id, SPAN_ID_SIZE):
        fail_field(c, BAD_SPAN_ID, SPAN_SPAN_ID)
    if fields.parent_span_id.size != 0 and fields.parent_span_id.size != SPAN_ID_SIZE:
        fail_field(c, BAD_PARENT_SPAN_ID, SPAN_PARENT_SPAN_ID)


cdef void write_span(Decoder* d, SpanFields* fields) noexcept nogil:
    cdef Traces* t = &d.tables.traces
    cdef Spans* spans = &t.spans
    cdef int64_t row = add_row(&spans.rows)
    if row < 0:
        return
    set_u32(&spans.resource, row, t.envelope.resources.rows.count)
    set_u32(&spans.scope, row, t.envelope.scopes.rows.count)
    write_id(&spans.trace_id, row, fields.trace_id)
    write_id(&spans.span_id, row, fields.span_id)
    write_id(&spans.parent_span_id, row, fields.parent_span_id)
    write_text(&spans.rows, &spans.trace_state, row, fields.trace_state)
    set_u32(&spans.flags, row, fields.flags)
    write_word(&d.cursor, &spans.rows, &spans.name, row, fields.name, SPAN_NAME)
    set_u32(&spans.kind, row, fields.kind)
    set_u64(&spans.start_unix_nano, row, fields.start)
    set_u64(&spans.end_unix_nano, row, fields.end)
    set_u32(&spans.status_code, row, fields.status_code)
    write_text(&spans.rows, &spans.status_message, row, fields.status_message)
    set_u32(&spans.dropped_attributes, row, fields.dropped_attributes)
    set_u32(&spans.dropped_events, row, fields.dropped_events)
    set_u32(&spans.dropped_links, row, fields.dropped_links)
    set_end(&spans.attributes, row, t.span_attributes.rows.count)
    set_end(&spans.events, row, t.span_events.rows.count)
    set_end(&spans.links, row, t.span_links.rows.count)


cdef void read_event(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef AttributeList attributes = open_list(&d.tables.traces.event_attributes)
    cdef EventFields fields
    cdef Outer outer = enter(c)
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == EVENT_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == EVENT_NAME:
            fields.name = read_bytes(c)
        elif c.tag == EVENT_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == EVENT_DROPPED_ATTRIBUTES:
            fields.dropped_attributes = <uint32_t>read_varint(c)
        else:
            skip_value(c)
    close_list(&attributes)
    write_event(d, &fields)
    leave(c, outer)


cdef void write_event(Decoder* d, EventFields* fields) noexcept nogil:
    cdef Traces* t = &d.tables.traces
    cdef SpanEvents* events = &t.span_events
    cdef int64_t row = add_row(&events.rows)
    if row < 0:
        return
    set_u64(&events.time_unix_nano, row, fields.time)
    write_word(&d.cursor, &events.rows, &events.name, row, fields.name, EVENT_NAME)
    set_end(&events.attributes, row, t.event_attributes.rows.count)
    set_u32(&events.dropped_attributes, row, fields.dropped_attributes)


cdef void read_link(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef AttributeList attributes = open_list(&d.tables.traces.link_attributes)
    cdef LinkFields fields
    cdef Outer outer = enter(c)
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == LINK_TRACE_ID:
            fields.trace_id = read_bytes(c)
        elif c.tag == LINK_SPAN_ID:
            fields.span_id = read_bytes(c)
        elif c.tag == LINK_TRACE_STATE:
            fields.trace_state = read_text(c)
        elif c.tag == LINK_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == LINK_DROPPED_ATTRIBUTES:
            fields.dropped_attributes = <uint32_t>read_varint(c)
        elif c.tag == LINK_FLAGS:
            fields.flags = read_fixed32(c)
        else:
            skip_value(c)
    close_list(&attributes)
    check_link(c, &fields)
    write_link(d, &fields)
    leave(c, outer)


cdef void check_link(Cursor* c, LinkFields* fields) noexcept nogil:
    """A link may come without ids, for its attributes alone; malformed ids are another matter."""
    if fields.trace_id.size != 0 and fields.trace_id.size != TRACE_ID_SIZE:
        fail_field(c, BAD_LINK, LINK_TRACE_ID)
    if fields.span_id.size != 0 and fields.span_id.size != SPAN_ID_SIZE:
        fail_field(c, BAD_LINK, LINK_SPAN_ID)


cdef void write_link(Decoder* d, LinkFields* fields) noexcept nogil:
    cdef Traces* t = &d.tables.traces
    cdef SpanLinks* links = &t.span_links
    cdef int64_t row = add_row(&links.rows)
    if row < 0:
        return
    write_id(&links.trace_id, row, fields.trace_id)
    write_id(&links.span_id, row, fields.span_id)
    write_text(&links.rows, &links.trace_state, row, fields.trace_state)
    set_u32(&links.flags, row, fields.flags)
    set_end(&links.attributes, row, t.link_attributes.rows.count)
    set_u32(&links.dropped_attributes, row, fields.dropped_attributes)
