-- One row per span. An insert makes one part, and a part appears whole or not at all: that is what
-- "acknowledged means stored exactly once" rests on, so rows are partitioned by the day they were
-- received, which is one day for a whole insert, and not by their own time.
CREATE TABLE IF NOT EXISTS spans
(
    tenant LowCardinality(String),
    dataset LowCardinality(String),
    received DateTime('UTC') CODEC(Delta, ZSTD),
    -- The digests of the requests that came in with this part, one on each of its first rows; else zeros.
    request_digest FixedString(16) CODEC(ZSTD),

    trace_id FixedString(16) CODEC(ZSTD),
    span_id FixedString(8) CODEC(NONE),
    parent_span_id FixedString(8) CODEC(ZSTD),
    start DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    duration Int64 CODEC(T64, ZSTD),
    service LowCardinality(String) CODEC(ZSTD),
    name LowCardinality(String) CODEC(ZSTD),
    kind Int32 CODEC(T64, ZSTD),
    status_code Int32 CODEC(T64, ZSTD),
    status_message String CODEC(ZSTD),
    trace_state String CODEC(ZSTD),
    flags UInt32 CODEC(T64, ZSTD),
    resource_id UInt64 CODEC(ZSTD),
    instrumentation_scope_id UInt64 CODEC(ZSTD),

    -- Taken out of the attributes below; see span_block.PROMOTED.
    unit LowCardinality(String) CODEC(ZSTD),
    parent_unit LowCardinality(String) CODEC(ZSTD),
    http_request_method LowCardinality(String) CODEC(ZSTD),
    http_response_status_code Int64 CODEC(T64, ZSTD),
    http_route LowCardinality(String) CODEC(ZSTD),
    db_system_name LowCardinality(String) CODEC(ZSTD),

    -- `other` keeps arrays, maps, bytes and empty values, each as a serialised AnyValue.
    attributes_string Map(LowCardinality(String), String) CODEC(ZSTD),
    attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD),
    attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD),
    attributes_bool Map(LowCardinality(String), Bool) CODEC(ZSTD),
    attributes_other Map(LowCardinality(String), String) CODEC(ZSTD),
    dropped_attributes UInt32 CODEC(T64, ZSTD),

    -- Here `other` keeps everything that is not a string.
    `events.time_unix_nano` Array(UInt64) CODEC(ZSTD),
    `events.name` Array(LowCardinality(String)) CODEC(ZSTD),
    `events.attributes_string` Array(Map(LowCardinality(String), String)) CODEC(ZSTD),
    `events.attributes_other` Array(Map(LowCardinality(String), String)) CODEC(ZSTD),
    `events.dropped_attributes` Array(UInt32) CODEC(ZSTD),
    dropped_events UInt32 CODEC(T64, ZSTD),

    `links.trace_id` Array(FixedString(16)) CODEC(ZSTD),
    `links.span_id` Array(FixedString(8)) CODEC(ZSTD),
    `links.trace_state` Array(String) CODEC(ZSTD),
    `links.flags` Array(UInt32) CODEC(ZSTD),
    `links.attributes_string` Array(Map(LowCardinality(String), String)) CODEC(ZSTD),
    `links.attributes_other` Array(Map(LowCardinality(String), String)) CODEC(ZSTD),
    `links.dropped_attributes` Array(UInt32) CODEC(ZSTD),
    dropped_links UInt32 CODEC(T64, ZSTD),

    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001)
)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (tenant, dataset, toStartOfFiveMinutes(start), service, start)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_free_disk_bytes_to_perform_insert = 67108864
