"""Reading items one by one, and the attributes, values and ids that they consist of."""

from libc.stdint cimport int32_t

from tollspan.otlp._columns cimport (
    GRANTED, add_row, append, intern, move_row, next_table, set_end, set_u8, set_u32, set_u64, truncate,
)
from tollspan.otlp._fields cimport *
from tollspan.otlp._wire cimport *


cdef Mark mark(Rows* first, int width) noexcept nogil:
    """Where the `width` tables from `first` on end now."""
    cdef Mark marked
    cdef Rows* table = first
    cdef int i
    marked.first = first
    marked.width = width
    for i in range(width):
        marked.counts[i] = table.count
        table = next_table(table)
    return marked


cdef void roll_back(Mark* marked) noexcept nogil:
    """Forget the rows that were written since."""
    cdef Rows* table = marked.first
    cdef int i
    for i in range(marked.width):
        truncate(table, marked.counts[i])
        table = next_table(table)


cdef void read_record(Decoder* d, Rows* first, int width, Step read_fields) noexcept nogil:
    """Read one item into the tables from `first` on, or leave no trace of it but a problem.

    A fault within the item ends with the item. Only a broken length, or the end of what the
    decode may take, is left standing.
    """
    cdef Cursor* c = &d.cursor
    cdef Outer outer = enter(c)
    cdef Mark before
    if d.items + d.rejected == d.items_max:
        fail(c, TOO_MANY_ITEMS)
    if c.fault != SOUND:
        return
    before = mark(first, width)
    read_fields(d)
    if d.memory.refused != GRANTED:
        c.fault = NO_MEMORY
    if c.fault == SOUND:
        d.items += 1
    elif c.fault < TOO_MANY_ITEMS:
        roll_back(&before)
        note_problem(d, first)
        d.rejected += 1
    leave(c, outer)


cdef void note_problem(Decoder* d, Rows* table) noexcept nogil:
    """Keep what is wrong with the next item, unless enough is kept, and go on as if sound."""
    cdef Cursor* c = &d.cursor
    cdef Problem* problem
    if d.problem_count < PROBLEMS_MAX:
        problem = &d.problems[d.problem_count]
        problem.item = d.items + d.rejected
        problem.table = table
        problem.tag = c.tag
        problem.fault = c.fault
        problem.offset = c.fault_offset
        d.problem_count += 1
    c.fault = SOUND


cdef AttributeList open_list(Attributes* table) noexcept nogil:
    cdef AttributeList attributes
    attributes.table = table
    attributes.first = table.rows.count
    attributes.repeated = False
    return attributes


cdef void read_attribute(Decoder* d, AttributeList* attributes) noexcept nogil:
    """KeyValue, as one more row of the list."""
    cdef Cursor* c = &d.cursor
    cdef Attributes* t = attributes.table
    cdef Slice key = empty_slice()
    cdef Value value = no_value(&t.text)
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == KEY_VALUE_KEY:
            key = read_bytes(c)
        elif c.tag == KEY_VALUE_VALUE:
            read_any_value(d, &t.rows, &t.text, &value)
        else:
            skip_value(c)
    leave(c, outer)
    write_attribute(c, attributes, key, &value)


cdef void write_attribute(Cursor* c, AttributeList* attributes, Slice key, Value* value) noexcept nogil:
    cdef Attributes* t = attributes.table
    cdef int64_t index = intern(&t.rows, &t.key, key.data, key.size)
    cdef int64_t row
    cdef int32_t* last_row
    if index < 0:
        fail_at(c, NOT_UTF8, key.data)
        return
    row = add_row(&t.rows)
    if row < 0:
        return
    set_u32(&t.key, row, <uint32_t>index)
    set_u8(&t.type, row, value.type)
    set_u64(&t.number, row, value.number)
    set_end(&t.text, row, t.text.bytes.size)
    last_row = <int32_t*>t.key.distinct.last_row.cells + index
    if last_row[0] >= <int64_t>attributes.first:
        attributes.repeated = True
    last_row[0] = <int32_t>row


cdef void close_list(AttributeList* attributes) noexcept nogil:
    """Keep only the last attribute of each key."""
    cdef Attributes* t = attributes.table
    cdef const uint32_t* keys = <const uint32_t*>t.key.cells
    cdef const int32_t* last_rows
    cdef size_t kept = attributes.first
    cdef size_t row
    if attributes.repeated:
        last_rows = <const int32_t*>t.key.distinct.last_row.cells
        for row in range(attributes.first, t.rows.count):
            if last_rows[keys[row]] == <int32_t>row:
                move_row(&t.rows, kept, row)
                kept += 1
        truncate(&t.rows, kept)


cdef Value no_value(Column* text) noexcept nogil:
    cdef Value value
    value.type = EMPTY
    value.number = 0
    value.text_begin = text.bytes.size
    return value


cdef void read_any_value(Decoder* d, Rows* rows, Column* text, Value* value) noexcept nogil:
    """AnyValue. Its text is left at the end of `text`, for the caller to close."""
    cdef Cursor* c = &d.cursor
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == ANY_STRING:
            set_text(rows, text, value, STRING, read_text(c))
        elif c.tag == ANY_BOOL:
            set_number(text, value, BOOL, read_varint(c) != 0)
        elif c.tag == ANY_INT:
            set_number(text, value, INT, read_varint(c))
        elif c.tag == ANY_DOUBLE:
            set_number(text, value, DOUBLE, read_fixed64(c))
        elif c.tag == ANY_ARRAY or c.tag == ANY_KVLIST:
            set_list(rows, text, value, c.tag >> 3, read_list(c, d.depth_max))
        elif c.tag == ANY_BYTES:
            set_text(rows, text, value, BYTES, read_bytes(c))
        else:
            skip_value(c)
    leave(c, outer)


cdef inline void set_number(Column* text, Value* value, uint8_t type, uint64_t number) noexcept nogil:
    text.bytes.size = value.text_begin
    value.type = type
    value.number = number


cdef inline void set_text(Rows* rows, Column* text, Value* value, uint8_t type, Slice slice) noexcept nogil:
    set_number(text, value, type, 0)
    append(rows.memory, &text.bytes, slice.data, slice.size)


cdef inline void set_list(Rows* rows, Column* text, Value* value, uint8_t type, Slice slice) noexcept nogil:
    """Merge with an earlier occurrence of the same message, as protobuf does: by concatenation."""
    if value.type != type:
        set_number(text, value, type, 0)
    append(rows.memory, &text.bytes, slice.data, slice.size)


cdef Slice read_list(Cursor* c, int depth_max) noexcept nogil:
    """The bytes of the ArrayValue or KeyValueList that `tag` announces, after all in it was checked."""
    cdef uint32_t member = c.tag
    cdef Outer outer = enter(c)
    cdef Slice slice
    slice.data = c.pos
    slice.size = c.end - c.pos
    if depth_max <= 0:
        fail(c, TOO_DEEP)
    while next_field(c):
        if c.tag != LIST_VALUES:
            skip_value(c)
        elif member == ANY_ARRAY:
            check_any_value(c, depth_max)
        else:
            check_key_value(c, depth_max)
    leave(c, outer)
    return slice


cdef void check_key_value(Cursor* c, int depth_max) noexcept nogil:
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == KEY_VALUE_KEY:
            read_text(c)
        elif c.tag == KEY_VALUE_VALUE:
            check_any_value(c, depth_max)
        else:
            skip_value(c)
    leave(c, outer)


cdef void check_any_value(Cursor* c, int depth_max) noexcept nogil:
    cdef Outer outer = enter(c)
    while next_field(c):
        if c.tag == ANY_STRING:
            read_text(c)
        elif c.tag == ANY_ARRAY or c.tag == ANY_KVLIST:
            read_list(c, depth_max - 1)
        else:
            skip_value(c)
    leave(c, outer)


cdef void write_word(
    Cursor* c, Rows* t, Column* column, int64_t row, Slice word, uint32_t tag
) noexcept nogil:
    """Set a cell of a DICTIONARY. A word that is not UTF-8 is a fault in the field `tag`."""
    cdef int64_t index = intern(t, column, word.data, word.size)
    if index < 0:
        fail_field(c, NOT_UTF8, tag)
        return
    set_u32(column, row, <uint32_t>index)
