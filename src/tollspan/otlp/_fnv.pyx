"""The FNV-1a hashes (draft-eastlake-fnv) by which the Collector's samplers decide."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t


def fnv1a_32(const uint8_t[::1] data not None):
    """The 32-bit hash of `data`."""
    cdef uint32_t number = 0x811C9DC5u
    cdef Py_ssize_t i
    for i in range(data.shape[0]):
        number = (number ^ data[i]) * <uint32_t>0x01000193
    return number


def fnv1a_64(const uint8_t[::1] data not None):
    """The 64-bit hash of `data`."""
    cdef uint64_t number = 0xCBF29CE484222325u
    cdef Py_ssize_t i
    for i in range(data.shape[0]):
        number = (number ^ data[i]) * <uint64_t>0x100000001B3u
    return number
