"""OTLP export requests to columns.

One pass over the bytes with the GIL released. The envelope (resources and scopes) is read by
the same code for every signal; each kind of item then has one function that reads its fields
into a struct and one that writes the struct as a row. Child rows (attributes, events, ...)
are written on the way and taken back when the item turns out to be unsound.

Fields follow protobuf's rules: unknown ones are skipped, the last occurrence of a scalar or of
a oneof wins, occurrences of an embedded message are merged, repeated numbers may be packed or
not. Two things differ: a string that a later occurrence replaces may go unchecked for UTF-8,
and of several attributes with one key the last wins.
"""

cimport cython
from libc.string cimport memcpy, memset

from tollspan.otlp._columns cimport (
    DICTIONARY, FIXED, OFFSETS, OUT_OF_MEMORY, OVER_BUDGET, TEXT, Column, Rows,
    add_row, free_table, next_table, set_end, set_u32, take_table,
)
from tollspan.otlp._decode_logs cimport read_log_record
from tollspan.otlp._decode_metrics cimport read_metric
from tollspan.otlp._decode_records cimport *
from tollspan.otlp._decode_tables cimport Envelope, Logs, Metrics, Traces
from tollspan.otlp._decode_traces cimport read_span
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *

from tollspan.errors import LimitError, WireError
from tollspan.otlp import schema
from tollspan.otlp.signals import Signal

# A decoded message may take this much memory, however little it says. The densest that real
# senders produce (exponential histograms, a byte a bucket) needs 15 bytes for each of its own;
# empty sub-messages of two bytes would need 80.
MEMORY_BYTES_FREE = 4 << 20
MEMORY_BYTES_PER_WIRE_BYTE = 16
# However large the message. Sixty-four MiB of spans as real senders make them need about as much
# again; what is made of the columns afterwards takes a few times this.
MEMORY_BYTES_MAX = 128 << 20
# Offsets are int32, and no text is longer than the message it comes from.
WIRE_BYTES_MAX = (1 << 31) - 1

KINDS = {schema.Kind.TEXT: TEXT, schema.Kind.DICTIONARY: DICTIONARY, schema.Kind.OFFSETS: OFFSETS}

FAULTS = {
    TRUNCATED: "a value runs past the end of its message",
    BAD_VARINT: "a varint is longer than ten bytes",
    BAD_TAG: "this is not a field tag",
    BAD_GROUP: "a group is not closed as it was opened",
    NOT_UTF8: "text is not UTF-8",
    TOO_DEEP: "lists and maps are nested too deeply",
    BAD_TRACE_ID: "must be 16 bytes that are not all zero",
    BAD_SPAN_ID: "must be 8 bytes that are not all zero",
    BAD_PARENT_SPAN_ID: "must be empty or 8 bytes",
    BAD_LINK: "the ids of a link must be empty, or 16 and 8 bytes",
    NO_TIME: "must be set",
    BAD_BUCKETS: "there must be one bucket more than bounds, or neither",
}


cdef class Layout:
    """The empty tables of one signal, ready to be copied, and what reads its items."""

    cdef str items
    cdef tuple tables
    cdef list columns           # the names, of each table
    cdef bytes empty
    cdef Step read_item

    def __init__(self, signal):
        self.items = signal.item
        self.tables = schema.TABLES[signal]
        self.columns = [[column.name for column in table.columns] for table in self.tables]
        self.empty = b"".join([lay_out(table) for table in self.tables])


cdef bytes lay_out(table):
    """An empty table as it stands in memory."""
    cdef Rows rows
    cdef Column column
    memset(&rows, 0, sizeof(Rows))
    rows.width = len(table.columns)
    parts = [(<char*>&rows)[:sizeof(Rows)]]
    for described in table.columns:
        memset(&column, 0, sizeof(Column))
        column.kind = KINDS.get(described.kind, FIXED)
        column.format = ord(described.kind.code)
        column.width = described.kind.width
        parts.append((<char*>&column)[:sizeof(Column)])
    return b"".join(parts)


cdef Layout layout_of(signal, size_t size, Step read_item):
    layout = Layout(signal)
    assert <size_t>len(layout.empty) == size, "schema.TABLES and _decode_tables.pxd differ"
    layout.read_item = read_item
    return layout


LAYOUTS = {
    "traces": layout_of(Signal.TRACES, sizeof(Traces), read_span),
    "metrics": layout_of(Signal.METRICS, sizeof(Metrics), read_metric),
    "logs": layout_of(Signal.LOGS, sizeof(Logs), read_log_record),
}


@cython.final
cdef class Decoded:
    """What a request said: its tables by name, and what of it could not be taken."""

    cdef readonly dict tables
    cdef readonly size_t items
    cdef readonly size_t rejected
    cdef readonly list problems


def decode(str signal, bytes wire not None, *, size_t items_max=1_000_000, int depth_max=32):
    """The tables of an `Export*ServiceRequest`, with every unsound item left out.

    `signal` is a Signal's value. `depth_max` bounds the lists and maps nested in one value.
    An item that is broken or breaks OTLP's rules is counted in `rejected`, and the first five
    are explained in `problems`; a metric that is itself broken counts with the data points
    read from it, at least one.

    Raises:
        WireError: the resources, the scopes or the framing around items are broken.
        LimitError: more than `items_max` items; or columns that would take more memory than
            `MEMORY_BYTES_PER_WIRE_BYTE` for each byte of `wire`, plus `MEMORY_BYTES_FREE`, or than
            `MEMORY_BYTES_MAX`.
    """
    cdef Layout layout = LAYOUTS[signal]
    cdef Decoder decoder
    if len(wire) > WIRE_BYTES_MAX:
        raise LimitError("bytes in a message", WIRE_BYTES_MAX, len(wire))
    start(&decoder, layout, wire)
    decoder.items_max = items_max
    decoder.depth_max = depth_max
    try:
        with nogil:
            read_request(&decoder)
        raise_fatal(&decoder, layout, wire)
        return take_decoded(&decoder, layout)
    finally:
        free_tables(&decoder, layout)


cdef size_t memory_bytes_max(bytes wire):
    return min(MEMORY_BYTES_MAX, MEMORY_BYTES_FREE + MEMORY_BYTES_PER_WIRE_BYTE * len(wire))


cdef int start(Decoder* d, Layout layout, bytes wire) except -1:
    cdef Rows* table = <Rows*>&d.tables
    memset(d, 0, sizeof(Decoder))
    memcpy(&d.tables, <const char*>layout.empty, len(layout.empty))
    d.cursor = cursor_over(<const uint8_t*>wire, len(wire))
    d.memory.left = memory_bytes_max(wire)
    d.read_item = layout.read_item
    for _ in layout.tables:
        table.memory = &d.memory
        table = next_table(table)
    return 0


cdef int raise_fatal(Decoder* d, Layout layout, bytes wire) except -1:
    """Raise for what stopped the reading before its end."""
    if d.memory.refused == OUT_OF_MEMORY:
        raise MemoryError
    if d.memory.refused == OVER_BUDGET:
        if memory_bytes_max(wire) == MEMORY_BYTES_MAX:
            raise LimitError("bytes of columns", MEMORY_BYTES_MAX)
        raise LimitError("bytes of columns for each byte of the message", MEMORY_BYTES_PER_WIRE_BYTE)
    if d.cursor.fault == TOO_MANY_ITEMS:
        raise LimitError(layout.items, d.items_max)
    if d.cursor.fault != SOUND:
        raise WireError(FAULTS[d.cursor.fault], d.cursor.fault_offset)
    return 0


cdef Decoded take_decoded(Decoder* d, Layout layout):
    cdef Decoded decoded = Decoded.__new__(Decoded)
    cdef Rows* table = <Rows*>&d.tables
    cdef size_t i
    decoded.items = d.items
    decoded.rejected = d.rejected
    decoded.problems = [explain(d, layout, &d.problems[i]) for i in range(d.problem_count)]
    decoded.tables = {}
    for described, names in zip(layout.tables, layout.columns):
        decoded.tables[described.name] = take_table(table, names)
        table = next_table(table)
    return decoded


cdef str explain(Decoder* d, Layout layout, Problem* problem):
    """One line for the sender: which item, which field, what is wrong."""
    cdef Rows* table = <Rows*>&d.tables
    cdef uint32_t number = problem.tag >> 3
    for described in layout.tables:
        if table == problem.table:
            break
        table = next_table(table)
    names = [column.name for column in described.columns if column.field == number] or [f"field {number}"]
    item = f"{layout.items.removesuffix('s')} {problem.item}"
    field = f"{names[0]}: " if number else ""
    return f"{item}: {field}{FAULTS[problem.fault]} (byte {problem.offset})"


cdef int free_tables(Decoder* d, Layout layout) except -1:
    cdef Rows* table = <Rows*>&d.tables
    for _ in layout.tables:
        free_table(table)
        table = next_table(table)
    return 0


cdef void read_request(Decoder* d) noexcept nogil:
    """ExportTraceServiceRequest, ExportMetricsServiceRequest, ExportLogsServiceRequest."""
    cdef Cursor* c = &d.cursor
    while next_field(c):
        if c.tag == REQUEST_RESOURCE_ENTRIES:
            read_resource_entry(d)
        else:
            skip_value(c)


cdef struct ScopeFields:
    Slice name
    Slice version
    Slice schema_url
    uint32_t dropped_attributes


cdef void read_resource_entry(Decoder* d) noexcept nogil:
    """ResourceSpans, ResourceMetrics, ResourceLogs."""
    cdef Cursor* c = &d.cursor
    cdef Envelope* t = &d.tables.envelope
    cdef AttributeList attributes = open_list(&t.resource_attributes)
    cdef uint32_t dropped_attributes = 0
    cdef Slice schema_url = empty_slice()
    cdef Outer outer = enter(c)
    cdef int64_t row
    while next_field(c):
        if c.tag == RESOURCE_ENTRY_RESOURCE:
            read_resource(d, &attributes, &dropped_attributes)
        elif c.tag == RESOURCE_ENTRY_SCOPE_ENTRIES:
            read_scope_entry(d)
        elif c.tag == RESOURCE_ENTRY_SCHEMA_URL:
            schema_url = read_text(c)
        else:
            skip_value(c)
    leave(c, outer)
    close_list(&attributes)
    row = add_row(&t.resources.rows)
    if row >= 0:
        set_end(&t.resources.attributes, row, t.resource_attributes.rows.count)
        set_u32(&t.resources.dropped_attributes, row, dropped_attributes)
        write_text(&t.resources.rows, &t.resources.schema_url, row, schema_url)


cdef void read_resource(Decoder* d, AttributeList* attributes, uint32_t* dropped_attributes) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == RESOURCE_ATTRIBUTES:
            read_attribute(d, attributes)
        elif c.tag == RESOURCE_DROPPED_ATTRIBUTES:
            dropped_attributes[0] = <uint32_t>read_varint(c)
        else:
            skip_value(c)
    leave(c, outer)


cdef void read_scope_entry(Decoder* d) noexcept nogil:
    """ScopeSpans, ScopeMetrics, ScopeLogs."""
    cdef Cursor* c = &d.cursor
    cdef AttributeList attributes = open_list(&d.tables.envelope.scope_attributes)
    cdef ScopeFields fields
    cdef Outer outer = enter(c)
    memset(&fields, 0, sizeof(fields))
    while next_field(c):
        if c.tag == SCOPE_ENTRY_SCOPE:
            read_scope(d, &attributes, &fields)
        elif c.tag == SCOPE_ENTRY_ITEMS:
            d.read_item(d)
        elif c.tag == SCOPE_ENTRY_SCHEMA_URL:
            fields.schema_url = read_text(c)
        else:
            skip_value(c)
    leave(c, outer)
    close_list(&attributes)
    write_scope(d, &fields)


cdef void read_scope(Decoder* d, AttributeList* attributes, ScopeFields* fields) noexcept nogil:
    """InstrumentationScope"""
    cdef Cursor* c = &d.cursor
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == SCOPE_NAME:
            fields.name = read_bytes(c)
        elif c.tag == SCOPE_VERSION:
            fields.version = read_bytes(c)
        elif c.tag == SCOPE_ATTRIBUTES:
            read_attribute(d, attributes)
        elif c.tag == SCOPE_DROPPED_ATTRIBUTES:
            fields.dropped_attributes = <uint32_t>read_varint(c)
        else:
            skip_value(c)
    leave(c, outer)


cdef void write_scope(Decoder* d, ScopeFields* fields) noexcept nogil:
    cdef Cursor* c = &d.cursor
    cdef Envelope* t = &d.tables.envelope
    cdef int64_t row = add_row(&t.scopes.rows)
    if row < 0:
        return
    set_u32(&t.scopes.resource, row, t.resources.rows.count)
    write_word(c, &t.scopes.rows, &t.scopes.name, row, fields.name, SCOPE_NAME)
    write_word(c, &t.scopes.rows, &t.scopes.version, row, fields.version, SCOPE_VERSION)
    write_text(&t.scopes.rows, &t.scopes.schema_url, row, fields.schema_url)
    set_end(&t.scopes.attributes, row, t.scope_attributes.rows.count)
    set_u32(&t.scopes.dropped_attributes, row, fields.dropped_attributes)
