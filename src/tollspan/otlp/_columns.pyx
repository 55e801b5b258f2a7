"""Columns of decoded telemetry: typed, contiguous, read-only.

Each class is a sequence of its rows and hands out its memory through the buffer protocol
(`Array`) without copying. The C side, in `_columns.pxd`, is how they are filled.
"""

import os

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memmove, memset

from tollspan.otlp._wire cimport is_utf8

cdef enum:
    ROWS_MIN = 64               # a table's first size: a small request never grows
    BYTES_MIN = 1024
    SLOTS_MIN = 64


cdef extern from *:
    """
    /* The two halves of a 128-bit product, folded: the mixing step of wyhash. */
    static inline uint64_t tollspan_fold(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    uint64_t fold "tollspan_fold"(uint64_t a, uint64_t b) noexcept nogil


# Secret and different in every process, so that a sender cannot prepare keys that collide.
cdef uint64_t[2] SEED
SEED[0], SEED[1] = (int.from_bytes(os.urandom(8), "little") for _ in range(2))


cdef void* resize(Memory* memory, void* block, size_t old_bytes, size_t new_bytes) noexcept nogil:
    """The block at its new size, charged to `memory`; NULL, with the reason kept, when refused."""
    cdef void* grown
    if memory.refused != GRANTED:
        return NULL
    if new_bytes - old_bytes > memory.left:
        memory.refused = OVER_BUDGET
        return NULL
    grown = realloc(block, new_bytes)
    if grown == NULL:
        memory.refused = OUT_OF_MEMORY
        return NULL
    memory.left -= new_bytes - old_bytes
    return grown


cdef bint grow(Rows* rows) noexcept nogil:
    """Double the room for rows; false when memory was refused, with the table as it was."""
    cdef size_t capacity = rows.capacity * 2 if rows.capacity else ROWS_MIN
    cdef size_t old_cells = rows.capacity + 1 if rows.capacity else 0
    cdef Column* columns = columns_of(rows)
    cdef uint8_t* cells
    cdef size_t i
    for i in range(rows.width):
        cells = <uint8_t*>resize(
            rows.memory, columns[i].cells, old_cells * columns[i].width, (capacity + 1) * columns[i].width
        )
        if cells == NULL:
            return False
        if rows.capacity == 0:
            memset(cells, 0, columns[i].width)      # the first row begins at 0
        columns[i].cells = cells
    rows.capacity = capacity
    return True


cdef bint grow_bytes(Memory* memory, Bytes* bytes, size_t size) noexcept nogil:
    """Make room for `size` more bytes; false when memory was refused, with `bytes` as they were."""
    cdef size_t capacity = max(bytes.capacity * 2, <size_t>BYTES_MIN)
    cdef uint8_t* data
    while capacity - bytes.size < size:
        capacity *= 2
    data = <uint8_t*>resize(memory, bytes.data, bytes.capacity, capacity)
    if data == NULL:
        return False
    bytes.data = data
    bytes.capacity = capacity
    return True


cdef void truncate(Rows* rows, size_t count) noexcept nogil:
    """Forget the rows from `count` on. Their dictionary values stay, named by no row."""
    cdef Column* columns = columns_of(rows)
    cdef size_t i
    rows.count = count
    for i in range(rows.width):
        if columns[i].kind == TEXT:
            columns[i].bytes.size = (<int32_t*>columns[i].cells)[count] if columns[i].cells != NULL else 0


cdef void move_row(Rows* rows, size_t target, size_t source) noexcept nogil:
    """Overwrite row `target` with the later row `source`; what lies between is lost."""
    cdef Column* columns = columns_of(rows)
    cdef int32_t* ends
    cdef int32_t size
    cdef size_t i, width
    for i in range(rows.width):
        width = columns[i].width
        if columns[i].kind == TEXT:
            ends = <int32_t*>columns[i].cells
            size = ends[source + 1] - ends[source]
            if size:
                memmove(columns[i].bytes.data + ends[target], columns[i].bytes.data + ends[source], size)
            ends[target + 1] = ends[target] + size
        else:
            memcpy(columns[i].cells + target * width, columns[i].cells + source * width, width)


cdef inline uint64_t load(const uint8_t* data, size_t size) noexcept nogil:
    cdef uint64_t word = 0
    if size:
        memcpy(&word, data, size)
    return word


cdef inline uint64_t hash_of(const uint8_t* data, size_t size) noexcept nogil:
    cdef uint64_t mixed = SEED[0] ^ size
    while size > 16:
        mixed = fold(load(data, 8) ^ SEED[1], load(data + 8, 8) ^ mixed)
        data += 16
        size -= 16
    if size > 8:
        return fold(load(data, 8) ^ SEED[1], load(data + size - 8, 8) ^ mixed)
    return fold(load(data, size) ^ SEED[1], mixed)


cdef inline bint holds(Column* values, size_t row, const uint8_t* data, size_t size) noexcept nogil:
    cdef const int32_t* ends = <const int32_t*>values.cells
    if <size_t>(ends[row + 1] - ends[row]) != size:
        return False
    return size == 0 or memcmp(values.bytes.data + ends[row], data, size) == 0


cdef bint start_distinct(Rows* rows, Column* column) noexcept nogil:
    cdef Distinct* distinct = <Distinct*>resize(rows.memory, NULL, 0, sizeof(Distinct))
    if distinct == NULL:
        return False
    memset(distinct, 0, sizeof(Distinct))
    distinct.rows.memory = rows.memory
    distinct.rows.width = 2
    distinct.values.kind = TEXT
    distinct.values.width = distinct.last_row.width = sizeof(int32_t)
    distinct.last_row.kind = FIXED
    column.distinct = distinct
    return grow_slots(distinct)


cdef bint grow_slots(Distinct* distinct) noexcept nogil:
    """Double the hash table; false when memory was refused, with the table as it was."""
    cdef size_t old_count = distinct.mask + 1 if distinct.slots != NULL else 0
    cdef size_t count = old_count * 2 if old_count else SLOTS_MIN
    cdef Slot* slots = <Slot*>resize(distinct.rows.memory, NULL, 0, count * sizeof(Slot))
    cdef Slot* old = distinct.slots
    cdef size_t i, at
    if slots == NULL:
        return False
    memset(slots, 0, count * sizeof(Slot))
    for i in range(old_count):
        if old[i].number:
            at = old[i].hash & (count - 1)
            while slots[at].number:
                at = (at + 1) & (count - 1)
            slots[at] = old[i]
    free(old)
    distinct.rows.memory.left += old_count * sizeof(Slot)
    distinct.slots = slots
    distinct.mask = count - 1
    return True


cdef int64_t intern(Rows* rows, Column* column, const uint8_t* data, size_t size) noexcept nogil:
    """The index of the string among the column's distinct values, where it now is.

    -1 when it is not UTF-8, or when memory was refused. A string that is already there has
    been checked before.
    """
    cdef Distinct* distinct = column.distinct
    cdef uint32_t hashed = <uint32_t>hash_of(data, size)
    cdef size_t at
    cdef int64_t row
    if distinct == NULL:
        if not start_distinct(rows, column):
            return -1
        distinct = column.distinct
    at = hashed & distinct.mask
    while distinct.slots[at].number:
        row = <int64_t>distinct.slots[at].number - 1
        if distinct.slots[at].hash == hashed and holds(&distinct.values, row, data, size):
            return row
        at = (at + 1) & distinct.mask
    if not is_utf8(data, size):
        return -1
    if distinct.rows.count * 2 > distinct.mask:
        if not grow_slots(distinct):
            return -1
        return intern(rows, column, data, size)
    row = add_row(&distinct.rows)
    if row < 0:
        return -1
    append(rows.memory, &distinct.values.bytes, data, size)
    set_end(&distinct.values, row, distinct.values.bytes.size)
    set_u32(&distinct.last_row, row, <uint32_t>-1)
    distinct.slots[at].hash = hashed
    distinct.slots[at].number = <uint32_t>(row + 1)
    return row


cdef void free_table(Rows* rows) noexcept nogil:
    """Give back what the table still owns; columns that were taken own nothing."""
    cdef Column* columns = columns_of(rows)
    cdef size_t i
    for i in range(rows.width):
        free(columns[i].cells)
        free(columns[i].bytes.data)
        if columns[i].distinct != NULL:
            free_table(&columns[i].distinct.rows)
            free(columns[i].distinct.slots)
            free(columns[i].distinct)


# What arrays without memory of their own point at: one zero, which is also the offsets of no rows.
cdef uint64_t ZERO = 0
cdef uint8_t* NOTHING = <uint8_t*>&ZERO


@cython.final
cdef class Array:
    """Memory of one type, exported read-only: `memoryview(array)` yields its numbers."""

    def __dealloc__(self):
        if self.memory != NOTHING:
            free(self.memory)

    def __getbuffer__(self, Py_buffer* view, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("columns are read-only")
        view.buf = self.memory
        view.obj = self
        view.len = self.size
        view.readonly = 1
        view.itemsize = self.itemsize
        view.ndim = 1
        view.format = <char*>self.code if flags & PyBUF_FORMAT else NULL
        view.shape = self.shape if flags & PyBUF_ND else NULL
        view.strides = self.strides if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL


cdef Array take_array(uint8_t** memory, Py_ssize_t count, Py_ssize_t itemsize, bytes code):
    """`count` items at `memory`, which the array owns from now on."""
    cdef Array array = Array.__new__(Array)
    array.memory = memory[0] if memory[0] != NULL else NOTHING
    memory[0] = NULL
    array.size = count * itemsize
    array.itemsize = itemsize
    array.code = code
    array.shape[0] = count
    array.strides[0] = itemsize
    return array


cdef Py_ssize_t checked(Py_ssize_t row, Py_ssize_t rows) except -1:
    if not 0 <= row < rows:
        raise IndexError(f"row {row} of {rows}")
    return row


@cython.final
cdef class Fixed:
    """Numbers (`format` as in the struct module) or ids (`format` "s", `width` bytes each)."""

    def __len__(self):
        return self.rows

    def __getitem__(self, Py_ssize_t row):
        cdef Py_ssize_t begin = checked(row, self.rows) * self.width
        view = memoryview(self.data)
        return bytes(view[begin:begin + self.width]) if self.format == "s" else view[row]


@cython.final
cdef class Text:
    """Strings end to end: row `i` is `data[offsets[i]:offsets[i + 1]]`."""

    def __len__(self):
        return self.rows

    def __getitem__(self, Py_ssize_t row):
        cdef const int32_t* ends = <const int32_t*>self.offsets.memory
        checked(row, self.rows)
        return (<const char*>self.data.memory)[ends[row]:ends[row + 1]]


@cython.final
cdef class Dictionary:
    """Strings that repeat: row `i` is `values[indices[i]]`.

    A rejected item may leave a value behind that no row names.
    """

    def __len__(self):
        return self.rows

    def __getitem__(self, Py_ssize_t row):
        return self.values[(<const uint32_t*>self.indices.memory)[checked(row, self.rows)]]


@cython.final
cdef class Offsets:
    """Where children are: row `i` owns rows `data[i]` to `data[i + 1]` of the child table."""

    def __len__(self):
        return self.rows

    def __getitem__(self, Py_ssize_t row):
        cdef const int32_t* ends = <const int32_t*>self.data.memory
        checked(row, self.rows)
        return range(ends[row], ends[row + 1])


@cython.final
cdef class Table:
    """Columns of equal length, by name."""


cdef Text take_text(Rows* rows, Column* column):
    cdef Text text = Text.__new__(Text)
    text.rows = rows.count
    text.offsets = take_array(&column.cells, rows.count + 1, sizeof(int32_t), b"i")
    text.data = take_array(&column.bytes.data, column.bytes.size, 1, b"B")
    return text


cdef Fixed take_fixed(Rows* rows, Column* column):
    cdef Fixed fixed = Fixed.__new__(Fixed)
    fixed.rows = rows.count
    fixed.format = chr(column.format)
    fixed.width = column.width
    if column.format == b"s":
        fixed.data = take_array(&column.cells, rows.count * column.width, 1, b"B")
    else:
        fixed.data = take_array(&column.cells, rows.count, column.width, fixed.format.encode())
    return fixed


cdef Dictionary take_dictionary(Rows* rows, Column* column):
    cdef Dictionary dictionary = Dictionary.__new__(Dictionary)
    cdef Distinct none
    cdef Distinct* distinct = column.distinct
    if distinct == NULL:
        memset(&none, 0, sizeof(Distinct))
        distinct = &none
    dictionary.rows = rows.count
    dictionary.indices = take_array(&column.cells, rows.count, sizeof(uint32_t), b"I")
    dictionary.values = take_text(&distinct.rows, &distinct.values)
    return dictionary


cdef Offsets take_offsets(Rows* rows, Column* column):
    cdef Offsets offsets = Offsets.__new__(Offsets)
    offsets.rows = rows.count
    offsets.data = take_array(&column.cells, rows.count + 1, sizeof(int32_t), b"i")
    return offsets


cdef object take_column(Rows* rows, Column* column):
    if column.kind == TEXT:
        return take_text(rows, column)
    if column.kind == DICTIONARY:
        return take_dictionary(rows, column)
    if column.kind == OFFSETS:
        return take_offsets(rows, column)
    return take_fixed(rows, column)


cdef Table take_table(Rows* rows, names):
    """The finished table. Its memory passes to the columns; `rows` keeps what nobody reads."""
    cdef Table table = Table.__new__(Table)
    cdef Column* column = columns_of(rows)
    table.rows = rows.count
    table.columns = {}
    for name in names:
        table.columns[name] = take_column(rows, column)
        column += 1
    return table
