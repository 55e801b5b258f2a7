"""A growing run of bytes that protobuf is written into; the hot parts are inlined here."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy


cdef class Buffer:
    cdef unsigned char *data
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity

    cdef int grow(self, Py_ssize_t more) except -1


cdef inline int reserve(Buffer buffer, Py_ssize_t more) except -1:
    """There is room for `more` bytes behind the last."""
    if buffer.capacity - buffer.size < more:
        buffer.grow(more)
    return 0


cdef inline unsigned char *write_varint(unsigned char *to, uint64_t number) noexcept nogil:
    """`number` in at most ten bytes from `to` on; the place after it."""
    while number > 0x7F:
        to[0] = <unsigned char>(number & 0x7F | 0x80)
        to += 1
        number >>= 7
    to[0] = <unsigned char>number
    return to + 1


cdef inline int put_byte(Buffer buffer, unsigned char byte) except -1:
    reserve(buffer, 1)
    buffer.data[buffer.size] = byte
    buffer.size += 1
    return 0


cdef inline int put_varint(Buffer buffer, uint64_t number) except -1:
    reserve(buffer, 10)
    buffer.size = write_varint(buffer.data + buffer.size, number) - buffer.data
    return 0


cdef inline int put_raw(Buffer buffer, const void *source, Py_ssize_t size) except -1:
    reserve(buffer, size)
    memcpy(buffer.data + buffer.size, source, size)
    buffer.size += size
    return 0


cdef inline int put_fixed32(Buffer buffer, uint32_t number) except -1:
    cdef int place
    reserve(buffer, 4)
    for place in range(4):
        buffer.data[buffer.size + place] = <unsigned char>(number >> 8 * place)
    buffer.size += 4
    return 0


cdef inline int put_fixed64(Buffer buffer, uint64_t number) except -1:
    cdef int place
    reserve(buffer, 8)
    for place in range(8):
        buffer.data[buffer.size + place] = <unsigned char>(number >> 8 * place)
    buffer.size += 8
    return 0


cdef inline Py_ssize_t open_length(Buffer buffer) except -1:
    """Start something whose length stands before it; give the result to `close_length`.

    One byte is kept for the length, which is nearly always enough.
    """
    reserve(buffer, 1)
    buffer.size += 1
    return buffer.size


cdef int close_length(Buffer buffer, Py_ssize_t start) except -1
"""Fill in the length of what was written since `start`, moving it when one byte is too few."""
