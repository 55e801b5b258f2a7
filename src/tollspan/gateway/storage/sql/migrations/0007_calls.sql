-- The calls between services that a span completes, as calls.py finds them: its own service is the
-- caller of all of them or the callee of the only one.
ALTER TABLE spans
    ADD COLUMN IF NOT EXISTS `calls.caller` Array(LowCardinality(String)) CODEC(ZSTD),
    ADD COLUMN IF NOT EXISTS `calls.callee` Array(LowCardinality(String)) CODEC(ZSTD)
