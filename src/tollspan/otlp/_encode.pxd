"""What other compiled modules may use of the encoder."""

from tollspan.otlp._buffer cimport Buffer


cdef int put_key_value(Buffer buffer, key, value, int depth) except -1
cdef int put_value(Buffer buffer, value, int depth) except -1
