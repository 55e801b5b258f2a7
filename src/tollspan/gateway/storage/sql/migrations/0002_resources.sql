-- What sent the spans, once a day for each distinct resource, so that a day's partitions belong together.
-- The id is a digest of the content.
CREATE TABLE IF NOT EXISTS resources
(
    tenant LowCardinality(String),
    received DateTime('UTC'),
    id UInt64,
    schema_url String,
    attributes_string Map(LowCardinality(String), String),
    attributes_int Map(LowCardinality(String), Int64),
    attributes_double Map(LowCardinality(String), Float64),
    attributes_bool Map(LowCardinality(String), Bool),
    attributes_other Map(LowCardinality(String), String),
    dropped_attributes UInt32
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received)
ORDER BY (tenant, id)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_free_disk_bytes_to_perform_insert = 67108864
