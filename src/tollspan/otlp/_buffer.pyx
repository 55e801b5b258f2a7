"""A growing run of bytes that protobuf is written into."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

from tollspan.otlp._buffer cimport Buffer, open_length, put_raw, put_varint, reserve, write_varint


cdef class Buffer:
    """Bytes that grow at the end and may be cut back.

    Compiled modules use the functions of `_buffer.pxd` on it; the methods are the same
    for Python.
    """

    def __dealloc__(self):
        free(self.data)

    cdef int grow(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t capacity = max(2 * self.capacity, self.size + more, 1024)
        cdef void *data = realloc(self.data, capacity)
        if data is NULL:
            raise MemoryError
        self.data = <unsigned char *>data
        self.capacity = capacity
        return 0

    def __len__(self):
        return self.size

    def __bytes__(self):
        return PyBytes_FromStringAndSize(<const char *>self.data, self.size)

    def write(self, bytes source not None):
        """`source` stands at the end."""
        put_raw(self, <const char *>source, len(source))

    def write_varint(self, unsigned long long number):
        """`number` stands at the end, as a varint."""
        put_varint(self, number)

    def open_length(self):
        """Something that is preceded by its length begins; the result is for `close_length`."""
        return open_length(self)

    def close_length(self, Py_ssize_t start):
        """The length of everything since `open_length` stands before it."""
        if not 0 < start <= self.size:
            raise ValueError("nothing was opened there")
        close_length(self, start)

    def truncate(self, Py_ssize_t size):
        """Only the first `size` bytes are left."""
        if not 0 <= size <= self.size:
            raise ValueError("a buffer cannot be cut back to more than it has")
        self.size = size


cdef int close_length(Buffer buffer, Py_ssize_t start) except -1:
    cdef unsigned char length[10]
    cdef Py_ssize_t size = buffer.size - start
    cdef Py_ssize_t extra = write_varint(length, size) - length - 1
    if extra:
        reserve(buffer, extra)
        memmove(buffer.data + start + extra, buffer.data + start, size)
        buffer.size += extra
    memcpy(buffer.data + start - 1, length, extra + 1)
    return 0
