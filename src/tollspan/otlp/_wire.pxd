"""The protobuf wire format, read: the only place where bounds are checked.

A `Cursor` walks one message; `enter` narrows it to an embedded message and `leave` widens it
again. No pointer is handed out before the length test has passed. A fault is sticky: the first
one is kept with its offset, every later read gives zero, and loops over `next_field` end. So
callers read straight on and look at `fault` once, where they can act on it.

As protobuf's own parsers do, fields of an unexpected wire type count as unknown, well-formed
groups are skipped, and bits of a varint beyond the 64th are dropped. A varint of more than ten
bytes is a fault.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef enum WireType:
    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    GROUP = 3
    END_GROUP = 4
    FIXED32 = 5


cdef enum:
    GROUPS_MAX = 100            # nested; protobuf's own limit


cdef enum Fault:
    SOUND = 0
    TRUNCATED                   # a value runs past the end of its message
    BAD_VARINT
    BAD_TAG
    BAD_GROUP
    NOT_UTF8
    TOO_DEEP
    BAD_TRACE_ID                # from here on: sound bytes that OTLP forbids
    BAD_SPAN_ID
    BAD_PARENT_SPAN_ID
    BAD_LINK
    NO_TIME
    BAD_BUCKETS
    TOO_MANY_ITEMS              # from here on: nothing more is read
    NO_MEMORY


cdef struct Cursor:
    const uint8_t* start
    const uint8_t* pos
    const uint8_t* end
    uint32_t tag                # of the field being read: number << 3 | wire type
    Fault fault
    size_t fault_offset         # from `start`


cdef struct Outer:
    const uint8_t* end
    uint32_t tag


cdef struct Slice:
    const uint8_t* data
    size_t size


cdef inline Slice empty_slice() noexcept nogil:
    cdef Slice slice
    slice.data = NULL
    slice.size = 0
    return slice


cdef inline Cursor cursor_over(const uint8_t* data, size_t size) noexcept nogil:
    cdef Cursor c
    c.start = c.pos = data
    c.end = data + size
    c.tag = 0
    c.fault = SOUND
    c.fault_offset = 0
    return c


cdef inline void fail_at(Cursor* c, Fault fault, const uint8_t* where) noexcept nogil:
    if c.fault == SOUND:
        c.fault = fault
        c.fault_offset = where - c.start


cdef inline void fail(Cursor* c, Fault fault) noexcept nogil:
    fail_at(c, fault, c.pos)


cdef inline void fail_field(Cursor* c, Fault fault, uint32_t tag) noexcept nogil:
    """A fault of the message as a whole, found behind its last field, that lies in field `tag`."""
    if c.fault == SOUND:
        fail(c, fault)
        c.tag = tag


cdef inline uint64_t read_varint(Cursor* c) noexcept nogil:
    cdef uint64_t value = 0
    cdef uint64_t byte
    cdef int shift = 0
    while shift < 70 and c.pos < c.end:
        byte = c.pos[0]
        c.pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
    fail(c, BAD_VARINT if shift == 70 else TRUNCATED)
    return 0


cdef inline int64_t read_zigzag(Cursor* c) noexcept nogil:
    cdef uint64_t value = read_varint(c)
    return <int64_t>(value >> 1) ^ -<int64_t>(value & 1)


cdef inline uint64_t read_fixed64(Cursor* c) noexcept nogil:
    cdef uint64_t value = 0
    if c.end - c.pos < 8:
        fail(c, TRUNCATED)
        return 0
    memcpy(&value, c.pos, 8)
    c.pos += 8
    return value


cdef inline uint32_t read_fixed32(Cursor* c) noexcept nogil:
    cdef uint32_t value = 0
    if c.end - c.pos < 4:
        fail(c, TRUNCATED)
        return 0
    memcpy(&value, c.pos, 4)
    c.pos += 4
    return value


cdef inline Slice read_bytes(Cursor* c) noexcept nogil:
    """The payload of a length-delimited field; empty and at `pos` after a fault."""
    cdef Slice slice
    cdef uint64_t size = read_varint(c)
    if size > <uint64_t>(c.end - c.pos):
        fail(c, TRUNCATED)
        size = 0
    slice.data = c.pos
    slice.size = size
    c.pos += size
    return slice


cdef inline bint is_continuation(uint8_t byte) noexcept nogil:
    return byte & 0xC0 == 0x80


cdef inline size_t sequence_size(const uint8_t* data, size_t size) noexcept nogil:
    """Bytes in the UTF-8 sequence at `data`; 0 when it is not one (RFC 3629 §4)."""
    cdef uint8_t first = data[0]
    if first < 0x80:
        return 1
    if first < 0xC2 or first > 0xF4:
        return 0
    if size < 2 or not is_continuation(data[1]):
        return 0
    if first < 0xE0:
        return 2
    if size < 3 or not is_continuation(data[2]):
        return 0
    if first < 0xF0:
        if (first == 0xE0 and data[1] < 0xA0) or (first == 0xED and data[1] > 0x9F):
            return 0            # overlong, or a surrogate
        return 3
    if size < 4 or not is_continuation(data[3]):
        return 0
    if (first == 0xF0 and data[1] < 0x90) or (first == 0xF4 and data[1] > 0x8F):
        return 0                # overlong, or beyond U+10FFFF
    return 4


cdef inline bint is_utf8(const uint8_t* data, size_t size) noexcept nogil:
    cdef size_t i = 0
    cdef size_t step
    cdef uint64_t word
    while i < size:
        if size - i >= 8:
            memcpy(&word, data + i, 8)
            if word & 0x8080808080808080u == 0:
                i += 8
                continue
        step = sequence_size(data + i, size - i)
        if step == 0:
            return False
        i += step
    return True

cdef inline Slice read_text(Cursor* c) noexcept nogil:
    """The payload of a string field, which is UTF-8."""
    cdef Slice text = read_bytes(c)
    if not is_utf8(text.data, text.size):
        fail_at(c, NOT_UTF8, text.data)
    return text


cdef inline Outer enter(Cursor* c) noexcept nogil:
    """Narrow the cursor to the embedded message that begins here."""
    cdef Outer outer
    cdef Slice body = read_bytes(c)
    outer.end = c.end
    outer.tag = c.tag
    c.pos = body.data
    c.end = body.data + body.size
    c.tag = 0
    return outer


cdef inline void leave(Cursor* c, Outer outer) noexcept nogil:
    """Go on behind the embedded message, whatever of it was read."""
    c.pos = c.end
    c.end = outer.end
    c.tag = outer.tag


cdef inline bint next_field(Cursor* c) noexcept nogil:
    """Whether another field follows; its tag is then in `tag`. After a fault, `tag` stays as it was there."""
    cdef uint64_t tag
    if c.pos >= c.end or c.fault != SOUND:
        return False
    tag = read_varint(c)
    if tag < 8 or tag >> 32 != 0:
        fail(c, BAD_TAG)
        tag = 0
    c.tag = <uint32_t>tag
    return tag != 0


cdef inline void skip_bytes(Cursor* c, size_t size) noexcept nogil:
    if size > <size_t>(c.end - c.pos):
        fail(c, TRUNCATED)
    else:
        c.pos += size


cdef inline void skip_scalar(Cursor* c, uint32_t wire_type) noexcept nogil:
    if wire_type == VARINT:
        read_varint(c)
    elif wire_type == FIXED64:
        skip_bytes(c, 8)
    elif wire_type == LENGTH:
        read_bytes(c)
    elif wire_type == FIXED32:
        skip_bytes(c, 4)
    else:
        fail(c, BAD_TAG)


cdef inline void skip_group(Cursor* c) noexcept nogil:
    """Pass over everything up to the end of the group whose tag was read."""
    cdef uint64_t[GROUPS_MAX] ends
    cdef int depth = 1
    cdef uint64_t tag
    ends[0] = c.tag + END_GROUP - GROUP
    while depth > 0 and c.pos < c.end and c.fault == SOUND:
        tag = read_varint(c)
        if tag & 7 == GROUP and depth < GROUPS_MAX:
            ends[depth] = tag + END_GROUP - GROUP
            depth += 1
        elif tag & 7 == END_GROUP and tag == ends[depth - 1]:
            depth -= 1
        elif tag & 7 == GROUP or tag & 7 == END_GROUP:
            fail(c, BAD_GROUP)
        else:
            skip_scalar(c, tag & 7)
    if depth > 0:
        fail(c, BAD_GROUP)


cdef inline void skip_value(Cursor* c) noexcept nogil:
    """Pass over the value of the field whose tag was read: a field this version does not know."""
    if c.tag & 7 == GROUP:
        skip_group(c)
    else:
        skip_scalar(c, c.tag & 7)
