"""Log records to rows."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from tollspan.otlp._decode_records cimport Decoder, Value
from tollspan.otlp._wire cimport Slice


cdef enum:
    LOG_RECORD_TABLES = 2       # `log_records` and what hangs on it, as they stand in `Logs`


cdef struct LogRecordFields:
    Value body
    Slice severity_text
    Slice event_name
    Slice trace_id
    Slice span_id
    uint64_t time
    uint64_t observed_time
    int32_t severity_number
    uint32_t flags
    uint32_t dropped_attributes


cdef void read_log_record(Decoder* d) noexcept nogil
cdef void read_log_record_fields(Decoder* d) noexcept nogil
cdef void write_log_record(Decoder* d, LogRecordFields* fields) noexcept nogil
