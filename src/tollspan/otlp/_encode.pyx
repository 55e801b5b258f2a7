"""OpenTelemetry SDK spans and log records straight to protobuf bytes; `_encode_py` is the same in plain Python."""

from collections.abc import Mapping, Sequence

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.long cimport (
    PyLong_AsLongLong, PyLong_AsUnsignedLong, PyLong_AsUnsignedLongLong, PyLong_AsUnsignedLongLongMask,
)
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from tollspan.otlp._buffer cimport (
    Buffer, close_length, open_length, put_byte, put_fixed32, put_fixed64, put_raw, put_varint,
)
from tollspan.otlp._encode_py import VALUE_DEPTH_MAX

cdef enum:
    HAS_IS_REMOTE = 0x100
    IS_REMOTE = 0x200

    KEYS_MAX = 2048
    KEY_CHARS_MAX = 128

cdef int DEPTH_MAX = VALUE_DEPTH_MAX

# Instrumentations repeat their attribute keys: each is kept as it stands in a KeyValue.
cdef dict key_fields = {}


def encode_spans(spans):
    """See `_encode_py.encode_spans`."""
    return encode_records(spans, put_span)


def encode_logs(records):
    """See `_encode_py.encode_logs`."""
    return encode_records(records, put_log_record)


ctypedef int (*PutRecord)(Buffer, object) except -1


cdef tuple encode_records(records, PutRecord put_record):
    cdef Buffer buffer = Buffer()
    cdef list failed = []
    cdef Py_ssize_t position, start
    for position, record in enumerate(records):
        start = buffer.size
        try:
            put_record(buffer, record)
        except Exception:
            buffer.size = start
            failed.append(position)
    return bytes(buffer), failed


cdef tuple read_span(span):
    """The parts of `span`.

    The public properties of the SDK's own classes make a copy or a proxy at each call, so
    those are read past them. Any other class may override what its properties show.
    """
    if type(span).__module__ == "opentelemetry.sdk.trace":
        try:
            return read_private(span)
        except AttributeError:
            pass  # a version of the SDK that names its fields differently
    return (
        span.context, span.parent, span.name, span.kind, span.start_time, span.end_time,
        span.attributes, span.dropped_attributes, span.events, span.dropped_events,
        span.links, span.dropped_links, span.status,
    )


cdef tuple read_private(span):
    attributes, events, links = span._attributes, span._events, span._links
    return (
        span._context, span._parent, span._name, span._kind, span._start_time, span._end_time,
        attributes, getattr(attributes, "dropped", 0), events, getattr(events, "dropped", 0),
        links, getattr(links, "dropped", 0), span._status,
    )


cdef int put_span(Buffer buffer, span) except -1:
    cdef Py_ssize_t start
    (
        context, parent, name, kind, start_time, end_time,
        attributes, dropped_attributes, events, dropped_events, links, dropped_links, status,
    ) = read_span(span)
    put_byte(buffer, 2 << 3 | LEN)
    start = open_length(buffer)
    put_ids(buffer, context)
    put_trace_state(buffer, context.trace_state)
    if parent:
        put_span_id(buffer, 4, parent.span_id)
    put_text(buffer, 5, name)
    put_kind(buffer, kind)
    put_time(buffer, 7, start_time)
    put_time(buffer, 8, end_time)
    put_attributes(buffer, 9, attributes, dropped_attributes)
    put_events(buffer, events)
    put_count(buffer, 12, dropped_events)
    put_links(buffer, links)
    put_count(buffer, 14, dropped_links)
    put_status(buffer, status)
    put_flags(buffer, 16, parent)
    return close_length(buffer, start)


cdef int put_events(Buffer buffer, events) except -1:
    cdef Py_ssize_t start
    for event in stored(events, "_dq"):
        put_byte(buffer, 11 << 3 | LEN)
        start = open_length(buffer)
        put_time(buffer, 1, event.timestamp)
        put_text(buffer, 2, event.name)
        put_attributes(buffer, 3, event.attributes, event.dropped_attributes)
        close_length(buffer, start)
    return 0


cdef int put_links(Buffer buffer, links) except -1:
    cdef Py_ssize_t start
    for link in stored(links, "_dq"):
        put_byte(buffer, 13 << 3 | LEN)
        start = open_length(buffer)
        put_ids(buffer, link.context)
        put_attributes(buffer, 4, link.attributes, link.dropped_attributes)
        put_flags(buffer, 6, link.context)
        close_length(buffer, start)
    return 0


cdef int put_status(Buffer buffer, status) except -1:
    cdef Py_ssize_t start
    if status is None:
        return 0
    put_byte(buffer, 15 << 3 | LEN)
    start = open_length(buffer)
    put_text(buffer, 2, status.description)
    put_count(buffer, 3, status.status_code.value)
    return close_length(buffer, start)


cdef int put_log_record(Buffer buffer, readable) except -1:
    cdef Py_ssize_t start
    record = readable.log_record
    attributes = record.attributes
    put_byte(buffer, 2 << 3 | LEN)
    start = open_length(buffer)
    put_time(buffer, 1, record.timestamp)
    if record.severity_number is not None:
        put_count(buffer, 2, record.severity_number.value)
    put_text(buffer, 3, record.severity_text)
    put_byte(buffer, 5 << 3 | LEN)
    put_value(buffer, record.body, 0)
    put_attributes(buffer, 6, attributes, getattr(attributes, "dropped", 0))
    put_trace_flags(buffer, 8, record.trace_flags)
    if record.trace_id:
        put_trace_id(buffer, 9, record.trace_id)
    if record.span_id:
        put_span_id(buffer, 10, record.span_id)
    put_time(buffer, 11, record.observed_timestamp)
    put_text(buffer, 12, record.event_name)
    return close_length(buffer, start)


cdef int put_trace_flags(Buffer buffer, int field, trace_flags) except -1:
    if trace_flags:
        put_byte(buffer, field << 3 | I32)
        put_fixed32(buffer, trace_flags & 0xFF)
    return 0


cdef int put_ids(Buffer buffer, context) except -1:
    put_trace_id(buffer, 1, context.trace_id)
    return put_span_id(buffer, 2, context.span_id)


cdef int put_trace_id(Buffer buffer, int field, trace_id) except -1:
    put_byte(buffer, field << 3 | LEN)
    put_byte(buffer, 16)
    put_big_endian(buffer, PyLong_AsUnsignedLongLong(trace_id >> 64))
    return put_big_endian(buffer, PyLong_AsUnsignedLongLongMask(trace_id))


cdef int put_span_id(Buffer buffer, int field, span_id) except -1:
    put_byte(buffer, field << 3 | LEN)
    put_byte(buffer, 8)
    return put_big_endian(buffer, PyLong_AsUnsignedLongLong(span_id))


cdef int put_big_endian(Buffer buffer, uint64_t number) except -1:
    cdef uint64_t swapped = 0
    for _ in range(8):
        swapped = swapped << 8 | number & 0xFF
        number >>= 8
    return put_fixed64(buffer, swapped)


cdef int put_trace_state(Buffer buffer, trace_state) except -1:
    if not stored(trace_state, "_dict"):
        return 0
    return put_text(buffer, 3, ",".join([f"{key}={value}" for key, value in trace_state.items()]))


cdef int put_flags(Buffer buffer, int field, context) except -1:
    put_varint(buffer, field << 3 | I32)
    return put_fixed32(buffer, HAS_IS_REMOTE | IS_REMOTE if context and context.is_remote else HAS_IS_REMOTE)


cdef int put_kind(Buffer buffer, kind) except -1:
    cdef long value = kind.value
    if not 0 <= value < 5:
        raise ValueError(kind)
    put_byte(buffer, 6 << 3 | VARINT)
    return put_byte(buffer, value + 1)


cdef int put_time(Buffer buffer, int field, unix_nano) except -1:
    cdef uint64_t number
    if unix_nano is None:
        return 0
    number = PyLong_AsUnsignedLongLong(unix_nano)
    if number:
        put_byte(buffer, field << 3 | I64)
        put_fixed64(buffer, number)
    return 0


cdef int put_text(Buffer buffer, int field, text) except -1:
    cdef Py_ssize_t size
    cdef const char *utf8
    if text is None:
        return 0
    utf8 = PyUnicode_AsUTF8AndSize(text, &size)
    if size:
        put_byte(buffer, field << 3 | LEN)
        put_varint(buffer, size)
        put_raw(buffer, utf8, size)
    return 0


cdef int put_count(Buffer buffer, int field, count) except -1:
    cdef unsigned long number = PyLong_AsUnsignedLong(count)
    if number > 0xFFFFFFFF:
        raise OverflowError(count)
    if number:
        put_byte(buffer, field << 3 | VARINT)
        put_varint(buffer, number)
    return 0


cdef int put_double(Buffer buffer, int field, double number) except -1:
    put_byte(buffer, field << 3 | I64)
    return put_double_bits(buffer, number)


cdef int put_double_bits(Buffer buffer, double number) except -1:
    cdef uint64_t bits
    memcpy(&bits, &number, 8)
    return put_fixed64(buffer, bits)


cdef int put_attributes(Buffer buffer, int field, attributes, dropped) except -1:
    """The attributes as `field`, then how many are missing: in every OTLP message the next field."""
    cdef Py_ssize_t start
    cdef int lost = 0
    if attributes:
        for key, value in stored(attributes, "_dict").items():
            start = buffer.size
            try:
                put_byte(buffer, field << 3 | LEN)
                put_key_value(buffer, key, value, 0)
            except Exception:
                buffer.size = start
                lost += 1
    return put_count(buffer, field + 1, dropped + lost if lost else dropped)


cdef int put_key_value(Buffer buffer, key, value, int depth) except -1:
    """A length and a KeyValue."""
    cdef Py_ssize_t start = open_length(buffer)
    put_key(buffer, key)
    put_byte(buffer, 2 << 3 | LEN)
    put_value(buffer, value, depth)
    return close_length(buffer, start)


cdef int put_key(Buffer buffer, key) except -1:
    cdef Py_ssize_t start
    cdef PyObject *known = PyDict_GetItem(key_fields, key) if type(key) is str else NULL
    if known is not NULL:
        return put_raw(buffer, PyBytes_AS_STRING(<object>known), PyBytes_GET_SIZE(<object>known))
    start = buffer.size
    put_text(buffer, 1, key)
    if type(key) is str and len(key) <= KEY_CHARS_MAX:
        if len(key_fields) == KEYS_MAX:
            key_fields.clear()
        key_fields[key] = (<const char *>buffer.data)[start:buffer.size]
    return 0


cdef int put_value(Buffer buffer, value, int depth) except -1:
    """A length and the AnyValue of `value`."""
    cdef Py_ssize_t start = open_length(buffer)
    cdef Py_ssize_t size
    cdef const char *utf8
    if isinstance(value, str):
        utf8 = PyUnicode_AsUTF8AndSize(value, &size)
        put_byte(buffer, 1 << 3 | LEN)
        put_varint(buffer, size)
        put_raw(buffer, utf8, size)
    elif value is True or value is False:
        put_byte(buffer, 2 << 3 | VARINT)
        put_byte(buffer, value is True)
    elif isinstance(value, int):
        put_byte(buffer, 3 << 3 | VARINT)
        put_varint(buffer, <uint64_t>PyLong_AsLongLong(value))
    elif isinstance(value, float):
        put_double(buffer, 4, value)
    elif isinstance(value, bytes):
        put_byte(buffer, 7 << 3 | LEN)
        put_varint(buffer, PyBytes_GET_SIZE(value))
        put_raw(buffer, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    elif value is not None:
        put_container(buffer, value, depth + 1)
    return close_length(buffer, start)


cdef int put_container(Buffer buffer, value, int depth) except -1:
    if depth > DEPTH_MAX:
        raise ValueError("nested too deep")
    if isinstance(value, Sequence):
        return put_array(buffer, value, depth)
    if isinstance(value, Mapping):
        return put_map(buffer, value, depth)
    raise TypeError("OTLP has no such value")


cdef int put_array(Buffer buffer, values, int depth) except -1:
    cdef Py_ssize_t start
    put_byte(buffer, 5 << 3 | LEN)
    start = open_length(buffer)
    for value in values:
        put_byte(buffer, 1 << 3 | LEN)
        put_value(buffer, value, depth)
    return close_length(buffer, start)


cdef int put_map(Buffer buffer, values, int depth) except -1:
    cdef Py_ssize_t start
    put_byte(buffer, 6 << 3 | LEN)
    start = open_length(buffer)
    for key, value in values.items():
        put_byte(buffer, 1 << 3 | LEN)
        put_key_value(buffer, str(key), value, depth)
    return close_length(buffer, start)


cdef object stored(container, str name):
    """What the SDK's bounded containers hold, without the copy or the lock of their iterators."""
    if type(container) is dict or type(container) is tuple:
        return container
    return getattr(container, name, container)
