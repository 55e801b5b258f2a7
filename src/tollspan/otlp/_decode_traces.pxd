"""Spans, events and links to rows."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from tollspan.otlp._decode_records cimport AttributeList, Decoder
from tollspan.otlp._decode_tables cimport Traces
from tollspan.otlp._wire cimport Cursor, Slice


cdef enum:
    SPAN_TABLES = 6             # `spans` and what hangs on it, as they stand in `Traces`


cdef struct SpanFields:
    Slice trace_id
    Slice span_id
    Slice parent_span_id
    Slice trace_state
    Slice name
    Slice status_message
    uint64_t start
    uint64_t end
    uint32_t flags
    int32_t kind
    int32_t status_code
    uint32_t dropped_attributes
    uint32_t dropped_events
    uint32_t dropped_links


cdef struct EventFields:
    Slice name
    uint64_t time
    uint32_t dropped_attributes


cdef struct LinkFields:
    Slice trace_id
    Slice span_id
    Slice trace_state
    uint32_t flags
    uint32_t dropped_attributes


cdef void read_span(Decoder* d) noexcept nogil
cdef void read_span_fields(Decoder* d) noexcept nogil
cdef void read_status(Cursor* c, SpanFields* fields) noexcept nogil
cdef void check_span(Cursor* c, SpanFields* fields) noexcept nogil
cdef void write_span(Decoder* d, SpanFields* fields) noexcept nogil

cdef void read_event(Decoder* d) noexcept nogil
cdef void write_event(Decoder* d, EventFields* fields) noexcept nogil

cdef void read_link(Decoder* d) noexcept nogil
cdef void check_link(Cursor* c, LinkFields* fields) noexcept nogil
cdef void write_link(Decoder* d, LinkFields* fields) noexcept nogil
