"""The fields that messages of more than one signal are made of."""

from tollspan.otlp._buffer cimport Buffer

cdef enum:
    # What a tag adds to the field's number times eight.
    VARINT = 0
    I64 = 1
    LEN = 2
    I32 = 5

cdef int put_trace_id(Buffer buffer, int field, trace_id) except -1
cdef int put_span_id(Buffer buffer, int field, span_id) except -1
cdef int put_time(Buffer buffer, int field, unix_nano) except -1
cdef int put_text(Buffer buffer, int field, text) except -1
cdef int put_count(Buffer buffer, int field, count) except -1
cdef int put_double(Buffer buffer, int field, double number) except -1
cdef int put_double_bits(Buffer buffer, double number) except -1
cdef int put_key_value(Buffer buffer, key, value, int depth) except -1
cdef int put_value(Buffer buffer, value, int depth) except -1
cdef object stored(container, str name)
