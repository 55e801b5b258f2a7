-- One row per data point, of whatever kind: a request that mixes kinds is still one insert, so it is
-- stored exactly once like `spans`. Columns that a kind does not have are zero or empty in its rows.
CREATE TABLE IF NOT EXISTS metric_points
(
    tenant LowCardinality(String),
    dataset LowCardinality(String),
    received DateTime('UTC') CODEC(Delta, ZSTD),
    request_digest FixedString(16) CODEC(ZSTD),

    -- Of the metric. `type` is a MetricType, `temporality` 1 for delta and 2 for cumulative.
    name LowCardinality(String) CODEC(ZSTD),
    description LowCardinality(String) CODEC(ZSTD),
    metric_unit LowCardinality(String) CODEC(ZSTD),
    type UInt8 CODEC(T64, ZSTD),
    temporality Int32 CODEC(T64, ZSTD),
    monotonic UInt8 CODEC(T64, ZSTD),

    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    start_unix_nano UInt64 CODEC(Delta, ZSTD),
    flags UInt32 CODEC(T64, ZSTD),
    service LowCardinality(String) CODEC(ZSTD),
    resource_id UInt64 CODEC(ZSTD),
    instrumentation_scope_id UInt64 CODEC(ZSTD),

    -- Gauges and sums: an int64 or the bits of a double, as the ValueType in `number_type` says.
    number_type UInt8 CODEC(T64, ZSTD),
    number UInt64 CODEC(ZSTD),
    value Float64 ALIAS if(number_type = 3, toFloat64(reinterpretAsInt64(number)), reinterpretAsFloat64(number)),

    -- Histograms of both kinds, and summaries.
    count UInt64 CODEC(T64, ZSTD),
    has_sum UInt8 CODEC(T64, ZSTD),
    sum Float64 CODEC(ZSTD),
    has_min UInt8 CODEC(T64, ZSTD),
    min Float64 CODEC(ZSTD),
    has_max UInt8 CODEC(T64, ZSTD),
    max Float64 CODEC(ZSTD),
    bucket_counts Array(UInt64) CODEC(ZSTD),
    explicit_bounds Array(Float64) CODEC(ZSTD),
    scale Int32 CODEC(T64, ZSTD),
    zero_count UInt64 CODEC(T64, ZSTD),
    zero_threshold Float64 CODEC(ZSTD),
    positive_offset Int32 CODEC(T64, ZSTD),
    positive_bucket_counts Array(UInt64) CODEC(ZSTD),
    negative_offset Int32 CODEC(T64, ZSTD),
    negative_bucket_counts Array(UInt64) CODEC(ZSTD),
    `quantiles.quantile` Array(Float64) CODEC(ZSTD),
    `quantiles.value` Array(Float64) CODEC(ZSTD),

    -- Taken out of the attributes below; see item_columns.UNITS.
    unit LowCardinality(String) CODEC(ZSTD),
    parent_unit LowCardinality(String) CODEC(ZSTD),
    attributes_string Map(LowCardinality(String), String) CODEC(ZSTD),
    attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD),
    attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD),
    attributes_bool Map(LowCardinality(String), Bool) CODEC(ZSTD),
    attributes_other Map(LowCardinality(String), String) CODEC(ZSTD),

    `exemplars.time_unix_nano` Array(UInt64) CODEC(ZSTD),
    `exemplars.type` Array(UInt8) CODEC(ZSTD),
    `exemplars.number` Array(UInt64) CODEC(ZSTD),
    `exemplars.trace_id` Array(FixedString(16)) CODEC(ZSTD),
    `exemplars.span_id` Array(FixedString(8)) CODEC(ZSTD),
    `exemplars.attributes_string` Array(Map(LowCardinality(String), String)) CODEC(ZSTD),
    `exemplars.attributes_other` Array(Map(LowCardinality(String), String)) CODEC(ZSTD),

    -- The points of a timeseries: what the data model says identifies it (OTLP "Timeseries Model").
    series UInt64 MATERIALIZED cityHash64(
        name, type, metric_unit, temporality, monotonic, resource_id, instrumentation_scope_id, unit, parent_unit,
        mapSort(attributes_string), mapSort(attributes_int), mapSort(attributes_double), mapSort(attributes_bool),
        mapSort(attributes_other)
    ) CODEC(ZSTD)
)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (tenant, dataset, name, series, time)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_free_disk_bytes_to_perform_insert = 67108864
