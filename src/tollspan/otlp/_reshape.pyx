"""Counting and splitting export requests as bytes: nothing is decoded.

A request is a tree: resource entries, scope entries, and then spans or log records, or else
metrics, their data (gauge, sum, ...) and data points. Here an entry of any level is told apart
into its children, which lead down to the items, and the rest (resource, scope, schema URL, the
metric's name, fields of later versions), which every part repeats.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdlib cimport free
from libc.string cimport memset

from tollspan.otlp._columns cimport GRANTED, OUT_OF_MEMORY, Bytes, Memory, append
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *

from tollspan.errors import LimitError, WireError

cdef enum Level:
    REQUEST = 0
    RESOURCE_ENTRY              # ResourceSpans, ResourceMetrics, ResourceLogs
    SCOPE_ENTRY                 # ScopeSpans, ScopeMetrics, ScopeLogs
    METRIC
    METRIC_DATA                 # Gauge, Sum, Histogram, ExponentialHistogram, Summary
    LEVELS

# What repeating envelopes may blow a request up to: this many bytes of memory for each of its own.
MEMORY_BYTES_FREE = 4 << 20
MEMORY_BYTES_PER_WIRE_BYTE = 16

LAST_LEVELS = {"traces": SCOPE_ENTRY, "metrics": METRIC_DATA, "logs": SCOPE_ENTRY}


def count(str signal, bytes wire not None):
    """The number of spans, data points or log records in an `Export*ServiceRequest`.

    Raises WireError when the framing down to the items is broken; what is in them, or in
    resources and scopes, is not looked at.
    """
    cdef int last = LAST_LEVELS[signal]
    cdef Cursor cursor = cursor_over(<const uint8_t*>wire, len(wire))
    cdef size_t items
    with nogil:
        items = count_items(&cursor, REQUEST, last)
    if cursor.fault != SOUND:
        raise WireError("the message is not framed as an export request", cursor.fault_offset)
    return items


cdef inline uint32_t child_of(int level) noexcept nogil:
    """The tag of the field that leads down to the items; 0 for a metric, which has several."""
    if level == REQUEST:
        return REQUEST_RESOURCE_ENTRIES
    if level == RESOURCE_ENTRY:
        return RESOURCE_ENTRY_SCOPE_ENTRIES
    if level == SCOPE_ENTRY:
        return SCOPE_ENTRY_ITEMS
    return 0 if level == METRIC else DATA_POINTS


cdef size_t count_items(Cursor* c, int level, int last) noexcept nogil:
    """The items in the message under the cursor, whose children are items when `level` is `last`."""
    cdef size_t items = 0
    cdef uint32_t child = child_of(level)
    cdef Outer outer
    while next_field(c):
        if level == METRIC and is_metric_data(c.tag) and c.tag != child:
            child = c.tag
            items = 0                   # of a oneof the last kind wins
        if c.tag != child:
            skip_value(c)
        elif level == last:
            skip_value(c)
            items += 1
        else:
            outer = enter(c)
            items += count_items(c, level + 1, last)
            leave(c, outer)
    return items


# The fields of a message that lead down to the items.
cdef struct Children:
    uint32_t tag
    const uint8_t* begin        # none before here counts


# One message on the way down to the items, as far as the part being built has it.
cdef struct Entry:
    uint32_t tag                # in its parent
    bint open                   # whether the part has it
    Bytes rest                  # the fields that every part repeats
    Bytes body


cdef struct Splitter:
    Cursor cursor
    Memory memory
    int last                    # the level whose children are items
    size_t items                # in the part being built
    size_t items_max
    Entry[LEVELS] entries
    Bytes parts                 # end to end
    Bytes ends                  # size_t each


def split(str signal, bytes wire not None, size_t items_max):
    """The request as several, in order, of at most `items_max` items each.

    Every part repeats the envelopes (resource, scope, schema URLs, unknown fields; of a metric
    with more data points than fit also its header), so each stands alone. Envelopes without
    items are left out, unless the request is small enough to be the only part.

    Raises:
        WireError: as `count` does.
        LimitError: the repeated envelopes would take more than `MEMORY_BYTES_PER_WIRE_BYTE`
            bytes for each byte of `wire`, plus `MEMORY_BYTES_FREE`.
    """
    cdef Splitter splitter
    if items_max < 1:
        raise ValueError("a part holds at least one item")
    if count(signal, wire) <= items_max:
        return [wire]
    memset(&splitter, 0, sizeof(splitter))
    splitter.cursor = cursor_over(<const uint8_t*>wire, len(wire))
    splitter.memory.left = MEMORY_BYTES_FREE + MEMORY_BYTES_PER_WIRE_BYTE * len(wire)
    splitter.last = LAST_LEVELS[signal]
    splitter.items_max = items_max
    try:
        with nogil:
            split_entry(&splitter, REQUEST)
        return take_parts(&splitter)
    finally:
        free_splitter(&splitter)


cdef void split_entry(Splitter* s, int level) noexcept nogil:
    """Deal the items of the message under the cursor out to parts."""
    cdef Cursor* c = &s.cursor
    cdef Children children = read_rest(s, level)
    cdef const uint8_t* begin = children.begin
    cdef Outer outer
    c.pos = begin
    while next_field(c):
        if c.tag != children.tag:
            skip_value(c)
        elif level == s.last:
            skip_value(c)
            put_item(s, begin, c.pos - begin)
        else:
            outer = enter(c)
            s.entries[level + 1].tag = children.tag
            split_entry(s, level + 1)
            leave(c, outer)
        begin = c.pos
    close_entry(s, level)


cdef Children read_rest(Splitter* s, int level) noexcept nogil:
    """Keep the fields that are not on the way to items; return those that are."""
    cdef Cursor* c = &s.cursor
    cdef Bytes* rest = &s.entries[level].rest
    cdef const uint8_t* begin = c.pos
    cdef Children children
    children.tag = child_of(level)
    children.begin = begin
    rest.size = 0
    while next_field(c):
        if level == METRIC and is_metric_data(c.tag) and c.tag != children.tag:
            children.tag = c.tag
            children.begin = begin      # of a oneof the last kind wins
        skip_value(c)
        if c.tag != children.tag:
            append(&s.memory, rest, begin, c.pos - begin)
        begin = c.pos
    return children


cdef void put_item(Splitter* s, const uint8_t* field, size_t size) noexcept nogil:
    """Add one item to the part, below envelopes that are opened when first needed."""
    cdef Entry* entry
    cdef int level
    for level in range(s.last + 1):
        entry = &s.entries[level]
        if not entry.open:
            entry.open = True
            entry.body.size = 0
            append(&s.memory, &entry.body, entry.rest.data, entry.rest.size)
    append(&s.memory, &s.entries[s.last].body, field, size)
    s.items += 1
    if s.items == s.items_max:
        for level in range(s.last, -1, -1):
            close_entry(s, level)


cdef void close_entry(Splitter* s, int level) noexcept nogil:
    """Write the message, if the part has it, into its parent; a closed request is a part."""
    cdef Entry* entry = &s.entries[level]
    cdef Bytes* parent
    if not entry.open:
        return
    entry.open = False
    if level == REQUEST:
        append(&s.memory, &s.parts, entry.body.data, entry.body.size)
        append(&s.memory, &s.ends, &s.parts.size, sizeof(size_t))
        s.items = 0
    else:
        parent = &s.entries[level - 1].body
        append_varint(&s.memory, parent, entry.tag)
        append_varint(&s.memory, parent, entry.body.size)
        append(&s.memory, parent, entry.body.data, entry.body.size)


cdef void append_varint(Memory* memory, Bytes* bytes, uint64_t value) noexcept nogil:
    cdef uint8_t[10] digits
    cdef size_t size = 0
    while value >= 0x80:
        digits[size] = <uint8_t>(value | 0x80)
        value >>= 7
        size += 1
    digits[size] = <uint8_t>value
    append(memory, bytes, digits, size + 1)


cdef list take_parts(Splitter* s):
    cdef const size_t* ends = <const size_t*>s.ends.data
    cdef size_t begin = 0
    cdef size_t i
    if s.memory.refused == OUT_OF_MEMORY:
        raise MemoryError
    if s.memory.refused != GRANTED:
        raise LimitError("bytes of parts for each byte of the message", MEMORY_BYTES_PER_WIRE_BYTE)
    parts = []
    for i in range(s.ends.size // sizeof(size_t)):
        parts.append(PyBytes_FromStringAndSize(<const char*>s.parts.data + begin, ends[i] - begin))
        begin = ends[i]
    return parts


cdef void free_splitter(Splitter* s) noexcept:
    cdef int level
    for level in range(<int>LEVELS):
        free(s.entries[level].rest.data)
        free(s.entries[level].body.data)
    free(s.parts.data)
    free(s.ends.data)
