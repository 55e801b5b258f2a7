"""Log records to rows (opentelemetry.proto.logs.v1).

A trace or span id that is malformed means "not linked to a span"; the record stays.
"""

from libc.string cimport memset

from tollspan.otlp._columns cimport add_row, set_end, set_u8, set_u32, set_u64
from tollspan.otlp._decode_records cimport *
from tollspan.otlp._decode_tables cimport LogRecords, Logs
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *


cdef void read_log_record(Decoder* d) noexcept nogil:
    read_record(d, &d.tables.logs.log_records.rows, LOG_RECORD_TABLES, read_log_record_fields)


cdef void read_log_record_fields(Decoder* d) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef LogRecords* records = &d.tables.logs.log_records
    cdef AttributeList attributes = open_list(&d.tables.logs.log_record_attributes)
    cdef LogRecordFields fields
    memset(&fields, 0, sizeof(fields))
    fields.body = no_value(&records.body_text)
    while next_field(c):
        if c.tag == LOG_TIME:
            fields.time = read_fixed64(c)
        elif c.tag == LOG_SEVERITY_NUMBER:
            fields.severity_number = <int32_t>read_varint(c)
        elif c.tag == LOG_SEVERITY_TEXT:
            fields.severity_text = read_bytes(c)
        elif c.tag == LOG_BODY:
            read_any_value(d, &records.rows, &records.body_text, &fields.body)
        elif c.tag == LOG_ATTRIBUTES:
            read_attribute(d, &attributes)
        elif c.tag == LOG_DROPPED_ATTRIBUTES:
            fields.dropped_attributes = <uint32_t>read_varint(c)
        elif c.tag == LOG_FLAGS:
            fields.flags = read_fixed32(c)
        elif c.tag == LOG_TRACE_ID:
            fields.trace_id = read_bytes(c)
        elif c.tag == LOG_SPAN_ID:
            fields.span_id = read_bytes(c)
        elif c.tag == LOG_OBSERVED_TIME:
            fields.observed_time = read_fixed64(c)
        elif c.tag == LOG_EVENT_NAME:
            fields.event_name = read_bytes(c)
        else:
            skip_value(c)
    close_list(&attributes)
    write_log_record(d, &fields)


cdef void write_log_record(Decoder* d, LogRecordFields* fields) noexcept nogil:
    cdef Logs* t = &d.tables.logs
    cdef LogRecords* records = &t.log_records
    cdef int64_t row = add_row(&records.rows)
    if row < 0:
        return
    set_u32(&records.resource, row, t.envelope.resources.rows.count)
    set_u32(&records.scope, row, t.envelope.scopes.rows.count)
    set_u64(&records.time_unix_nano, row, fields.time)
    set_u64(&records.observed_time_unix_nano, row, fields.observed_time)
    set_u32(&records.severity_number, row, fields.severity_number)
    write_word(&d.cursor, &records.rows, &records.severity_text, row, fields.severity_text, LOG_SEVERITY_TEXT)
    set_u8(&records.body_type, row, fields.body.type)
    set_u64(&records.body_number, row, fields.body.number)
    set_end(&records.body_text, row, records.body_text.bytes.size)
    write_word(&d.cursor, &records.rows, &records.event_name, row, fields.event_name, LOG_EVENT_NAME)
    write_id(&records.trace_id, row, fields.trace_id)
    write_id(&records.span_id, row, fields.span_id)
    set_u32(&records.flags, row, fields.flags)
    set_end(&records.attributes, row, t.log_record_attributes.rows.count)
    set_u32(&records.dropped_attributes, row, fields.dropped_attributes)
