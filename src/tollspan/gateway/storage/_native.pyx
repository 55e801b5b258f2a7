"""Decoded columns → one block in ClickHouse's Native format.

A block is a count of columns and of rows, then each column as name, type and data. Numbers are
little-endian, strings follow their length as a varint, and

* `LowCardinality(String)` is a version word, and unless it is empty: flags, the distinct strings,
  and an index for every row;
* `Array(T)` is where each row's elements end, then all elements as T;
* `Map(K, V)` is where each row's entries end, then all keys as K, then all values as V;
* the version words of everything nested in a column precede the rest of it.

The rows of a block come from several decoded requests, so every column is written from a list of
parts: something of the request, and which of its rows to take. Columns were validated when they
were decoded, and row numbers come from them, so nothing is checked here again.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memmove

from tollspan.otlp._buffer cimport Buffer, put_raw, put_varint, reserve, write_varint
from tollspan.otlp._columns cimport Array, Dictionary, Fixed, Offsets, Table, Text

cdef enum:
    VARINT_MAX = 10
    COLUMNS_MAX = 0x7F          # of a block: as many as a varint of one byte can count
    VALUE_SIZE_MAX = 32         # of an attribute's value, its text not counted
    PROMOTED = 31               # the type of an attribute that has a column of its own
    LOW_CARDINALITY_VERSION = 1
    ADDITIONAL_KEYS = 0x600     # flags: the dictionary stands here; its index width is in the low bits

cdef enum SpanKind:             # as in the protocol
    SERVER = 2
    CLIENT
    PRODUCER
    CONSUMER

cdef enum ValueType:            # schema.ValueType
    EMPTY = 0
    STRING
    BOOL
    INT
    DOUBLE
    ARRAY
    KVLIST
    BYTES

# What a map takes, as a mask of value types. A map of one type has values of that type, the
# others have serialised AnyValues.
STRINGS = 1 << STRING
INTS = 1 << INT
DOUBLES = 1 << DOUBLE
BOOLS = 1 << BOOL
OTHERS = 1 << EMPTY | 1 << ARRAY | 1 << KVLIST | 1 << BYTES
NOT_STRINGS = OTHERS | INTS | DOUBLES | BOOLS

cdef dict VALUE_TYPES = {STRINGS: "String", INTS: "Int64", DOUBLES: "Float64", BOOLS: "Bool"}


cdef void* take_memory(size_t count, size_t width) except NULL:
    """Zeros; one cell too many, for an allocation of nothing may be NULL."""
    cdef void* memory = calloc(count + 1, width)
    if memory == NULL:
        raise MemoryError
    return memory


cdef struct Candidate:
    int32_t at                  # the attribute; -1 when there is none yet
    int32_t rank
    int32_t seen


@cython.final
cdef class Rows:
    """Some rows of a table, in order. Rows that are children know how many each owner has."""

    cdef readonly Py_ssize_t count
    cdef uint32_t* numbers
    cdef uint32_t* sizes        # by owner; NULL when the rows are nobody's children
    cdef Py_ssize_t owners

    def __dealloc__(self):
        free(self.numbers)
        free(self.sizes)

    @staticmethod
    def every(Py_ssize_t count):
        """The first `count` rows of a table."""
        cdef Rows rows = Rows.__new__(Rows)
        cdef Py_ssize_t i
        rows.numbers = <uint32_t*>take_memory(count, sizeof(uint32_t))
        rows.count = count
        for i in range(count):
            rows.numbers[i] = <uint32_t>i
        return rows

    @staticmethod
    def up_to(Fixed column not None, uint64_t limit):
        """The rows whose number in a U64 `column` is at most `limit`."""
        cdef Rows rows = Rows.__new__(Rows)
        cdef const uint64_t* numbers = <const uint64_t*>column.data.memory
        cdef Py_ssize_t i
        rows.numbers = <uint32_t*>take_memory(column.rows, sizeof(uint32_t))
        for i in range(column.rows):
            rows.numbers[rows.count] = <uint32_t>i
            rows.count += numbers[i] <= limit
        return rows

    @staticmethod
    def chosen(list numbers not None):
        """The rows with these numbers."""
        cdef Rows rows = Rows.every(len(numbers))
        cdef Py_ssize_t i
        for i in range(rows.count):
            rows.numbers[i] = numbers[i]
        return rows

    @staticmethod
    def none(Py_ssize_t owners):
        """The rows of a child table that so many owners have when none of them has any."""
        cdef Rows rows = Rows.__new__(Rows)
        rows.numbers = <uint32_t*>take_memory(0, sizeof(uint32_t))
        rows.sizes = <uint32_t*>take_memory(owners, sizeof(uint32_t))
        rows.owners = owners
        return rows

    def named_in(self, Fixed column not None):
        """The rows of another table that a U32 `column` of this one names, one for each row; some repeat."""
        cdef Rows rows = Rows.__new__(Rows)
        cdef const uint32_t* named = <const uint32_t*>column.data.memory
        cdef Py_ssize_t i
        rows.count = self.count
        rows.numbers = <uint32_t*>take_memory(self.count, sizeof(uint32_t))
        for i in range(self.count):
            rows.numbers[i] = named[self.numbers[i]]
        return rows

    def children(self, Offsets column not None):
        """The rows of the child table that these rows own through `column`."""
        cdef Rows rows = Rows.__new__(Rows)
        cdef const int32_t* ends = <const int32_t*>column.data.memory
        cdef uint32_t owner
        cdef Py_ssize_t i
        cdef int32_t child
        rows.sizes = <uint32_t*>take_memory(self.count, sizeof(uint32_t))
        rows.owners = self.count
        for i in range(self.count):
            owner = self.numbers[i]
            rows.sizes[i] = <uint32_t>(ends[owner + 1] - ends[owner])
            rows.count += rows.sizes[i]
        rows.numbers = <uint32_t*>take_memory(rows.count, sizeof(uint32_t))
        rows.count = 0
        for i in range(self.count):
            owner = self.numbers[i]
            for child in range(ends[owner], ends[owner + 1]):
                rows.numbers[rows.count] = <uint32_t>child
                rows.count += 1
        return rows

    def halves_of_calls(self, Table spans not None, bytes prefix not None):
        """The spans that call another service or are called by one, in order.

        Each is (its place in these rows, whether it is the caller, the caller as `prefix`, trace id
        and span id end to end, the row of its resource).
        """
        cdef const uint8_t* trace_ids = fixed_memory(spans, "trace_id")
        cdef const uint8_t* span_ids = fixed_memory(spans, "span_id")
        cdef const uint8_t* parents = fixed_memory(spans, "parent_span_id")
        cdef const int32_t* kinds = <const int32_t*>fixed_memory(spans, "kind")
        cdef const uint32_t* resources = <const uint32_t*>fixed_memory(spans, "resource")
        cdef list halves = []
        cdef Py_ssize_t prefix_size = len(prefix)
        cdef bytearray memory = bytearray(prefix + bytes(24))
        cdef uint8_t* caller = <uint8_t*><char*>memory
        cdef bint calls
        cdef Py_ssize_t i
        cdef uint32_t row
        for i in range(self.count):
            row = self.numbers[i]
            calls = kinds[row] == CLIENT or kinds[row] == PRODUCER
            if not calls and (
                kinds[row] != SERVER and kinds[row] != CONSUMER or (<const uint64_t*>parents)[row] == 0
            ):
                continue
            memcpy(caller + prefix_size, trace_ids + row * 16, 16)
            memcpy(caller + prefix_size + 16, (span_ids if calls else parents) + row * 8, 8)
            halves.append((i, calls, caller[:prefix_size + 24], resources[row]))
        return halves


cdef const uint8_t* fixed_memory(Table table, str name) except NULL:
    return (<Fixed?>table.columns[name]).data.memory


@cython.final
cdef class Attributes:
    """The attributes that `rows` own through the Offsets `column` of their table."""

    cdef Rows rows
    cdef readonly Text keys
    cdef const int32_t* ends
    cdef const uint32_t* key
    cdef uint8_t* types         # a copy, in which promoted ones are marked
    cdef const uint64_t* number
    cdef const int32_t* text_ends
    cdef const uint8_t* text
    cdef Py_ssize_t text_size   # of all that the rows own
    cdef uint32_t* found        # by promoted column and row: attribute + 1, or 0
    cdef uint32_t* picked       # those of one map
    cdef Py_ssize_t picked_count
    cdef Table table            # keeps the memory
    cdef Offsets column

    def __cinit__(self, Table table not None, Offsets column not None, Rows rows not None):
        cdef Dictionary keys = table.columns["key"]
        cdef Fixed types = table.columns["type"]
        cdef Fixed number = table.columns["number"]
        cdef Text text = table.columns["text"]
        cdef Py_ssize_t i, count = 0
        cdef uint32_t row
        self.table, self.column, self.rows, self.keys = table, column, rows, keys.values
        self.ends = <const int32_t*>column.data.memory
        self.key = <const uint32_t*>keys.indices.memory
        self.number = <const uint64_t*>number.data.memory
        self.text_ends = <const int32_t*>text.offsets.memory
        self.text = text.data.memory
        # Rows may repeat, and what they own with them.
        for i in range(rows.count):
            row = rows.numbers[i]
            count += self.ends[row + 1] - self.ends[row]
            self.text_size += self.text_ends[self.ends[row + 1]] - self.text_ends[self.ends[row]]
        self.picked = <uint32_t*>take_memory(count, sizeof(uint32_t))
        self.types = <uint8_t*>take_memory(table.rows, 1)
        memcpy(self.types, types.data.memory, table.rows)

    def __dealloc__(self):
        free(self.types)
        free(self.found)
        free(self.picked)

    def promote(self, list columns not None):
        """Each `(mask, keys)` of `columns` has found its attribute in every row, or none.

        A column takes the first of its keys that is there with a type of the mask and is not
        empty or 0. The attribute leaves the maps when its key is the first and no other of the
        keys is there, so that a reader can tell: a column that is set, with none of its keys in
        the maps, is the first key's.
        """
        cdef Py_ssize_t width = len(columns)
        cdef dict places = {
            key: (i << 8) + rank for i, (_, keys) in enumerate(columns) for rank, key in enumerate(keys)
        }
        cdef bytearray place_memory = bytearray(self.keys.rows * sizeof(int32_t))
        cdef bytearray mask_memory = bytearray(width * sizeof(uint32_t))
        cdef bytearray candidate_memory = bytearray(width * sizeof(Candidate))
        cdef int32_t* place_of_key = <int32_t*><char*>place_memory
        cdef uint32_t* masks = <uint32_t*><char*>mask_memory
        cdef Candidate* candidates = <Candidate*><char*>candidate_memory
        cdef Py_ssize_t i
        self.found = <uint32_t*>take_memory(width * self.rows.count, sizeof(uint32_t))
        for i in range(self.keys.rows):
            place_of_key[i] = places.get(self.keys[i], -1)
        for i in range(width):
            masks[i] = columns[i][0]
        with nogil:
            for i in range(self.rows.count):
                promote_row(self, i, width, place_of_key, masks, candidates)

    def texts(self, bytes key not None):
        """The string under `key` in each row; empty where there is none."""
        cdef list texts = [b""] * self.rows.count
        cdef Py_ssize_t i
        cdef int32_t at
        cdef uint32_t row
        for i in range(self.rows.count):
            row = self.rows.numbers[i]
            for at in range(self.ends[row], self.ends[row + 1]):
                if self.types[at] == STRING and is_key(self, at, key):
                    texts[i] = self.text[self.text_ends[at]:self.text_ends[at + 1]]
        return texts

    def contents(self):
        """All attributes of each row as bytes: equal when the attributes are."""
        cdef list contents = []
        cdef Buffer buffer = Buffer()
        cdef Py_ssize_t i
        cdef int32_t at
        cdef uint32_t row, key
        cdef const int32_t* key_ends = <const int32_t*>self.keys.offsets.memory
        for i in range(self.rows.count):
            row = self.rows.numbers[i]
            buffer.size = 0
            for at in range(self.ends[row], self.ends[row + 1]):
                key = self.key[at]
                put_varint(buffer, key_ends[key + 1] - key_ends[key])
                put_raw(buffer, self.keys.data.memory + key_ends[key], key_ends[key + 1] - key_ends[key])
                reserve(buffer, any_value_size_max(self, at))
                buffer.size = write_any_value(buffer.data + buffer.size, self, at) - buffer.data
            contents.append(bytes(buffer))
        return contents

    def key_value_lists(self):
        """The attributes of each row as a serialised KeyValueList."""
        cdef list lists = []
        cdef Buffer whole = Buffer()
        cdef Buffer pair = Buffer()
        cdef Buffer value = Buffer()
        cdef Py_ssize_t i
        cdef int32_t at
        cdef uint32_t row, key
        cdef const int32_t* key_ends = <const int32_t*>self.keys.offsets.memory
        for i in range(self.rows.count):
            row = self.rows.numbers[i]
            whole.size = 0
            for at in range(self.ends[row], self.ends[row + 1]):
                key = self.key[at]
                pair.size = value.size = 0
                reserve(value, any_value_size_max(self, at))
                value.size = write_any_value(value.data, self, at) - value.data
                put_message(pair, 1, self.keys.data.memory + key_ends[key], key_ends[key + 1] - key_ends[key])
                put_message(pair, 2, value.data, value.size)
                put_message(whole, 1, pair.data, pair.size)
            lists.append(bytes(whole))
        return lists


cdef int put_message(Buffer buffer, int field, const uint8_t* data, size_t size) except -1:
    put_varint(buffer, field << 3 | 2)
    put_varint(buffer, size)
    return put_raw(buffer, data, size)


cdef bint is_key(Attributes attributes, int32_t at, bytes key):
    cdef const int32_t* ends = <const int32_t*>attributes.keys.offsets.memory
    cdef uint32_t number = attributes.key[at]
    cdef int32_t size = ends[number + 1] - ends[number]
    cdef const uint8_t* text = attributes.keys.data.memory + ends[number]
    return size == len(key) and memcmp(text, <const char*>key, size) == 0


cdef inline bint is_set(Attributes attributes, int32_t at) noexcept nogil:
    if attributes.types[at] == STRING:
        return attributes.text_ends[at + 1] > attributes.text_ends[at]
    return attributes.number[at] != 0


cdef void promote_row(
    Attributes attributes, Py_ssize_t i, Py_ssize_t width,
    const int32_t* place_of_key, const uint32_t* masks, Candidate* candidates,
) noexcept nogil:
    cdef uint32_t row = attributes.rows.numbers[i]
    cdef int32_t at, place
    cdef Candidate* candidate
    cdef Py_ssize_t column
    for column in range(width):
        candidates[column].at = -1
        candidates[column].seen = 0
    for at in range(attributes.ends[row], attributes.ends[row + 1]):
        place = place_of_key[attributes.key[at]]
        if place < 0:
            continue
        candidate = &candidates[place >> 8]
        candidate.seen += 1
        if masks[place >> 8] >> attributes.types[at] & 1 and is_set(attributes, at):
            if candidate.at < 0 or place & 0xFF < candidate.rank:
                candidate.at = at
                candidate.rank = place & 0xFF
    for column in range(width):
        candidate = &candidates[column]
        attributes.found[column * attributes.rows.count + i] = <uint32_t>(candidate.at + 1)
        if candidate.at >= 0 and candidate.rank == 0 and candidate.seen == 1:
            attributes.types[candidate.at] = PROMOTED


cdef inline size_t any_value_size_max(Attributes attributes, int32_t at) noexcept nogil:
    return 1 + VARINT_MAX + (attributes.text_ends[at + 1] - attributes.text_ends[at])


cdef uint8_t* write_any_value(uint8_t* to, Attributes attributes, int32_t at) noexcept nogil:
    """The value as a serialised AnyValue; the place after it."""
    cdef uint8_t type = attributes.types[at]
    cdef int32_t size = attributes.text_ends[at + 1] - attributes.text_ends[at]
    if type == EMPTY:
        return to
    to[0] = type << 3 | (0 if type == BOOL or type == INT else 1 if type == DOUBLE else 2)
    to += 1
    if type == BOOL or type == INT:
        return write_varint(to, attributes.number[at])
    if type == DOUBLE:
        memcpy(to, &attributes.number[at], 8)
        return to + 8
    to = write_varint(to, size)
    memcpy(to, attributes.text + attributes.text_ends[at], size)
    return to + size


cdef inline uint8_t* write_string(uint8_t* to, const uint8_t* data, size_t size) noexcept nogil:
    to = write_varint(to, size)
    memcpy(to, data, size)
    return to + size


cdef inline uint8_t* write_u64(uint8_t* to, uint64_t number) noexcept nogil:
    memcpy(to, &number, 8)
    return to + 8


cdef inline uint8_t* close_string(uint8_t* to, size_t size) noexcept nogil:
    """Put its length before a string that was written VARINT_MAX bytes too far on."""
    cdef uint8_t* start = write_varint(to, size)
    memmove(start, to + VARINT_MAX, size)
    return start + size


cdef uint8_t* write_value(uint8_t* to, Attributes attributes, int32_t at, uint32_t mask) noexcept nogil:
    """One value of a map over `mask`; the place after it. VALUE_SIZE_MAX more than its text is enough."""
    cdef int32_t start = attributes.text_ends[at]
    if mask == 1 << STRING:
        return write_string(to, attributes.text + start, attributes.text_ends[at + 1] - start)
    if mask == 1 << BOOL:
        to[0] = attributes.number[at] != 0
        return to + 1
    if mask == 1 << INT or mask == 1 << DOUBLE:
        return write_u64(to, attributes.number[at])
    return close_string(to, write_any_value(to + VARINT_MAX, attributes, at) - to - VARINT_MAX)


cdef inline uint8_t* write_index(uint8_t* to, int width, uint32_t index) noexcept nogil:
    memcpy(to, &index, width)
    return to + width


cdef int index_width(uint64_t count) noexcept nogil:
    return 1 if count <= 1 << 8 else 2 if count <= 1 << 16 else 4


@cython.final
cdef class Block:
    """A Native block of `rows` rows; every method adds a column.

    `parts` holds something for each decoded request. Where that is a tuple, its last member is
    the rows to take. When these are children, the column is an Array.
    """

    cdef readonly Py_ssize_t rows
    cdef Buffer buffer          # begins with the count of columns, a varint of one byte
    cdef int views

    def __cinit__(self, Py_ssize_t rows):
        self.rows = rows
        self.buffer = Buffer()
        put_varint(self.buffer, 0)
        put_varint(self.buffer, rows)

    def __getbuffer__(self, Py_buffer* view, int flags):
        """The bytes of the block; no column can be added while someone has them."""
        PyBuffer_FillInfo(view, self, self.buffer.data, self.buffer.size, True, flags)
        self.views += 1

    def __releasebuffer__(self, Py_buffer* view):
        self.views -= 1

    def numbers(self, str name not None, str type_name not None, int width, list parts not None):
        """Cells of `width` bytes; a part is (buffer of cells, uint32 index into it or None, rows)."""
        cdef Rows rows
        cdef uint8_t* to
        cdef Py_buffer cells
        cdef const uint32_t* index
        self.begin(name, type_name, [rows for _, _, rows in parts])
        for source, index_of_row, rows in parts:
            reserve(self.buffer, rows.count * width)
            index = index_memory(index_of_row)
            PyObject_GetBuffer(source, &cells, PyBUF_SIMPLE)
            with nogil:
                to = self.buffer.data + self.buffer.size
                self.buffer.size += rows.count * width
                copy_cells(to, <const uint8_t*>cells.buf, width, index, rows)
            PyBuffer_Release(&cells)

    def differences(self, str name not None, str type_name not None, list parts not None):
        """Int64, modulo 2**64; a part is (minuends U64, subtrahends U64, rows)."""
        cdef Rows rows
        cdef Fixed minuends, subtrahends
        cdef const uint64_t* a
        cdef const uint64_t* b
        cdef uint8_t* to
        cdef Py_ssize_t i
        self.begin(name, type_name, [rows for _, _, rows in parts])
        for minuends, subtrahends, rows in parts:
            reserve(self.buffer, rows.count * 8)
            a, b = <const uint64_t*>minuends.data.memory, <const uint64_t*>subtrahends.data.memory
            to = self.buffer.data + self.buffer.size
            for i in range(rows.count):
                to = write_u64(to, a[rows.numbers[i]] - b[rows.numbers[i]])
            self.buffer.size += rows.count * 8

    def texts(self, str name not None, list parts not None):
        """String; a part is (Text, rows)."""
        cdef Text text
        cdef Rows rows
        self.begin(name, "String", [rows for _, rows in parts])
        for text, rows in parts:
            self.put_texts(text, rows)

    cdef int put_texts(self, Text text, Rows rows) except -1:
        cdef const int32_t* ends = <const int32_t*>text.offsets.memory
        cdef const uint8_t* data = text.data.memory
        cdef uint8_t* to
        cdef size_t size = 0
        cdef Py_ssize_t i
        cdef uint32_t row
        with nogil:
            for i in range(rows.count):
                row = rows.numbers[i]
                size += VARINT_MAX + ends[row + 1] - ends[row]
        reserve(self.buffer, size)
        with nogil:
            to = self.buffer.data + self.buffer.size
            for i in range(rows.count):
                row = rows.numbers[i]
                to = write_string(to, data + ends[row], ends[row + 1] - ends[row])
            self.buffer.size = to - self.buffer.data
        return 0

    def labels(self, str name not None, list parts not None):
        """LowCardinality(String); a part is (Text or list of bytes, uint32 index into it, rows).

        The index may be None where there is one label for all rows.
        """
        cdef Rows rows
        cdef uint32_t base = 0
        cdef int width
        self.begin(name, "LowCardinality(String)", [rows for _, _, rows in parts])
        count = sum([rows.count for _, _, rows in parts])
        width = self.put_dictionary([labels for labels, _, _ in parts], count)
        for labels, index_of_row, rows in parts:
            if rows.count:
                reserve(self.buffer, rows.count * width)
                self.put_indices(index_memory(index_of_row), base, width, rows)
            base += len(labels)

    def label_lists(self, str name not None, list lists not None):
        """Array(LowCardinality(String)), from the strings of every row; None stands for none."""
        cdef uint64_t end = 0
        self.put_column(name, "Array(String)")  # which the database turns into labels
        for labels in lists:
            end += 0 if labels is None else len(labels)
            self.put_u64(end)
        for labels in lists:
            if labels is not None:
                for label in labels:
                    self.put_label(label)

    cdef void put_indices(self, const uint32_t* index, uint32_t base, int width, Rows rows) noexcept:
        cdef uint8_t* to = self.buffer.data + self.buffer.size
        cdef Py_ssize_t i
        with nogil:
            for i in range(rows.count):
                to = write_index(to, width, base + (index[rows.numbers[i]] if index != NULL else 0))
            self.buffer.size = to - self.buffer.data

    cdef int put_dictionary(self, list dictionaries, Py_ssize_t rows) except -1:
        """The head of a low-cardinality column and its distinct strings; the width of an index."""
        cdef Py_ssize_t count = sum([len(labels) for labels in dictionaries])
        cdef int width = index_width(count)
        if rows == 0:
            return width
        self.put_u64(ADDITIONAL_KEYS | width >> 1)
        self.put_u64(count)
        for labels in dictionaries:
            if isinstance(labels, Text):
                self.put_texts(labels, Rows.every(len(labels)))
            else:
                for label in labels:
                    self.put_label(label)
        self.put_u64(rows)
        return width

    def attributes(self, str name not None, uint32_t mask, list parts not None):
        """Map of the attributes whose type is in `mask`; a part is Attributes."""
        cdef Attributes attributes
        cdef Py_ssize_t count = 0
        cdef uint32_t base = 0
        cdef int width
        self.begin(
            name,
            f"Map(LowCardinality(String), {VALUE_TYPES.get(mask, 'String')})",
            [(<Attributes>part).rows for part in parts],
        )
        for attributes in parts:
            self.put_entry_ends(attributes, mask, count)
            count += attributes.picked_count
        if count == 0:
            return
        width = self.put_dictionary([(<Attributes>part).keys for part in parts], count)
        for attributes in parts:
            self.put_keys(attributes, base, width)
            base += attributes.keys.rows
        for attributes in parts:
            self.put_values(attributes, mask)

    cdef int put_entry_ends(self, Attributes attributes, uint32_t mask, Py_ssize_t base) except -1:
        """Pick the attributes, and write where each row's end, counted from `base` on."""
        cdef Py_ssize_t i
        cdef int32_t at
        cdef uint32_t row
        cdef uint8_t* to
        reserve(self.buffer, attributes.rows.count * 8)
        attributes.picked_count = 0
        with nogil:
            to = self.buffer.data + self.buffer.size
            for i in range(attributes.rows.count):
                row = attributes.rows.numbers[i]
                for at in range(attributes.ends[row], attributes.ends[row + 1]):
                    attributes.picked[attributes.picked_count] = <uint32_t>at
                    attributes.picked_count += mask >> attributes.types[at] & 1
                to = write_u64(to, base + attributes.picked_count)
            self.buffer.size = to - self.buffer.data
        return 0

    cdef int put_keys(self, Attributes attributes, uint32_t base, int width) except -1:
        cdef Py_ssize_t i
        cdef uint8_t* to
        reserve(self.buffer, attributes.picked_count * width)
        with nogil:
            to = self.buffer.data + self.buffer.size
            for i in range(attributes.picked_count):
                to = write_index(to, width, base + attributes.key[attributes.picked[i]])
            self.buffer.size = to - self.buffer.data
        return 0

    cdef int put_values(self, Attributes attributes, uint32_t mask) except -1:
        cdef Py_ssize_t i
        cdef uint8_t* to
        reserve(self.buffer, attributes.picked_count * VALUE_SIZE_MAX + attributes.text_size)
        with nogil:
            to = self.buffer.data + self.buffer.size
            for i in range(attributes.picked_count):
                to = write_value(to, attributes, attributes.picked[i], mask)
            self.buffer.size = to - self.buffer.data
        return 0

    def promoted_texts(self, str name not None, int column, list parts not None):
        """String: what `promote` found for its column number `column`; a part is Attributes."""
        cdef Attributes attributes
        cdef Py_ssize_t i
        cdef uint32_t found
        cdef uint8_t* to
        self.begin(name, "String", [(<Attributes>part).rows for part in parts])
        for attributes in parts:
            reserve(self.buffer, attributes.rows.count * VARINT_MAX + attributes.text_size)
            with nogil:
                to = self.buffer.data + self.buffer.size
                for i in range(attributes.rows.count):
                    found = attributes.found[column * attributes.rows.count + i]
                    if found:
                        to = write_value(to, attributes, found - 1, 1 << STRING)
                    else:
                        to = write_varint(to, 0)
                self.buffer.size = to - self.buffer.data

    def promoted_ints(self, str name not None, int column, list parts not None):
        """Int64: what `promote` found for its column number `column`; a part is Attributes."""
        cdef Attributes attributes
        cdef Py_ssize_t i
        cdef uint32_t found
        cdef uint8_t* to
        self.begin(name, "Int64", [(<Attributes>part).rows for part in parts])
        for attributes in parts:
            reserve(self.buffer, attributes.rows.count * 8)
            to = self.buffer.data + self.buffer.size
            for i in range(attributes.rows.count):
                found = attributes.found[column * attributes.rows.count + i]
                to = write_u64(to, attributes.number[found - 1] if found else 0)
            self.buffer.size = to - self.buffer.data

    cdef int put_u64(self, uint64_t number) except -1:
        return put_raw(self.buffer, &number, 8)

    cdef int put_label(self, bytes label) except -1:
        put_varint(self.buffer, len(label))
        return put_raw(self.buffer, <const char*>label, len(label))

    cdef int put_column(self, str name, str type_name) except -1:
        if self.views:
            raise BufferError("a block cannot grow while someone reads it")
        assert self.buffer.data[0] < COLUMNS_MAX
        self.buffer.data[0] += 1
        self.put_label(name.encode())
        return self.put_label(type_name.encode())

    cdef int begin(self, str name, str type_name, list parts) except -1:
        """Name, type, version word and, for children, where each owner's end."""
        cdef Rows rows
        cdef Py_ssize_t i
        cdef uint64_t end = 0
        nested = (<Rows>parts[0]).sizes != NULL
        self.put_column(name, f"Array({type_name})" if nested else type_name)
        if "LowCardinality" in type_name:
            self.put_u64(LOW_CARDINALITY_VERSION)
        if nested:
            for rows in parts:
                reserve(self.buffer, rows.owners * 8)
                for i in range(rows.owners):
                    end += rows.sizes[i]
                    self.buffer.size = write_u64(self.buffer.data + self.buffer.size, end) - self.buffer.data
        return 0


cdef uint32_t* index_memory(index) except? NULL:
    return NULL if index is None else <uint32_t*>(<Array?>index).memory


cdef void copy_cells(
    uint8_t* to, const uint8_t* cells, int width, const uint32_t* index, Rows rows
) noexcept nogil:
    cdef Py_ssize_t i
    cdef size_t row
    for i in range(rows.count):
        row = rows.numbers[i]
        if index != NULL:
            row = index[row]
        if width == 8:
            memcpy(to, cells + row * 8, 8)
        elif width == 16:
            memcpy(to, cells + row * 16, 16)
        else:
            memcpy(to, cells + row * width, width)
        to += width
