"""Columns: growable C arrays while a message is read, immutable Python objects afterwards.

A table under construction is a `Rows` header followed in memory by its `Column`s, so that
a struct such as

    cdef struct Links:
        Rows rows
        Column trace_id
        Column span_id

gives each column a name where rows are written, and lets `grow`, `truncate`, `take_table`
and `free_table` treat every table alike. Structs of tables are themselves such sequences.

Writing needs no error handling at each step: when memory is refused, `memory.refused` says
why, no row is added, and text is left out. Whoever drives the writing looks at it once a record.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset


cdef enum Refusal:
    GRANTED = 0
    OVER_BUDGET
    OUT_OF_MEMORY


cdef struct Memory:
    size_t left                 # bytes that may still be taken
    Refusal refused


cdef enum Kind:
    FIXED                       # a cell is a number or an id
    TEXT                        # cells are int32 ends into `bytes`
    DICTIONARY                  # a cell is a uint32 index into `distinct`
    OFFSETS                     # cells are int32 ends into a child table


cdef struct Bytes:
    uint8_t* data
    size_t size
    size_t capacity


cdef struct Column:
    Kind kind
    char format                 # of one cell, as in the struct module; 's' for ids
    uint32_t width              # bytes in one cell
    uint8_t* cells              # rows.capacity + 1 of them
    Bytes bytes                 # of TEXT
    Distinct* distinct          # of DICTIONARY


cdef struct Rows:
    Memory* memory
    size_t width                # columns
    size_t count
    size_t capacity


cdef struct Slot:
    uint32_t hash
    uint32_t number             # of the value, from 1; 0 marks a free slot


cdef struct Distinct:
    Rows rows                   # a table of the two columns that follow
    Column values
    Column last_row             # int32, for the caller's own use; -1 at first
    Slot* slots
    size_t mask                 # number of slots - 1


cdef bint grow(Rows* rows) noexcept nogil
cdef bint grow_bytes(Memory* memory, Bytes* bytes, size_t size) noexcept nogil
cdef void truncate(Rows* rows, size_t count) noexcept nogil
cdef void move_row(Rows* rows, size_t target, size_t source) noexcept nogil
cdef int64_t intern(Rows* rows, Column* column, const uint8_t* data, size_t size) noexcept nogil
cdef void free_table(Rows* rows) noexcept nogil
cdef Table take_table(Rows* rows, names)


cdef inline Column* columns_of(Rows* rows) noexcept nogil:
    return <Column*>(rows + 1)


cdef inline Rows* next_table(Rows* rows) noexcept nogil:
    return <Rows*>(columns_of(rows) + rows.width)


cdef inline int64_t add_row(Rows* rows) noexcept nogil:
    """The number of a new row, whose cells the caller must all set; -1 when memory was refused."""
    if rows.count == rows.capacity and not grow(rows):
        return -1
    rows.count += 1
    return rows.count - 1


cdef inline void set_u8(Column* column, int64_t row, uint8_t value) noexcept nogil:
    column.cells[row] = value


cdef inline void set_u32(Column* column, int64_t row, uint32_t value) noexcept nogil:
    (<uint32_t*>column.cells)[row] = value


cdef inline void set_u64(Column* column, int64_t row, uint64_t value) noexcept nogil:
    (<uint64_t*>column.cells)[row] = value


cdef inline void set_id(Column* column, int64_t row, const uint8_t* value) noexcept nogil:
    memcpy(column.cells + row * column.width, value, column.width)


cdef inline void set_no_id(Column* column, int64_t row) noexcept nogil:
    memset(column.cells + row * column.width, 0, column.width)


cdef inline void set_end(Column* column, int64_t row, size_t end) noexcept nogil:
    """Row `row` of an OFFSETS or TEXT column ends at `end`, where the next one begins."""
    (<int32_t*>column.cells)[row + 1] = <int32_t>end


cdef inline void append(Memory* memory, Bytes* bytes, const void* data, size_t size) noexcept nogil:
    if size == 0 or (bytes.size + size > bytes.capacity and not grow_bytes(memory, bytes, size)):
        return
    memcpy(bytes.data + bytes.size, data, size)
    bytes.size += size


@cython.final
cdef class Array:
    cdef uint8_t* memory
    cdef readonly Py_ssize_t size           # bytes
    cdef readonly Py_ssize_t itemsize
    cdef bytes code
    cdef Py_ssize_t[1] shape
    cdef Py_ssize_t[1] strides


@cython.final
cdef class Fixed:
    cdef readonly Py_ssize_t rows
    cdef readonly Array data
    cdef readonly str format
    cdef readonly Py_ssize_t width


@cython.final
cdef class Text:
    cdef readonly Py_ssize_t rows
    cdef readonly Array offsets
    cdef readonly Array data


@cython.final
cdef class Dictionary:
    cdef readonly Py_ssize_t rows
    cdef readonly Array indices
    cdef readonly Text values


@cython.final
cdef class Offsets:
    cdef readonly Py_ssize_t rows
    cdef readonly Array data


@cython.final
cdef class Table:
    cdef readonly Py_ssize_t rows
    cdef readonly dict columns
