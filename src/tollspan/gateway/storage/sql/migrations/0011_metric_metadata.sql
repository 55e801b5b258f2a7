-- A metric's metadata, as a serialised KeyValueList: it repeats from point to point, as its description does.
ALTER TABLE metric_points ADD COLUMN IF NOT EXISTS metadata LowCardinality(String) CODEC(ZSTD) AFTER description
