-- One row per log record, kept like `spans`.
CREATE TABLE IF NOT EXISTS log_records
(
    tenant LowCardinality(String),
    dataset LowCardinality(String),
    received DateTime('UTC') CODEC(Delta, ZSTD),
    request_digest FixedString(16) CODEC(ZSTD),

    time_unix_nano UInt64 CODEC(Delta, ZSTD),
    observed_time_unix_nano UInt64 CODEC(Delta, ZSTD),
    -- When it was, as far as that is known: 0 stands for unknown in the two above.
    time DateTime64(9, 'UTC') MATERIALIZED fromUnixTimestamp64Nano(toInt64(
        multiIf(
            time_unix_nano != 0, time_unix_nano,
            observed_time_unix_nano BETWEEN 1 AND (toUInt64(toUnixTimestamp(received)) + 86400) * 1000000000,
            observed_time_unix_nano,
            toUInt64(toUnixTimestamp(received)) * 1000000000
        )
    )) CODEC(Delta, ZSTD),
    service LowCardinality(String) CODEC(ZSTD),
    severity_number Int32 CODEC(T64, ZSTD),
    severity_text LowCardinality(String) CODEC(ZSTD),
    -- An AnyValue as `schema.TABLES` takes it apart: the text of an array or map is serialised.
    body_type UInt8 CODEC(T64, ZSTD),
    body_number UInt64 CODEC(ZSTD),
    body_text String CODEC(ZSTD),
    event_name LowCardinality(String) CODEC(ZSTD),
    trace_id FixedString(16) CODEC(ZSTD),
    span_id FixedString(8) CODEC(ZSTD),
    flags UInt32 CODEC(T64, ZSTD),
    resource_id UInt64 CODEC(ZSTD),
    instrumentation_scope_id UInt64 CODEC(ZSTD),

    -- Taken out of the attributes below; see item_columns.UNITS.
    unit LowCardinality(String) CODEC(ZSTD),
    parent_unit LowCardinality(String) CODEC(ZSTD),

    attributes_string Map(LowCardinality(String), String) CODEC(ZSTD),
    attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD),
    attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD),
    attributes_bool Map(LowCardinality(String), Bool) CODEC(ZSTD),
    attributes_other Map(LowCardinality(String), String) CODEC(ZSTD),
    dropped_attributes UInt32 CODEC(T64, ZSTD),

    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001)
)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (tenant, dataset, toStartOfFiveMinutes(time), service, time)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_free_disk_bytes_to_perform_insert = 67108864
