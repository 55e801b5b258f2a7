"""The state of a decode, and how items, attributes and values are read, whatever the signal."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from tollspan.otlp._columns cimport Column, Memory, Rows, append, set_end, set_id, set_no_id
from tollspan.otlp._decode_tables cimport Attributes, Tables
from tollspan.otlp._wire cimport Cursor, Fault, Slice


cdef enum ValueType:            # as in schema.py
    EMPTY = 0
    STRING = 1
    BOOL = 2
    INT = 3
    DOUBLE = 4
    ARRAY = 5
    KVLIST = 6
    BYTES = 7


cdef enum:
    TRACE_ID_SIZE = 16
    SPAN_ID_SIZE = 8
    PROBLEMS_MAX = 5
    RECORD_TABLES_MAX = 19      # that one record, or one metric, writes to


cdef struct Problem:
    size_t item
    Rows* table                 # that the record was meant for
    uint32_t tag                # of the field that is wrong; 0 when no field was reached
    Fault fault
    size_t offset


cdef struct Decoder

ctypedef void (*Step)(Decoder* d) noexcept nogil


cdef struct Decoder:
    Cursor cursor
    Memory memory
    Tables tables
    Step read_item              # reads the item whose tag was just read
    int depth_max
    size_t items_max
    size_t items                # accepted
    size_t rejected
    Problem[PROBLEMS_MAX] problems
    size_t problem_count


# Where a stretch of tables ended when a record began.
cdef struct Mark:
    Rows* first
    int width                   # tables
    size_t[RECORD_TABLES_MAX] counts


# The attributes of one owner while they are read.
cdef struct AttributeList:
    Attributes* table
    size_t first
    bint repeated               # a key may have come twice


cdef struct Value:
    uint8_t type                # a ValueType
    uint64_t number
    size_t text_begin           # its text goes from here to where the column ends


cdef Mark mark(Rows* first, int width) noexcept nogil
cdef void roll_back(Mark* marked) noexcept nogil
cdef void read_record(Decoder* d, Rows* first, int width, Step read_fields) noexcept nogil
cdef void note_problem(Decoder* d, Rows* table) noexcept nogil

cdef AttributeList open_list(Attributes* table) noexcept nogil
cdef void read_attribute(Decoder* d, AttributeList* attributes) noexcept nogil
cdef void close_list(AttributeList* attributes) noexcept nogil

cdef Value no_value(Column* text) noexcept nogil
cdef void read_any_value(Decoder* d, Rows* rows, Column* text, Value* value) noexcept nogil
cdef void write_word(Cursor* c, Rows* t, Column* column, int64_t row, Slice word, uint32_t tag) noexcept nogil


cdef inline void write_text(Rows* t, Column* column, int64_t row, Slice text) noexcept nogil:
    append(t.memory, &column.bytes, text.data, text.size)
    set_end(column, row, column.bytes.size)


cdef inline bint is_id(Slice id, size_t size) noexcept nogil:
    """Whether it has the size of an id and is not all zero."""
    cdef uint8_t bits = 0
    cdef size_t i
    if id.size != size:
        return False
    for i in range(size):
        bits |= id.data[i]
    return bits != 0


cdef inline void write_id(Column* column, int64_t row, Slice id) noexcept nogil:
    """The id, or zeros when it has not the size of one."""
    if id.size == column.width:
        set_id(column, row, id.data)
    else:
        set_no_id(column, row)
